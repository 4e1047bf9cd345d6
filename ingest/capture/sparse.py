"""A capture that lies elsewhere: its blocks as they come, at the offsets they have there."""

from __future__ import annotations

import mmap

from citywall.errors import InputError
from ingest.capture.mapping import Mapping
from ingest.decode.blocks import BlockRef

_NO_RESERVE = getattr(mmap, "MAP_NORESERVE", 0x4000)
#: Address space is not memory, but what claims more than this is no capture.
LARGEST = 1 << 44


class SparseCapture(Mapping):
    """Address space for a whole capture of `size` bytes, memory only for the blocks that are here.

    So a block is decoded as from the file itself: same offsets, same digest. Raises InputError where there
    can be no such capture.
    """

    def __init__(self, path: str, size: int) -> None:
        self.path = path
        if not 0 < size <= LARGEST:
            raise InputError(path, f"a capture of {size} bytes cannot be")
        try:
            space = mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | _NO_RESERVE)
        except (OSError, ValueError) as e:
            raise InputError(path, f"no address space for {size} bytes: {e}") from e
        super().__init__(space)

    def put(self, ref: BlockRef, data: bytes) -> None:
        """Put the bytes of a block where they belong; raises InputError where they do not fit."""
        if len(data) != ref.length or ref.offset < 0 or ref.offset + ref.length > len(self.buffer):
            raise InputError(self.path, f"a block of {len(data)} bytes does not fit", offset=ref.offset)
        self._map[ref.offset : ref.offset + ref.length] = data
