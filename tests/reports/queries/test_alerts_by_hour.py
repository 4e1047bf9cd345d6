from __future__ import annotations

from typing import Any

from reports.queries.alerts_by_hour import QUERY


def test_hours_of_the_report_day(inputs: Any, fact: Any):
    figure = QUERY.answer(inputs(fact(), fact(2, hour=9.99, severity=2), fact(3, hour=23.9)))
    assert len(figure.rows) == 24
    assert (figure.rows[0], figure.rows[9], figure.rows[23]) == (("00", 0, 0), ("09", 2, 1), ("23", 1, 1))
    assert figure.values == {"busiest": 2}


def test_nothing_seen(blind: Any):
    assert QUERY.answer(blind).state == "not_observable"
