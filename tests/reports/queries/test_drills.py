from __future__ import annotations

from typing import Any

from reports.queries.drills import QUERY
from reports.rooms import DrillFact

DAYS = 86_400 * 1_000_000_000


def test_drills_of_the_year_newest_first(inputs: Any, day: Any):
    name = ("勒索", "Ransom")
    found = (
        DrillFact("1", name, day.until - 366 * DAYS),
        DrillFact("2", name, day.until - 300 * DAYS, 500, 1000, 12),
        DrillFact("3", name, day.since, detect=3),
        DrillFact("4", name, day.until),
    )
    figure = QUERY.answer(inputs(drills=found))
    assert [(row[1], row[2], row[4]) for row in figure.rows] == [
        ("2024-05-01", None, 3),
        ("2023-07-07", 500, 12),
    ]
    assert figure.values == {"drills": 2}


def test_drills_that_cannot_be_read_are_named(inputs: Any):
    figure = QUERY.answer(inputs(drills=(), damaged_drills=("a", "b")))
    assert (figure.state, figure.reasons[0].values) == ("partial", {"names": "a, b"})


def test_no_room(inputs: Any):
    assert QUERY.answer(inputs()).reasons[0].code == "room_absent"
