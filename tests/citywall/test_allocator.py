"""Threads share one arena, where the C library has any."""

from __future__ import annotations

import ctypes
import subprocess
import sys

import pytest

from citywall.allocator import share_one_arena

#: Eight threads that each hold memory; how many arenas the C library then tells of.
ARENAS = """
import ctypes, threading
from citywall.allocator import share_one_arena
assert {shared} is False or share_one_arena()
done = threading.Barrier(9)
def hold():
    kept = bytearray(100_000)
    done.wait(); done.wait()
threads = [threading.Thread(target=hold) for _ in range(8)]
[t.start() for t in threads]
done.wait()
ctypes.CDLL(None).malloc_stats()
done.wait()
"""


def arenas(shared: bool) -> int:
    run = [sys.executable, "-c", ARENAS.format(shared=shared)]
    return subprocess.run(run, check=True, capture_output=True, text=True).stderr.count("Arena ")


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "mallopt"), reason="another C library")
def test_threads_share_one_arena() -> None:
    assert share_one_arena()
    assert arenas(True) <= arenas(False)
    assert arenas(True) == 1
