from __future__ import annotations

from typing import Any

from reports.queries.alerts_by_level import QUERY


def test_levels_are_not_guessed(inputs: Any, fact: Any):
    figure = QUERY.answer(inputs(fact(), fact(2, severity=2, gb_level="III")))
    assert figure.rows == ((5, 0, 0), (4, 1, 0), (3, 0, 0), (2, 1, 1), (1, 0, 0))
    assert figure.values == {"ungraded": 1, "levels": {"III": 1}}
    assert (figure.state, figure.reasons[0].values) == ("partial", {"count": 1, "all": 2})


def test_nothing_seen(blind: Any):
    assert QUERY.answer(blind).state == "not_observable"
