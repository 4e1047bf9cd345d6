from __future__ import annotations

import platform
import resource
import subprocess
import sys

import pytest

from citywall import allocator

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


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc can be told")
def test_blocks_that_come_and_go_fault_their_pages_in_once():
    pages = 8 * (1 << 20) // resource.getpagesize()
    run = [sys.executable, "-c", MEASURE]
    kept = subprocess.run([*run, "keep"], capture_output=True, text=True, check=True)
    assert int(kept.stdout) < pages


def test_a_library_that_cannot_be_told_is_left_alone(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(allocator.ctypes, "CDLL", lambda _: object())
    assert not allocator.keep()
