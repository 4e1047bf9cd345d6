"""A capture that lies elsewhere: its blocks as they come, at the offsets they have there."""

from __future__ import annotations

import contextlib
import mmap

import numpy as np
from numpy.typing import NDArray

from citywall.errors import InputError
from ingest.decode.blocks import BlockRef

_NO_RESERVE = getattr(mmap, "MAP_NORESERVE", 0x4000)
#: Address space is not memory, but what claims more than this is no capture.
LARGEST = 1 << 44


class SparseCapture:
    """Address space for a whole capture of `size` bytes, memory only for the blocks that are here.

    So a block is decoded as from the file itself: same offsets, same digest. Raises InputError where there
    can be no such capture.
    """

    def __init__(self, path: str, size: int) -> None:
        self.path = path
        if not 0 < size <= LARGEST:
            raise InputError(path, f"a capture of {size} bytes cannot be")
        try:
            self._map = mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | _NO_RESERVE)
        except (OSError, ValueError) as e:
            raise InputError(path, f"no address space for {size} bytes: {e}") from e
        self.buffer: NDArray[np.uint8] = np.frombuffer(self._map, np.uint8)

    def put(self, ref: BlockRef, data: bytes) -> None:
        """Put the bytes of a block where they belong; raises InputError where they do not fit."""
        if len(data) != ref.length or ref.offset < 0 or ref.offset + ref.length > len(self.buffer):
            raise InputError(self.path, f"a block of {len(data)} bytes does not fit", offset=ref.offset)
        self._map[ref.offset : ref.offset + ref.length] = data

    def release(self, ref: BlockRef) -> None:
        """Give back the memory of a block, but for the pages it may share with its neighbours."""
        page = mmap.PAGESIZE
        begin = -(-ref.offset // page) * page
        length = (ref.offset + ref.length) // page * page - begin
        if length > 0 and hasattr(mmap, "MADV_DONTNEED"):
            self._map.madvise(mmap.MADV_DONTNEED, begin, length)

    def close(self) -> None:
        """Give everything back."""
        self.buffer = np.empty(0, np.uint8)
        with contextlib.suppress(BufferError):  # arrays that look into it still hold it
            self._map.close()
