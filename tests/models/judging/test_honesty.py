"""A stump finds the one question; shuffled labels teach nothing, unless somebody peeks."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import settings as limits
from hypothesis import strategies as st

from models.judging.honesty import best_stump, shuffled_beside, stump_beside
from models.judging.measures import accuracy


@limits(max_examples=40)
@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 3), st.booleans()), min_size=1, max_size=30))
def test_no_other_stump_is_better(rows):
    table = np.array([r[:2] for r in rows], np.float32)
    true = np.array([r[2] for r in rows])
    found = accuracy(best_stump(table, true).say(table), true)
    best = max(
        accuracy((table[:, j] > t) == above, true)
        for j in range(2) for t in range(-1, 5) for above in (True, False)
    )  # fmt: skip
    assert found >= best or found >= max(true.mean(), 1 - true.mean())
    assert found <= best


def test_a_stump_that_reaches_the_model_is_told():
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(200, 3))
    true = rows[:, 1] > 0.2
    told = stump_beside(rows, true, rows, true, names=("a", "b", "c"), ours=0.99)
    assert (told["feature"], told["reached"]) == ("b", True)
    told = stump_beside(rows, true, rows, rng.random(200) < 0.5, names=("a", "b", "c"), ours=0.9)
    assert not told["reached"]


def test_shuffled_labels():
    rng = np.random.default_rng(0)
    trained, tested = rng.random(400) < 0.3, rng.random(400) < 0.5
    honest = shuffled_beside(lambda labels: np.full(400, labels.mean() > 0.5), trained, tested, 1)
    assert honest["balanced_accuracy"] == 0.5
    assert not honest["suspicious"]
    peeking = shuffled_beside(lambda _: tested, trained, tested, 1)
    assert peeking["suspicious"]
