"""Rolling segments: whole captures, within a budget."""

from __future__ import annotations

import struct

import pytest

from citywall.errors import InputError
from ingest.capture import open_capture
from ingest.live.segments import HEADER, Segments


def record(size: int) -> bytes:
    return struct.pack("<IIII", 1, 2, size, size) + bytes(size)


def test_files_are_captures_that_roll_and_the_oldest_go(tmp_path):
    segments = Segments(tmp_path, "a", link=101, segment_bytes=300, budget_bytes=700)
    for _ in range(20):
        segments.room(116)
        assert segments.append(record(100)) >= HEADER
    segments.close()
    files = segments.files()
    assert segments.removed > 0
    assert sum(path.stat().st_size for path in files) <= 700
    for path in files:
        with open_capture(path) as capture:
            assert sum(ref.packets for ref in capture.blocks(1 << 20)) == 2
    with pytest.raises(InputError, match="closed"):
        segments.append(b"")


def test_a_second_writer_goes_on_behind_the_first(tmp_path):
    first = Segments(tmp_path, "a", link=1, segment_bytes=1000, budget_bytes=10_000)
    first.append(record(10))
    first.close()
    second = Segments(tmp_path, "a", link=1, segment_bytes=1000, budget_bytes=10_000)
    assert second.path.name == "a-000002.pcap"
    second.close()
    assert [path.name for path in second.files()] == ["a-000001.pcap"]  # an empty one is none


def test_a_folder_that_cannot_be(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(InputError):
        Segments(tmp_path / "file" / "x", "a", link=1, segment_bytes=1000, budget_bytes=10_000)
