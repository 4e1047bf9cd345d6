<<<<<<< HEAD
"""The C library's allocator, told what is worth keeping."""
=======
"""The C library's memory: one arena for all threads.

By default each thread takes memory from an arena of its own, and what is free in one serves no other. Stages
hand large messages from thread to thread, so that several arenas each keep tens of MiB that nobody uses.
"""
>>>>>>> cases

from __future__ import annotations

import ctypes
<<<<<<< HEAD
import ctypes.util

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
#: Larger ones get pages of their own, and give them back. More than this the library does not take.
LARGEST_KEPT = 32 << 20
#: Free memory at the end of the heap that is kept.
KEPT = 64 << 20


def keep() -> bool:
    """Keep memory that blocks of a MiB or so come and go in; whether the library can be told.

    Else it is given back to the system after each block, and every page of the next is faulted in and
    cleared anew, which costs more than all copies of the block.
    """
    library = ctypes.CDLL(ctypes.util.find_library("c") or None)
    mallopt = getattr(library, "mallopt", None)  # glibc has it
    if mallopt is None:
        return False
    mallopt.argtypes, mallopt.restype = (ctypes.c_int, ctypes.c_int), ctypes.c_int
    return bool(mallopt(_MMAP_THRESHOLD, LARGEST_KEPT)) and bool(mallopt(_TRIM_THRESHOLD, KEPT))
=======
from functools import cache

_M_ARENA_MAX = -8  # malloc.h of the GNU C library


@cache
def share_one_arena() -> bool:
    """Let threads that begin from now on share one arena; whether the C library can do that."""
    try:
        return bool(ctypes.CDLL(None).mallopt(_M_ARENA_MAX, 1))
    except (AttributeError, OSError):  # another C library, which has no arenas
        return False
>>>>>>> cases
