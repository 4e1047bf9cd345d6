from __future__ import annotations

from pathlib import Path

from ingest.capture import open_capture
from ingest.live.rolling import HEADER, head, shrink


def test_the_head_of_a_capture(tmp_path: Path):
    (tmp_path / "a.pcap").write_bytes(head(1))
    assert len(head(1)) == HEADER
    with open_capture(tmp_path / "a.pcap") as capture:
        assert list(capture.blocks(1 << 20)) == []


def test_the_oldest_go_until_there_is_room(tmp_path: Path):
    files = [tmp_path / name for name in "abcd"]
    for path in files:
        path.write_bytes(bytes(100))
    assert shrink(files, 50, 450) == 0
    assert shrink(files, 50, 300) == 2
    assert [path.exists() for path in files] == [False, False, True, True]
    assert shrink(files[2:], 500, 100) == 2
