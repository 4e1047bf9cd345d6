"""What captures that roll within a budget have in common: their head, and which of them go."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from pathlib import Path

#: Of a pcap file with nanoseconds, little endian.
MAGIC = 0xA1B2_3C4D
HEADER = 24
_SNAP = 262_144
_HEAD = struct.Struct("<IHHiIII")


def head(link: int) -> bytes:
    """The head of a capture file of one link type."""
    return _HEAD.pack(MAGIC, 2, 4, 0, 0, _SNAP, link)


def shrink(oldest_first: Sequence[Path], coming: int, most: int) -> int:
    """Remove files until those left and `coming` bytes take no more than `most`; how many went.

    Raises OSError.
    """
    sizes = [path.stat().st_size for path in oldest_first]
    surplus, gone = sum(sizes) + coming - most, 0
    for path, size in zip(oldest_first, sizes, strict=True):
        if surplus <= 0:
            break
        path.unlink(missing_ok=True)
        surplus -= size
        gone += 1
    return gone
