from __future__ import annotations

from typing import Any

from reports.queries.reporting_clocks import QUERY


def test_a_room_without_records_is_not_observable(inputs: Any):
    figure = QUERY.answer(inputs(cases=None))
    assert (figure.state, figure.reasons[0].code) == ("not_observable", "room_absent")
    assert QUERY.answer(inputs(cases=())).reasons[0].code == "room_empty"
