"""The kernels' arithmetic against Python's unbounded integers."""

from __future__ import annotations

import math
from collections.abc import Iterator
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.meter import kernels
from ingest.meter.table import COLD, FLOW_BYTES, HEAD, SIDE, new_table, used_bytes

WORD = (1 << 64) - 1
U64 = st.integers(0, WORD)


@pytest.fixture(autouse=True)
def _words_wrap() -> Iterator[None]:
    """Without the JIT, NumPy warns of the overflow that long arithmetic is made of."""
    with np.errstate(over="ignore"):
        yield


@settings(deadline=None)
@given(U64, U64)
def test_multiply(a: int, b: int) -> None:
    high, low = kernels.multiply(np.uint64(a), np.uint64(b))
    assert int(high) << 64 | int(low) == a * b


@settings(deadline=None)
@given(st.lists(st.integers(0, (1 << 47) - 1), min_size=2, max_size=50))
def test_deviation(values: list[int]) -> None:
    square = sum(v * v for v in values)
    got = kernels.deviation(len(values), sum(values), np.uint64(square >> 64), np.uint64(square & WORD))
    mean = Fraction(sum(values), len(values))
    assert got == pytest.approx(
        math.sqrt(sum((v - mean) ** 2 for v in values) / (len(values) - 1)), rel=1e-12
    )


def test_deviation_does_not_cancel() -> None:
    """Gaps of a day that differ by a nanosecond: floats would lose it."""
    day = 86_400 * 10**9
    values = [day, day + 1, day, day + 1]
    square = sum(v * v for v in values)
    got = kernels.deviation(4, sum(values), np.uint64(square >> 64), np.uint64(square & WORD))
    assert got == pytest.approx(math.sqrt(1 / 3))


def test_rehash_keeps_every_entry() -> None:
    rng = np.random.default_rng(3)
    entries = (rng.integers(0, 1 << 32, 30, np.uint64) << np.uint64(32)) | np.arange(1, 31, dtype=np.uint64)
    old, new = np.zeros(64, np.uint64), np.zeros(256, np.uint64)
    old[:30] = entries
    kernels.rehash(old, new)
    assert sorted(new[new > 0].tolist()) == sorted(entries.tolist())
    for entry in entries.tolist():
        at = entry >> 32 & 255
        while new[at] != entry:
            assert new[at] != 0
            at = (at + 1) & 255


@pytest.mark.parametrize("idle", [1, 2, 3, 120, 126, 127, 128, 3600])
def test_wheel_is_wide_enough(idle: int) -> None:
    """Deadlines are at most idle + 1 seconds ahead of the second now emptied; each has its own bucket."""
    width = new_table(16, idle).wheel.shape[1]
    assert width >= idle + 2
    assert width & (width - 1) == 0


def test_a_flow_is_small() -> None:
    assert (HEAD.itemsize, SIDE.itemsize) == (128, 128)  # whole cache lines
    assert FLOW_BYTES == HEAD.itemsize + 2 * SIDE.itemsize + COLD.itemsize <= 440
    table = new_table(1 << 20, 120)
    assert used_bytes(table, 1000) < 600_000
