from __future__ import annotations

from pathlib import Path

import pytest

from stream.folders import UNFINISHED, Look, Settling, look


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


def test_a_file_is_whole_when_it_has_stood_still(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    clock = [100.0]
    monkeypatch.setattr("stream.folders.time.monotonic", lambda: clock[0])
    monkeypatch.setattr("stream.folders.time.time_ns", lambda: int(clock[0] * 1e9))
    settling = Settling(2.0)
    old, new = Look(tmp_path / "old", 3, 90 * 10**9), Look(tmp_path / "new", 3, 101 * 10**9)
    assert settling.whole([old, new]) == [old]
    clock[0] += 1.5
    grown = Look(new.path, 4, 101 * 10**9)  # a clock that is behind ours
    assert settling.whole([grown]) == []
    clock[0] += 1.0
    ahead = Look(new.path, 4, 999 * 10**9)
    assert settling.whole([ahead]) == []
    clock[0] += 2.0
    assert settling.whole([ahead]) == [ahead]
    assert settling.whole([]) == []
