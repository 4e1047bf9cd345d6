from __future__ import annotations

from typing import Any

from reports.queries.alert_handling import QUERY

MINUTE = 60_000_000_000


def test_statuses_and_time_to_acknowledge(inputs: Any, fact: Any):
    at = fact().received
    figure = QUERY.answer(
        inputs(
            fact(),
            fact(2, status="resolved", owner="li", acknowledged=at + 2 * MINUTE),
            fact(3, status="acknowledged", owner="li", acknowledged=at + 6 * MINUTE),
            fact(4, severity=1),
        )
    )
    assert figure.rows == (
        ("new", 2),
        ("acknowledged", 1),
        ("in_progress", 0),
        ("resolved", 1),
        ("false_alarm", 0),
    )
    assert figure.values == {"acknowledged": 2, "open_high": 1, "owners": 1, "median_seconds": 120}


def test_nobody_acted(inputs: Any, fact: Any):
    assert QUERY.answer(inputs(fact())).values["median_seconds"] is None
    assert QUERY.answer(inputs()).state == "not_observable"
