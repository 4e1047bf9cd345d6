"""Estimates within the errors that theory gives."""

from __future__ import annotations

import numpy as np
import pytest

from detectors.sketches import kernels
from detectors.sketches.estimates import counted, counted_error, distinct, distinct_error, heaviest

TURNS = 200


@pytest.mark.parametrize("n", [10, 100, 3000, 50_000])
@pytest.mark.parametrize("m", [64, 256])
def test_hyperloglog_is_within_its_error(m, n):
    """Root mean square over many sets: not above 1.04/sqrt(m), give or take what 200 turns allow."""
    dice = np.random.default_rng((m, n))
    registers = np.zeros((TURNS, m), "u1")
    for i in range(TURNS):
        kernels.note_ranks(registers, i, dice.integers(0, 2**64, n, "u8"))
    off = distinct(registers) / n - 1
    allowed = distinct_error(m)
    assert np.sqrt((off**2).mean()) <= 1.25 * allowed
    assert abs(off.mean()) <= max(4 * allowed / np.sqrt(TURNS), 0.03)


@pytest.mark.parametrize("n", [20, 120, 600, 1500])
def test_linear_counting_is_within_its_error(n):
    dice = np.random.default_rng(n)
    bits = np.zeros((TURNS, 16), "u8")
    for i in range(TURNS):
        kernels.note_bits(bits, i, dice.integers(0, 2**64, n, "u8"))
    off = counted(bits) / n - 1
    assert np.sqrt((off**2).mean()) <= 1.25 * counted_error(1024, n)


def test_nothing_is_counted_as_nothing():
    assert distinct(np.zeros((2, 64), "u1")).tolist() == [0, 0]
    assert counted(np.zeros((1, 16), "u8")).tolist() == [0]


def test_the_heaviest_is_named():
    names, counts = np.array([[3, 4], [5, 6]], "u8"), np.array([[1, 9], [8, 2]])
    name, count = heaviest(names, counts)
    assert name.tolist() == [4, 5]
    assert count.tolist() == [9, 8]
