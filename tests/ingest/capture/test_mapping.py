"""Mapped memory: what is let go of, what stays, and when it is unmapped."""

from __future__ import annotations

import mmap
from pathlib import Path

import numpy as np
import pytest

from ingest.capture.mapping import Mapping
from ingest.decode.blocks import BlockRef, Section

PAGE = mmap.PAGESIZE


def _ref(offset: int, length: int) -> BlockRef:
    return BlockRef("s", "x", 0, offset, length, 0, 0, 0, 0, Section("pcap", big_endian=False, interfaces=()))


@pytest.fixture
def anonymous() -> Mapping:
    space = mmap.mmap(-1, 4 * PAGE, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    space[:] = b"\x01" * (4 * PAGE)
    return Mapping(space)


@pytest.mark.parametrize(
    ("offset", "length", "gone"),
    [
        (PAGE, PAGE, (PAGE, 2 * PAGE)),
        (PAGE - 1, PAGE + 2, (PAGE, 2 * PAGE)),  # neighbours keep the pages they share with it
        (PAGE + 1, PAGE - 1, (0, 0)),
        (PAGE + 1, 2, (0, 0)),
        (0, 4 * PAGE, (0, 4 * PAGE)),
    ],
)
def test_only_whole_pages_of_a_block_are_let_go(
    anonymous: Mapping, offset: int, length: int, gone: tuple[int, int]
) -> None:
    anonymous.release(_ref(offset, length))
    expected = np.ones(4 * PAGE, np.uint8)
    expected[slice(*gone)] = 0
    np.testing.assert_array_equal(anonymous.buffer, expected)


def test_a_released_part_of_a_file_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(bytes(range(256)) * (PAGE // 64))
    with path.open("rb") as source:
        mapping = Mapping(mmap.mmap(source.fileno(), 0, access=mmap.ACCESS_READ))
    mapping.release(_ref(0, 4 * PAGE))
    assert mapping.buffer.tobytes() == path.read_bytes()


def test_an_array_that_looks_into_it_outlives_close(anonymous: Mapping) -> None:
    view = anonymous.buffer[:PAGE]
    anonymous.close()
    assert len(anonymous.buffer) == 0
    assert (view == 1).all()
