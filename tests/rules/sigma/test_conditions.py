from __future__ import annotations

import numpy as np

from rules.sigma import conditions
from rules.sigma.conditions import All, Any, Columns, Compared, Not
from tests.rules.indicators.rows import flow, flows

ROWS = flows(*(flow("10.0.0.1", "10.0.0.2", src_port=n) for n in range(6)))


def holds(condition: conditions.Condition, which: list[int] | None = None) -> list[int]:
    return np.flatnonzero(
        condition.holds(Columns(ROWS, np.arange(6) if which is None else np.array(which)))
    ).tolist()


def test_they_go_together():
    low, high = Compared("src_port", "<", 3), Compared("src_port", ">=", 2)
    assert holds(All((low, high))) == [2]
    assert holds(Any((Not(low), Not(high)))) == [0, 1, 3, 4, 5]
    assert holds(All(())) == [0, 1, 2, 3, 4, 5]
    assert holds(Any(())) == []
    assert holds(Compared("src_port", "!=", 4)) == [0, 1, 2, 3, 5]


def test_some_rows_alone():
    assert holds(Compared("src_port", "=", 4), [5, 4]) == [1]


def test_one_of():
    low = Compared("src_port", "<", 1)
    assert conditions.one_of([low]) is low
    assert holds(conditions.one_of([low, Compared("src_port", ">", 4)])) == [0, 5]
