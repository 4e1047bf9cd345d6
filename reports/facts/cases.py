"""Facts of the cases of a day, and of their reporting clocks."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from alerts.cases import clocks, past
from alerts.cases.casebook import Casebook, View
from alerts.cases.facts import Case
from alerts.cases.work import Step, Work, resurged
from alerts.documents import documents_of
from citywall.settings import Settings
from reports.day import Day
from reports.rooms import CaseFact, ClockFact

_LANE = "live"
#: Outcomes that say that there was no incident: a conclusion is all that such a file needs.
_NO_INCIDENT = frozenset({"false_positive", "duplicate"})


class Found(NamedTuple):
    """What was found. `unclocked`: cases that must be reported while nobody said whose clock runs."""

    cases: tuple[CaseFact, ...]
    clocks: tuple[ClockFact, ...]
    unclocked: int


def read(settings: Settings, data: Path, day: Day) -> Found | None:
    """Cases that were open in the day, and clocks that ran in it; None without records. Raises StoreError."""
    documents = documents_of(data, settings)
    if not documents.there:
        return None
    return found(Casebook(documents, settings.cases).views(every=True), settings, day)


def found(views: Iterable[View], settings: Settings, day: Day) -> Found:
    """The facts of `views` for a day, in order of time and id."""
    cases, running, unclocked = [], [], 0
    for view in views:
        case = past.case_at(view.case, day.until, settings.cases)
        works = [past.work_at(work, day.until) for work in (view.work, *view.joined)]
        work, others = works[0], works[1:]
        if case is None or case.lane != _LANE or not (case.opened_by or work.begun):
            continue
        told = _case(view.work_id, case, work, others)
        if told.opened >= day.until:
            continue
        if not told.closed or told.closed >= day.since:
            cases.append(told)
        operator = settings.reporting.operator
        unclocked += clocks.is_unset(work, operator)
        for clock in clocks.of(work, operator):
            report = clock.duty.report
            if report != "supplement" and clock.since < day.until and not 0 < clock.done < day.since:
                running.append(ClockFact(view.work_id, report, clock.since, clock.due, clock.done))
    return Found(
        tuple(sorted(cases, key=lambda c: (c.opened, c.id))),
        tuple(sorted(running, key=lambda c: (c.since, c.case, c.report))),
        unclocked,
    )


def _case(id_: str, case: Case, work: Work, joined: Iterable[Work]) -> CaseFact:
    """A group of alerts that is no case by itself is one since somebody took it up."""
    closed = max((s.at for s in work.history if s.what == "close"), default=0)
    shut = work.status == "closed" and not resurged(work, case)
    steps = [step for one in (work, *joined) for step in one.history]
    return CaseFact(
        id_, (case.title_zh, case.title_en), case.units[0] if case.units else "", case.severity, work.level,
        case.detected_at if case.opened_by else work.begun, work.begun, closed if shut else 0,
        shut and _whole(work, steps),
    )  # fmt: skip


def _whole(work: Work, steps: Iterable[Step]) -> bool:
    """Evidence was named, and the summary, which tells cause and lessons (Art. 8), was made."""
    done = {step.value if step.what == "report" else step.what for step in steps}
    return work.outcome in _NO_INCIDENT or {"evidence", "summary"} <= done
