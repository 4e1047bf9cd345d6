"""Learning without labels, row after row."""

from __future__ import annotations

import numpy as np
import pytest

from models.judging.measures import roc_auc
from models.outliers.halfspace import HalfSpaceTrees


@pytest.fixture(scope="module")
def stream():
    rng = np.random.default_rng(1)
    rows = np.clip(rng.normal(0.3, 0.05, (2000, 4)), 0, 1)
    odd = rng.random(2000) < 0.02
    rows[odd] = rng.uniform(0.6, 1.0, (odd.sum(), 4))
    return rows, odd


def test_the_odd_ones_stand_out(stream):
    rows, odd = stream
    score = HalfSpaceTrees(4, seed=1).score_and_learn(rows)
    assert (score[:256] == 0).all()
    assert roc_auc(score[256:], odd[256:]) > 0.98
    assert ((score >= 0) & (score <= 1)).all()


def test_it_follows_a_change(stream):
    rows, _ = stream
    trees = HalfSpaceTrees(4, seed=1)
    trees.score_and_learn(rows)
    moved = np.clip(rows + 0.4, 0, 1)
    score = trees.score_and_learn(moved)
    assert score[:100].mean() > 0.2
    assert score[600:].mean() < 0.02


def test_calls_and_restarts_change_nothing(stream):
    rows, _ = stream
    want = HalfSpaceTrees(4, seed=1).score_and_learn(rows)
    trees, found = HalfSpaceTrees(4, seed=1), []
    for at in range(0, len(rows), 37):
        found.append(trees.score_and_learn(rows[at : at + 37]))
        if at % (37 * 20):
            continue
        fresh = HalfSpaceTrees(4, seed=1)
        fresh.restore(trees.snapshot())
        trees = fresh
    np.testing.assert_array_equal(np.concatenate(found), want)


def test_bad_use():
    with pytest.raises(ValueError, match="need a feature"):
        HalfSpaceTrees(0, seed=1)
    trees = HalfSpaceTrees(2, seed=1)
    with pytest.raises(ValueError, match="2 features"):
        trees.score_and_learn(np.zeros((3, 3)))
    with pytest.raises(ValueError, match="another shape"):
        trees.restore({**trees.snapshot(), "state": np.zeros(3, np.int64)})
