from __future__ import annotations

from typing import Any

from reports.queries.reporting_clocks import QUERY
from reports.rooms import ClockFact


def test_states_at_the_end_of_the_day(inputs: Any, day: Any):
    s, u = day.since, day.until
    found = (
        ClockFact("a", "first", s, s + 9, s + 9),
        ClockFact("b", "first", s, s + 9, s + 10),
        ClockFact("c", "first", s, s + 9),
        ClockFact("d", "summary", s, u + 9),
        ClockFact("e", "first", s, u - 1, u + 1),
        ClockFact("f", "first", u, u + 9),
        ClockFact("g", "first", s - 9, s, s - 1),
    )
    figure = QUERY.answer(inputs(clocks=found))
    assert figure.rows == (("met", 1), ("late", 1), ("overdue", 2), ("running", 1))


def test_whose_clock_runs_is_not_said(inputs: Any):
    figure = QUERY.answer(inputs(clocks=(), unclocked=2))
    assert (figure.state, [(r.code, r.values) for r in figure.reasons]) == (
        "partial", [("operator_unset", {"count": 2})],
    )  # fmt: skip


def test_no_room(inputs: Any):
    assert QUERY.answer(inputs()).reasons[0].code == "room_absent"
