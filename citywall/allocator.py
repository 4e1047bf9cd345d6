"""The C library's memory: one arena for all threads.

By default each thread takes memory from an arena of its own, and what is free in one serves no other. Stages
hand large messages from thread to thread, so that several arenas each keep tens of MiB that nobody uses.
"""

from __future__ import annotations

import ctypes
from functools import cache

_M_ARENA_MAX = -8  # malloc.h of the GNU C library


@cache
def share_one_arena() -> bool:
    """Let threads that begin from now on share one arena; whether the C library can do that."""
    try:
        return bool(ctypes.CDLL(None).mallopt(_M_ARENA_MAX, 1))
    except (AttributeError, OSError):  # another C library, which has no arenas
        return False
