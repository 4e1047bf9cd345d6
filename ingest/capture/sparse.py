"""Captures that lie elsewhere: their blocks as they come, at the offsets they have there.

So a block is decoded as from the file itself: same offsets, same digest.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from citywall.errors import InputError
from ingest.decode.blocks import BlockRef

#: Where the offsets of a capture end, also of one without end.
FARTHEST = 1 << 62


class PassingCapture:
    """A capture of which only the block last put is here.

    `buffer`: u1, read-only, seemingly the capture from its beginning to the end of that block. What lies
    before the block is not memory and must not be read; nobody needs to, since a block is decoded by itself.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self.buffer: NDArray[np.uint8] = np.empty(0, np.uint8)

    def put(self, ref: BlockRef, data: bytes | memoryview) -> None:
        """Show the bytes of a block; raises InputError where they cannot be its bytes."""
        end = ref.offset + ref.length
        if len(data) != ref.length or ref.offset < 0 or end > FARTHEST:
            raise InputError(self.path, f"a block of {len(data)} bytes does not fit", offset=ref.offset)
        self.buffer = np.asarray(_Window(data, ref.offset))

    def release(self, _: BlockRef) -> None:
        """Let go of the block."""
        self.buffer = np.empty(0, np.uint8)

    def close(self) -> None:
        """Let go of everything."""
        self.buffer = np.empty(0, np.uint8)


class _Window:
    """Bytes as the tail of a longer array, whose pointer lies so far before them. NumPy keeps it alive."""

    def __init__(self, data: bytes | memoryview, offset: int) -> None:
        self._data = np.frombuffer(data, np.uint8)
        self.__array_interface__: dict[str, Any] = {
            "version": 3, "typestr": "|u1", "shape": (offset + len(data),),
            "data": ((self._data.ctypes.data - offset) % (1 << 64), True),
        }  # fmt: skip
