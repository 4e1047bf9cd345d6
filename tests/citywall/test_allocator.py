"""What the C library was told shows in what it does."""

from __future__ import annotations

import ctypes
import platform
import resource
import subprocess
import sys

import pytest

from citywall import allocator

GLIBC = pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc can be told")

MEASURE = """
import resource, sys
from citywall import allocator
if sys.argv[1] == "keep":
    assert allocator.keep()
def faults():
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt
def blocks():
    for _ in range(20):
        held = [bytes(1 << 20) for _ in range(8)]
        del held
blocks()
before = faults()
blocks()
print(faults() - before)
"""

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


@GLIBC
def test_blocks_that_come_and_go_fault_their_pages_in_once():
    pages = 8 * (1 << 20) // resource.getpagesize()
    run = [sys.executable, "-c", MEASURE]
    kept = subprocess.run([*run, "keep"], capture_output=True, text=True, check=True)
    assert int(kept.stdout) < pages


def arenas(shared: bool) -> int:
    run = [sys.executable, "-c", ARENAS.format(shared=shared)]
    return subprocess.run(run, check=True, capture_output=True, text=True).stderr.count("Arena ")


@GLIBC
def test_threads_share_one_arena():
    assert arenas(True) <= arenas(False)
    assert arenas(True) == 1


def test_a_library_that_cannot_be_told_is_left_alone(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(ctypes, "CDLL", lambda _: object())
    assert not allocator.keep.__wrapped__()
    assert not allocator.share_one_arena.__wrapped__()
