from __future__ import annotations

from bench.story.recount import people
from bench.story.recount.facts import Facts


def test_what_people_did_is_counted(facts: Facts):
    found = people.counted(facts)
    assert found["alert_handling"]["values"] == {
        "acknowledged": 1, "open_high": 1, "owners": 1, "median_seconds": 10,
    }  # fmt: skip
    assert found["cases"]["values"] == {
        "cases": 1, "opened": 1, "closed": 1, "whole": 1, "unacknowledged": 0,
    }  # fmt: skip
    assert found["cases"]["rows"] == [{"level": "", "cases": 1, "closed": 1, "whole": 1}]
    assert found["reporting_clocks"]["values"] == {"met": 1, "late": 0, "overdue": 0, "running": 0}
    assert found["playbooks"]["rows"] == [
        {"playbook": "T", "runs": 1, "live": 1, "completed": 0, "failed": 1}
    ]
    assert found["drills"]["rows"] == [
        {"drill": "D", "held": "2026-11-30", "coverage": 500, "precision": None, "detect": 2,
         "acknowledge": None, "respond": None}
    ]  # fmt: skip
    assert found["role_separation"]["values"] == {"lacking": ["administrator", "approver"], "both": 0}


def test_a_clock_that_nobody_met_is_overdue_by_the_end_of_the_day(facts: Facts):
    [clock] = facts.cases[0]["clocks"]
    clock["done"] = None
    assert people.counted(facts)["reporting_clocks"]["values"]["overdue"] == 1
    clock["due"] = "2026-12-01T00:00:00Z"
    assert people.counted(facts)["reporting_clocks"]["values"]["running"] == 1
    facts.cases[0]["history"].clear()
    assert people.counted(facts)["cases"]["values"]["whole"] == 0
