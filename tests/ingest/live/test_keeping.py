from __future__ import annotations

import struct
from pathlib import Path

from ingest.capture import open_capture
from ingest.decode.blocks import BlockRef, InlineBlock, Interface, Section
from ingest.live.keeping import Keeping, between

SECOND = 1_000_000_000


def block(at: int, size: int = 100) -> InlineBlock:
    """One packet at second `at`."""
    data = struct.pack("<4I", at, 7, size, size) + bytes(size)
    section = Section("pcap", big_endian=False, interfaces=(Interface(1, multiply=1),))
    return InlineBlock(BlockRef("s", "p", 0, 24, len(data), 1, 1, 0, at * SECOND, section), data)


def test_a_ring_of_captures_the_oldest_of_which_go(tmp_path: Path):
    ring = Keeping(tmp_path / "eth0", most_bytes=1500, segment_bytes=300)
    for at in range(100, 120):
        ring.add(block(at))
        ring.add(InlineBlock(block(at).block, b""))
    ring.close()
    files = sorted((tmp_path / "eth0").iterdir())
    assert sum(path.stat().st_size for path in files) <= 1500
    assert files[-1].name == f"{118 * SECOND + 7:020d}.pcap"
    with open_capture(files[-1]) as capture:
        [ref] = capture.blocks(1 << 20)
        assert (ref.packets, ref.newest) == (2, 119 * SECOND + 7)


def test_files_of_a_time(tmp_path: Path):
    ring = Keeping(tmp_path, most_bytes=1 << 20, segment_bytes=120)
    for at in (100, 200, 300, 300):
        ring.add(block(at))
    ring.close()
    first, second, third, same = sorted(tmp_path.iterdir())
    assert between(tmp_path, 150 * SECOND, 160 * SECOND) == [first]
    assert between(tmp_path, 150 * SECOND, 250 * SECOND) == [first, second]
    assert between(tmp_path, 10 * SECOND, 20 * SECOND) == []
    assert between(tmp_path, 400 * SECOND, 500 * SECOND) == [same]
    assert third in between(tmp_path, 300 * SECOND, 301 * SECOND)
    assert between(tmp_path / "none", 0, 1) == []


def test_one_that_was_killed_goes_on_beside_what_it_left(tmp_path: Path):
    for _ in range(2):
        ring = Keeping(tmp_path, most_bytes=1 << 20)
        ring.add(block(100))
        ring.close()
    assert len(list(tmp_path.iterdir())) == 2
