"""A case as it stood at a moment: of its alerts what had been detected, of its work what had been done.

Steps tell all that a work comes to, so that a report of a day says the same whenever it is made. Pure.
"""

from __future__ import annotations

import msgspec

from alerts.cases import facts
from alerts.cases.facts import Case
from alerts.cases.members import Member
from alerts.cases.work import Step, Work
from citywall.casesettings import CaseSettings


def case_at(case: Case, until: int, rules: CaseSettings) -> Case | None:
    """The case of what was detected before `until` (event time, ns); None where nothing was."""
    members = tuple(_member_at(member, until) for member in case.members if member.start < until)
    return facts.told(members, rules) if members else None


def work_at(work: Work, until: int) -> Work:
    """The work as its steps before `until` (wall clock, ns) left it.

    How a case stood when it was closed is kept of the last time only: of an earlier one `seen` is None.
    """
    steps = tuple(step for step in work.history if step.at < until)
    if len(steps) == len(work.history):
        return work
    blank = Work(work.case, work.seed, work.lane, work.units)
    for step in steps:
        blank = _after(blank, step)
    last = not any(step.what in {"close", "reopen"} for step in work.history[len(steps) :])
    seen = work.seen if blank.status == "closed" and last else None
    return msgspec.structs.replace(blank, history=steps, seen=seen)


def _member_at(member: Member, until: int) -> Member:
    later = next((rise for rise in member.rises if rise.time >= until), None)
    if later is None:
        return member
    rises = tuple(rise for rise in member.rises if rise.time < until)
    return msgspec.structs.replace(member, rises=rises, severity=later.rose_from)


def _after(work: Work, step: Step) -> Work:
    handled = work.handled_at
    changes: dict[str, object] = {}
    match step.what:
        case "begin":
            changes = {"begun": step.at, "known_at": work.known_at or step.at}
        case "assign":
            changes = {"owner": step.value}
        case "status":
            handled = step.at if step.value == "resolved" else 0 if step.value == "handling" else handled
            changes = {"status": step.value, "handled_at": handled}
        case "grade":
            changes = {"level": step.value}
        case "known":
            changes = {"known_at": step.time}
        case "close":
            changes = {"status": "closed", "outcome": step.value, "handled_at": handled or step.at}
        case "reopen":
            changes = {"status": "triage", "outcome": "", "handled_at": 0}
        case "comment" | "evidence" | "report":
            return work
    return msgspec.structs.replace(work, **changes)
