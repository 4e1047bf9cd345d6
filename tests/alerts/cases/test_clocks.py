from __future__ import annotations

import msgspec
import pytest

from alerts import times
from alerts.cases import clocks
from alerts.cases.work import Step, Work

NOW = 1_800_000_000 * times.SECOND


@pytest.mark.parametrize(("operator", "hours"), [("cii", 1), ("central", 2), ("other", 4)])
@pytest.mark.parametrize("level", ["extraordinary", "major", "significant"])
def test_the_first_report(operator: str, hours: int, level: str) -> None:
    (clock,) = clocks.clocks(level, operator, NOW)
    assert (clock.since, clock.due, clock.duty.to) == (NOW, NOW + hours * times.HOUR, operator)
    assert clock.duty.clause == "第四条"


@pytest.mark.parametrize(
    ("level", "operator", "known_at"),
    [("general", "cii", NOW), ("", "cii", NOW), ("major", "", NOW), ("major", "cii", 0)],
)  # fmt: skip
def test_where_no_clock_runs(level: str, operator: str, known_at: int) -> None:
    assert clocks.clocks(level, operator, known_at) == ()


@pytest.mark.parametrize(
    ("minutes", "state"), [(0, "running"), (44, "running"), (45, "soon"), (60, "soon"), (61, "overdue")]
)
def test_how_a_clock_stands(minutes: int, state: str) -> None:
    (clock,) = clocks.clocks("major", "cii", NOW)
    assert clock.state(NOW + minutes * times.MINUTE) == state


def test_what_was_reported_is_met_or_late() -> None:
    reports = [("first", NOW + times.HOUR), ("first", NOW + 9 * times.HOUR), ("supplement", NOW)]
    (met,) = clocks.clocks("major", "cii", NOW, 0, reports)
    (late,) = clocks.clocks("major", "cii", NOW - 1, 0, reports)
    assert (met.done, met.state(NOW), late.state(NOW)) == (NOW + times.HOUR, "met", "late")


def test_the_summary_runs_from_the_end_of_handling() -> None:
    _, summary = clocks.clocks("significant", "other", NOW, NOW + times.DAY)
    assert (summary.due, summary.duty.clause) == (NOW + 31 * times.DAY, "第八条")
    assert summary.state(NOW + 28 * times.DAY - 1) == "running"
    assert summary.state(NOW + 28 * times.DAY) == "soon"


def test_of_a_case() -> None:
    work = Work("c", "a", level="major", known_at=NOW)
    assert clocks.of(work, "other")[0].due == NOW + 4 * times.HOUR
    assert clocks.of(work, "") == ()
    assert clocks.is_unset(work, "")
    assert not clocks.is_unset(work, "other")
    assert not clocks.is_unset(msgspec.structs.replace(work, level="general"), "")
    made = msgspec.structs.replace(
        work, history=(Step(NOW + 9, "li", "report", value="first", time=NOW + 5),)
    )
    assert clocks.of(made, "cii")[0].done == NOW + 5
