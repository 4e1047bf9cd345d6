from __future__ import annotations

from typing import Any

from reports.queries.playbooks import QUERY


def test_a_room_without_records_is_not_observable(inputs: Any):
    figure = QUERY.answer(inputs(playbooks=None))
    assert (figure.state, figure.reasons[0].code) == ("not_observable", "room_absent")
    assert QUERY.answer(inputs(playbooks=())).reasons[0].code == "room_empty"
