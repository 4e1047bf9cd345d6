from __future__ import annotations

from pathlib import Path

import pytest

from stream.folders import UNFINISHED, look


def test_whole_files_by_name(tmp_path: Path):
    for name in ("b.pcap", "a.log", ".hidden", *(f"x{end}" for end in UNFINISHED)):
        (tmp_path / name).write_bytes(b"123")
    (tmp_path / "folder").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "a.log")
    found = look(tmp_path)
    assert [(each.path, each.size) for each in found] == [(tmp_path / "a.log", 3), (tmp_path / "b.pcap", 3)]
    assert found[0].changed == (tmp_path / "a.log").stat().st_mtime_ns
    with pytest.raises(FileNotFoundError):
        look(tmp_path / "none")
