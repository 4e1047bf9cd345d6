"""The C library's allocator, told what is worth keeping, and that threads may share it (`mallopt`, glibc)."""

from __future__ import annotations

import ctypes
from functools import cache

_TRIM_THRESHOLD, _MMAP_THRESHOLD, _ARENA_MAX = -1, -3, -8  # malloc.h
#: Larger ones get pages of their own, and give them back. More than this the library does not take.
LARGEST_KEPT = 32 << 20
#: Free memory at the end of the heap that is kept.
KEPT = 64 << 20


@cache
def keep() -> bool:
    """Keep memory that blocks of a MiB or so come and go in; whether the library can be told.

    Else it is given back to the system after each block, and every page of the next is faulted in and
    cleared anew, which costs more than all copies of the block.
    """
    return _told(_MMAP_THRESHOLD, LARGEST_KEPT) and _told(_TRIM_THRESHOLD, KEPT)


@cache
def share_one_arena() -> bool:
    """Let threads that begin from now on share one arena; whether the library can be told.

    Else each takes memory from an arena of its own, and what is free in one serves no other. Stages hand
    large messages from thread to thread, so that several arenas would each keep tens of MiB that nobody uses.
    """
    return _told(_ARENA_MAX, 1)


def _told(what: int, value: int) -> bool:
    try:
        return bool(ctypes.CDLL(None).mallopt(what, value))
    except (AttributeError, OSError):  # another C library
        return False
