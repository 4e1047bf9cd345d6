"""Mapped memory that a capture's bytes are looked at through."""

from __future__ import annotations

import contextlib
import mmap

import numpy as np
from numpy.typing import NDArray

from ingest.decode.blocks import BlockRef


class Mapping:
    """A mapping and the array that shows it. `buffer`: u1, one for each byte."""

    def __init__(self, mapped: mmap.mmap) -> None:
        self._map = mapped
        self.buffer: NDArray[np.uint8] = np.frombuffer(mapped, np.uint8)

    def release(self, ref: BlockRef) -> None:
        """Let go of the memory of a block that has been read, but for pages it shares with its neighbours.

        It is read again if asked for.
        """
        page = mmap.PAGESIZE
        begin = -(-ref.offset // page) * page
        length = (ref.offset + ref.length) // page * page - begin
        if length > 0 and hasattr(mmap, "MADV_DONTNEED"):
            with contextlib.suppress(OSError):  # advice: a kernel that declines it has the memory for longer
                self._map.madvise(mmap.MADV_DONTNEED, begin, length)

    def close(self) -> None:
        """Unmap, now or when the last array that looks into it is gone."""
        self.buffer = np.empty(0, np.uint8)
        with contextlib.suppress(BufferError):  # arrays that look into it still hold it
            self._map.close()
