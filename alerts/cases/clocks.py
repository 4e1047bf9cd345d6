"""Reporting clocks: what must be reported, to whom and until when.

After 国家网络安全事件报告管理办法 (CAC, in force 2025-11-01): incidents of level 较大 (significant) and above
are reported from the moment they are known (发现或获知, Art. 4): within 1 h where critical information
infrastructure is touched, 2 h by central and state organs, 4 h by others; a summary within 30 days after
handling ends (Art. 8). Read in secondary sources: `CHECKED` stays false until somebody has compared it with
the official print. Pure functions; times in ns of wall clock.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import msgspec

from alerts import times
from alerts.cases.work import Report, Work

State = Literal["running", "soon", "overdue", "met", "late"]
CHECKED = False
LAW = "国家网络安全事件报告管理办法"
#: Levels that must be reported (Art. 4).
REPORTED = ("extraordinary", "major", "significant")
SUMMARY_DAYS = 30
#: A clock is "soon" when this part of its time, at most this long, is left.
_SOON_PART = 4
_SOON_MOST = 3 * times.DAY


class Duty(msgspec.Struct, frozen=True):
    """One duty: which report, to whom (a key of the catalogue's section `recipient`), in how long (ns)."""

    report: Report
    to: str
    within: int
    clause: str


_FIRST = {
    "cii": Duty("first", "cii", times.HOUR, "第四条"),
    "central": Duty("first", "central", 2 * times.HOUR, "第四条"),
    "other": Duty("first", "other", 4 * times.HOUR, "第四条"),
}
_SUMMARY = Duty("summary", "same", SUMMARY_DAYS * times.DAY, "第八条")


class Clock(msgspec.Struct, frozen=True):
    """A duty of one incident: since when its time runs, when it is up, and when it was done (0: not yet)."""

    duty: Duty
    since: int
    due: int
    done: int = 0

    def state(self, now: int) -> State:
        """How it stands at `now`."""
        if self.done:
            return "met" if self.done <= self.due else "late"
        if now > self.due:
            return "overdue"
        return "soon" if self.due - now <= min(self.duty.within // _SOON_PART, _SOON_MOST) else "running"


def clocks(level: str, operator: str, known_at: int, handled_at: int = 0,
           reports: Sequence[tuple[str, int]] = ()) -> tuple[Clock, ...]:  # fmt: skip
    """The clocks of an incident of a level, for an operator (`cii`, `central`, `other`; "": none known).

    `known_at` 0 is not known yet, `handled_at` 0 still being handled; `reports` are (report, when made).
    """
    if level not in REPORTED or operator not in _FIRST or not known_at:
        return ()
    duties = [(_FIRST[operator], known_at)]
    if handled_at:
        duties.append((_SUMMARY, handled_at))
    return tuple(
        Clock(duty, since, since + duty.within, min((at for what, at in reports if what == duty.report),
                                                    default=0))
        for duty, since in duties
    )  # fmt: skip


def of(work: Work, operator: str) -> tuple[Clock, ...]:
    """The clocks of a case. Which one runs is the operator's setting alone, never guessed from an asset."""
    made = [(step.value, step.time) for step in work.reports]
    return clocks(work.level, operator, work.known_at, work.handled_at, made)


def is_unset(work: Work, operator: str) -> bool:
    """Whether a clock would have to run and cannot, since nobody said whose it is."""
    return work.level in REPORTED and operator not in _FIRST
