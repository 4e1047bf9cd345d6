from __future__ import annotations

from typing import Any

from reports.queries.playbooks import QUERY
from reports.rooms import RunFact


def test_runs_of_the_day_by_playbook(inputs: Any, day: Any):
    scan, flood = ("扫描", "Scan"), ("洪泛", "Flood")
    found = (
        RunFact("1", scan, "completed", day.since, live=True),
        RunFact("2", scan, "failed", day.since),
        RunFact("3", flood, "running", day.until - 1),
        RunFact("4", flood, "failed", day.until),
    )
    figure = QUERY.answer(inputs(playbooks=found))
    assert figure.rows == ((["扫描", "Scan"], 2, 1, 1, 1), (["洪泛", "Flood"], 1, 0, 0, 0))
    assert figure.values == {"runs": 3, "failed": 1}


def test_no_room(inputs: Any):
    assert QUERY.answer(inputs()).reasons[0].code == "room_absent"
