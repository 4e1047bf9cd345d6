"""Room that several writers share."""

from __future__ import annotations

import os
from pathlib import Path

from ingest.capture import open_capture
from ingest.live.rolling import HEADER, Budget, head


def test_a_head_begins_a_capture(tmp_path: Path):
    (tmp_path / "a.pcap").write_bytes(head(101))
    assert len(head(101)) == HEADER
    with open_capture(tmp_path / "a.pcap") as capture:
        assert list(capture.blocks(1 << 20)) == []


def test_the_oldest_of_all_writers_go_and_none_that_is_written(tmp_path: Path):
    def files() -> list[Path]:
        return list(tmp_path.glob("*/*.pcap"))

    for at, (side, name) in enumerate((("b", "1"), ("a", "2"), ("a", "3"), ("b", "4"))):
        path = tmp_path / side / f"{name}.pcap"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(bytes(100))
        os.utime(path, ns=(at, at))
    budget = Budget(400, files)
    budget.begin(tmp_path / "b" / "1.pcap", 150)  # the oldest, and being written
    assert sorted(path.stem for path in files()) == ["1", "3", "4"]
    budget.begin(tmp_path / "a" / "5.pcap", 150)
    assert sorted(path.stem for path in files()) == ["1", "4"]
    budget.end(tmp_path / "b" / "1.pcap")
    budget.begin(tmp_path / "a" / "6.pcap", 200)
    assert (files(), budget.removed) == ([], 4)
