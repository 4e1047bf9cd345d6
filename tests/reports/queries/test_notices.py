from __future__ import annotations

from typing import Any

from reports.queries.notices import QUERY
from reports.rooms import NoticeFact


def test_by_unit_and_what_is_overdue(inputs: Any, day: Any):
    s, u = day.since, day.until
    found = (
        NoticeFact("1", "data", s, s + 9, u + 9, received=s + 1),
        NoticeFact("2", "data", s, s + 9, u + 9),
        NoticeFact("3", "civil", s, s + 9, s + 20, received=s + 1, rectified=s + 2, closed=s + 3),
        NoticeFact("4", "civil", s, s + 9, s + 20, received=s + 1, rectified=u + 2),
        NoticeFact("5", "civil", u, u + 9, u + 20),
    )
    figure = QUERY.answer(inputs(notices=found))
    assert figure.rows == (
        (["民政局", "Civil Bureau"], 2, 2, 1, 1, 1),
        (["大数据局", "Data Bureau"], 2, 1, 0, 0, 1),
    )
    assert figure.values == {"notices": 4, "overdue": 2}


def test_no_room(inputs: Any):
    assert QUERY.answer(inputs()).reasons[0].code == "room_absent"
