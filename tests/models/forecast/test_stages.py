"""The next stage: probabilities, and hidden where the commonest says as much."""

from __future__ import annotations

import pytest

from models.forecast import stages
from models.forecast.stages import END, Chain

ALL = (0, 1, 2, 3, 4, 5)


def test_a_case_is_its_changes():
    assert stages.changed([0, 1, 1, 2, 0, 2, 1]) == (1, 2, 1)
    assert stages.steps([1, 1, 3]) == [((1,), 3), ((1, 3), END)]
    assert stages.steps([0]) == []


def test_probabilities():
    chain = Chain()
    assert chain.next([1], ALL) == pytest.approx(dict.fromkeys(ALL, 1 / 6))
    for _ in range(8):
        chain.learn([1, 2, 5])
    chain.learn([4, 2, 3])
    likely = chain.next([1, 2], ALL)
    assert sum(likely.values()) == pytest.approx(1)
    assert max(likely, key=likely.get) == 5
    other = chain.next([4, 2], ALL)
    assert other[3] > likely[3]


def test_shown_where_the_past_was_told_better():
    # Eight in ten are looked at and left; who controls a host always goes on.
    cases = [[1]] * 4 + [[1, 3, 5]] + [[2, 3, 5]] * 5
    told = stages.backtest(cases * 3, ALL)
    assert told.shown
    assert told.ours > told.commonest
    assert told.steps == 3 * (4 + 3 + 15)
    flat = stages.backtest([[1]] * 30, ALL)
    assert not flat.shown
    assert flat.ours == flat.commonest
    assert not stages.backtest([], ALL).shown


def test_a_case_is_asked_before_it_is_learned():
    told = stages.backtest([[1, 2]], ALL)
    assert told.steps == 2
    assert told.ours <= 0.5  # nothing was known: only the first of equals can be right by luck
