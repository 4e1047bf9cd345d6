from __future__ import annotations

from typing import Any

from reports.queries.cases import QUERY
from reports.rooms import CaseFact


def test_open_in_the_day_by_level(inputs: Any, day: Any):
    def case(number: int, opened: int, level: str = "", **more: Any) -> CaseFact:
        return CaseFact(str(number), ("扫描", "Scan"), "data", 4, level, opened, **more)

    found = (
        case(1, day.since - 5, closed=day.since - 1),
        case(2, day.since - 5, closed=day.since + 5, whole=True),
        case(3, day.since + 5, "major", acknowledged=day.since + 6),
        case(4, day.until),
        case(5, day.since, "major", closed=day.until + 5, whole=True),
    )
    figure = QUERY.answer(inputs(cases=found))
    assert figure.rows == (("", 1, 1, 1), ("major", 2, 0, 0))
    assert figure.values == {"cases": 3, "opened": 2, "closed": 1, "whole": 1, "unacknowledged": 2}


def test_no_room_and_none(inputs: Any):
    assert QUERY.answer(inputs()).reasons[0].code == "room_absent"
    assert (QUERY.answer(inputs(cases=())).state, QUERY.answer(inputs(cases=())).rows) == ("observed", ())
