from __future__ import annotations

from typing import Any

import pytest

from alerts.cases import facts, members
from alerts.cases.facts import Case
from alerts.times import to_iso
from citywall.casesettings import CaseSettings


def told(*documents: Any) -> Case:
    return facts.told(tuple(members.of(d) for d in documents), CaseSettings())


def test_a_high_alert_is_a_case_from_the_moment_it_is_high(make: Any) -> None:
    case = told(make(1, "10.0.0.5", severity=4, at=5))
    assert (case.opened_by, to_iso(case.detected_at)[11:19]) == ("severity", "00:00:05")
    risen = told(make(1, "10.0.0.5", severity=4, at=5, rises=((65, 2, 3), (125, 3, 4))))
    assert (risen.opened_by, to_iso(risen.detected_at)[11:19]) == ("severity", "00:02:05")


@pytest.mark.parametrize(("importance", "opened"), [(3, None), (4, "severity")])
def test_on_an_important_asset_a_grade_less_will_do(make: Any, importance: int, opened: str | None) -> None:
    case = told(make(1, "10.0.0.5", severity=3, importance=importance, unit="edu"))
    assert case.opened_by == opened
    assert (case.units, case.importance) == (("edu",), importance)


def test_a_later_stage_is_a_case(make: Any) -> None:
    case = told(
        make(1, "10.0.0.5", severity=2), make(2, "10.0.0.5", "10.0.0.9", rule="guess", severity=2, at=9)
    )
    assert (case.opened_by, to_iso(case.detected_at)[11:19]) == ("stage", "00:00:09")
    assert [(b.what, b.rose_from, b.rose_to) for b in case.breakouts] == [("stage", 1, 2)]


def test_points_add_up(make: Any) -> None:
    one, two = make(1, "10.0.0.5", severity=3), make(2, "10.0.0.5", severity=3, at=60)
    assert told(one).opened_by is None
    assert told(one, two).opened_by == "points"


def test_repetition_tells_nothing_and_what_rises_does(make: Any) -> None:
    case = told(
        make(1, "10.0.0.5", severity=3),
        make(2, "10.0.0.5", severity=3, at=10),
        make(3, "10.0.0.5", severity=4, at=20),
        make(4, "10.0.0.5", severity=2, at=30, importance=5, unit="edu"),
        make(5, "10.0.0.5", severity=4, at=40, importance=5, unit="edu"),
    )
    assert [(b.what, int(b.alert, 16)) for b in case.breakouts] == [("severity", 3), ("importance", 4)]
    assert case.repeated == 2


def test_a_case_is_named_after_its_first_alert_and_told_by_its_worst(make: Any) -> None:
    mild, grave = make(1, "10.0.0.5"), make(2, "10.0.0.5", severity=5, at=9)
    case = told(mild, grave)
    assert case.id == told(mild).id != told(grave).id
    assert (case.title_en, case.host, case.severity) == ("scan 2", "default/10.0.0.5", 5)
    assert "host:live:default/10.0.0.5" in case.refs
    assert f"alert:{2:032x}" in case.refs
