"""Facts of the notices that were open in a day."""

from __future__ import annotations

from pathlib import Path

from alerts.documents import documents_of
from alerts.duties.notices import Notice
from alerts.duties.office import Office
from citywall.settings import Settings
from reports.day import Day
from reports.rooms import NoticeFact

_LANE = "live"


def read(settings: Settings, data: Path, day: Day) -> tuple[NoticeFact, ...] | None:
    """Notices that were open in the day, by time and id; None without records. Raises StoreError."""
    documents = documents_of(data, settings)
    if not documents.there:
        return None
    office = Office(documents, settings.reporting.sender_code)
    bodies = [kept.body for kept in office.notices()]
    told = [fact(notice, day) for notice in bodies if notice.lane == _LANE and notice.issued < day.until]
    return tuple(
        sorted((n for n in told if not n.closed or n.closed >= day.since), key=lambda n: (n.issued, n.id))
    )


def fact(notice: Notice, day: Day) -> NoticeFact:
    """A notice as it stood at the end of the day. What failed its test again is not put right."""
    received = rectified = closed = 0
    due = notice.due
    for step in (s for s in notice.history if s.at < day.until):
        match step.what:
            case "receive":
                received = step.at
            case "rectify":
                rectified = step.at
            case "retest" if step.value == "failed":
                rectified = 0
            case "close":
                closed = step.at
            case "issue" | "extend" if step.value:
                due = int(step.value)
    return NoticeFact(
        notice.id, notice.unit, notice.issued, notice.receipt_due, due, received, rectified, closed
    )
