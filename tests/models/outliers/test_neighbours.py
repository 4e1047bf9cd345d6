"""Distances beside a sum anybody can follow."""

from __future__ import annotations

import numpy as np
import pytest

from models.outliers.neighbours import NEAREST, Neighbours, Tail


def test_the_distance_is_the_one_to_the_kth_nearest():
    rng = np.random.default_rng(0)
    normal = rng.normal(size=(60, 3)).astype(np.float32)
    rows = np.concatenate([rng.normal(size=(700, 3)), [[1e6, -1e6, 0]]]).astype(np.float32)
    found = Neighbours.fit(normal, 1)
    low, span = normal.min(axis=0).astype(float), np.ptp(normal.astype(float), axis=0)
    scaled = [np.clip((r - low) / span, -1, 2) for r in rows]
    near = [np.clip((r - low) / span, -1, 2) for r in normal]
    want = [sorted(np.sqrt(((s - n) ** 2).sum()) for n in near)[NEAREST - 1] for s in scaled]
    np.testing.assert_allclose(found.score(rows), want, atol=1e-7)
    again = Neighbours.of("n", found.arrays("n"), 3)
    np.testing.assert_array_equal(again.score(rows), found.score(rows))


def test_what_is_none_is_refused():
    with pytest.raises(ValueError, match="too few"):
        Neighbours.fit(np.zeros((3, 2), np.float32), 1)
    found = Neighbours.fit(np.random.default_rng(0).normal(size=(20, 2)).astype(np.float32), 1)
    with pytest.raises(ValueError, match="no neighbours"):
        Neighbours.of("n", found.arrays("n"), 3)
    with pytest.raises(ValueError, match="no neighbours"):
        Neighbours.of("n", found.arrays("n") | {"n/span": np.zeros(2)}, 2)


def test_rarity_counts_who_is_beyond():
    tail = Tail.of(np.array([3.0, 1.0, 2.0]))
    np.testing.assert_allclose(tail.rarity(np.array([0.0, 1.0, 2.5, 9.0])), np.log(4) - np.log([4, 4, 2, 1]))
