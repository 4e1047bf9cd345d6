from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest

from alerts.desk import Desk, Kept
from alerts.docfile import DocFile
from alerts.duties import notices as loop
from alerts.duties.notices import Notice
from alerts.duties.office import Office
from citywall.permissions import Identity
from citywall.settings import Settings
from reports.day import Day
from reports.facts import notices
from trust.audit import AuditLog
from trust.guard import Guard

HOUR = 3600 * 10**9
LI, WANG = Identity("li", ("analyst",)), Identity("wang", ("liaison",), unit="edu")


class Room:
    """Notices of a data folder, and a clock that is set."""

    def __init__(self, data: Path, log: AuditLog) -> None:
        self.data, self.now = data, 0
        self.office = Office(DocFile(data), "14010000300001")
        self.desk = Desk(self.office.documents, log, Guard(log, lambda _: True), lambda: self.now)

    def issue(self, at: int, lane: str = "live") -> Kept[Notice]:
        self.now = at
        draft = Notice(
            lane, "edu", "教育局", "弱口令", "weakness", "问题", "要求", at, at + HOUR, at + 3 * HOUR
        )
        return self.office.issue_notice(self.desk, LI, draft)

    def do(
        self, kept: Kept[Notice], at: int, step: Callable[[Notice, str, int], Notice], by: Identity = WANG
    ) -> Kept[Notice]:
        self.now = at
        action = "notices.answer" if by is WANG else "notices.issue"
        return self.office.change(
            self.desk, by, action, kept, lambda n, now: step(n, by.user, now), what="step"
        )


@pytest.fixture
def room(tmp_path: Path) -> Iterator[Room]:
    with AuditLog(tmp_path / "audit") as log:
        yield Room(tmp_path, log)


def test_no_records(tmp_path: Path, day: Day) -> None:
    assert notices.read(Settings(), tmp_path, day) is None


def test_a_notice_as_it_stood(room: Room, day: Day) -> None:
    s, u = day.since, day.until
    room.issue(s, "drill")
    room.issue(u)
    kept = room.issue(s + HOUR)
    kept = room.do(kept, s + 2 * HOUR, loop.received)
    kept = room.do(kept, s + 3 * HOUR, lambda n, by, at: loop.rectified(n, by, at, "x"))
    (told,) = notices.read(Settings(), room.data, day) or ()
    assert (told.id, told.unit, told.issued) == (kept.id, "edu", s + HOUR)
    assert (told.received, told.rectified, told.closed) == (s + 2 * HOUR, s + 3 * HOUR, 0)
    assert (told.receipt_due, told.due) == (s + 2 * HOUR, s + 4 * HOUR)

    kept = room.do(kept, s + 4 * HOUR, lambda n, by, at: loop.retested(n, by, at, "x", passed=False), LI)
    (failed,) = notices.read(Settings(), room.data, day) or ()
    assert failed.rectified == 0
    kept = room.do(kept, u + 1, lambda n, by, at: loop.extended(n, by, at, u + 9 * HOUR, "x"), LI)
    kept = room.do(kept, u + 2, lambda n, by, at: loop.rectified(n, by, at, "x"))
    kept = room.do(kept, u + 3, lambda n, by, at: loop.retested(n, by, at, "x", passed=True), LI)
    room.do(kept, u + 4, lambda n, by, at: loop.closed(n, by, at, "x"), LI)
    assert notices.read(Settings(), room.data, day) == (failed,)  # what was done later changes nothing
    later = msgspec.structs.replace(day, since=u, until=u + 24 * HOUR)
    closed = {n.id: n for n in notices.read(Settings(), room.data, later) or ()}[kept.id]
    assert (closed.rectified, closed.closed, closed.due) == (u + 2, u + 4, u + 9 * HOUR)
    after = msgspec.structs.replace(day, since=u + 24 * HOUR, until=u + 48 * HOUR)
    assert kept.id not in {n.id for n in notices.read(Settings(), room.data, after) or ()}
