"""Entering things into sketches, against plain Python."""

from __future__ import annotations

import statistics
from collections import Counter

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors.sketches import kernels


def test_a_thing_entered_twice_changes_nothing():
    hashes = np.random.default_rng(1).integers(0, 2**64, 50, "u8")
    registers, bits = np.zeros((1, 64), "u1"), np.zeros((1, 16), "u8")
    assert kernels.note_ranks(registers, 0, hashes) > 20
    assert kernels.note_bits(bits, 0, hashes) > 40
    assert kernels.note_ranks(registers, 0, hashes) == 0
    assert kernels.note_bits(bits, 0, hashes) == 0


@settings(max_examples=30, deadline=None)
@given(seen=st.lists(st.integers(0, 12), max_size=200))
def test_space_saving_keeps_its_promise(seen):
    """No count is below the truth, none above it by more than the whole over the counters (Metwally 2005)."""
    names, counts = np.zeros((1, 4), "u8"), np.zeros((1, 4), "i8")
    kernels.save_spaces(names, counts, 0, np.array(seen, "u8") + np.uint64(1))
    truth = Counter(h + 1 for h in seen)
    assert counts.sum() == len(seen)
    for name, count in zip(names[0].tolist(), counts[0].tolist(), strict=True):
        if count:
            assert truth[name] <= count <= truth[name] + len(seen) / 4
    kept = set(names[0].tolist())
    assert all(h in kept for h, n in truth.items() if n > len(seen) / 4)  # nobody heavy is left out


@settings(max_examples=30, deadline=None)
@given(values=st.lists(st.integers(0, 255), min_size=1, max_size=60))
def test_median_and_deviation_are_exact(values):
    median, deviation = kernels.median_and_deviation(np.array(values, "i8"))
    assert median == statistics.median_low(values)
    assert deviation == statistics.median_low([abs(v - median) for v in values])


def test_a_decayed_mean_comes_to_what_it_is_given():
    assert kernels.decay_many(np.zeros(10, "i8"), 4) == 0
    steady = kernels.decay_many(np.full(200, 50_000, "i8"), 4)
    assert abs(steady - 50_000) <= 16
    exact = 0.0
    values = np.random.default_rng(2).integers(0, 100_000, 300)
    for value in values:
        exact += (value - exact) / 16
    assert abs(kernels.decay_many(values, 4) - exact) <= 16  # at most one lost a step, and decayed
