from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from alerts import times
from alerts.cases import work
from alerts.cases.casebook import Casebook
from alerts.cases.work import Evidence
from alerts.desk import Desk
from alerts.docfile import DocFile
from citywall.permissions import Identity
from citywall.settings import Settings, load
from reports.day import Day
from reports.facts import cases
from trust.audit import AuditLog
from trust.guard import Guard

HOUR = 3600 * 10**9
LI = Identity("li", ("analyst",))


class Room:
    """Cases of a data folder, and a clock that is set."""

    def __init__(self, data: Path, log: AuditLog) -> None:
        self.data, self.now = data, 0
        self.book = Casebook(DocFile(data), Settings().cases)
        self.desk = Desk(self.book.documents, log, Guard(log, lambda _: True), lambda: self.now)

    def alert(self, number: int, at: int, severity: int = 5, lane: str = "live") -> str:
        when = times.to_iso(at)
        doc = {
            "@timestamp": when, "message": f"scan {number}",
            "event": {"id": f"{number:032x}", "severity": severity, "action": "x",
                      "start": when, "end": when},
            "rule": {"id": "scan", "name": "Scan"}, "source": {"address": f"192.0.2.{number}"},
            "destination": {"address": f"10.0.0.{number}"}, "organization": {"id": "data", "name": "局"},
            "citywall": {
                "lane": lane, "message_zh": f"扫描 {number}", "domain": "default",
                "detector": {"name": "scan", "confidence": 1.0},
                "dedup": {"count": 1, "first_seen": when, "last_seen": when, "breakouts": []},
                "asset": {"importance": 3, "system_id": "portal", "id": "web"},
            },
        }  # fmt: skip
        return self.book.take([doc])[0]

    def do(self, name: str, now: int, step: Callable[[work.Work, str, int], work.Work]) -> None:
        self.now = now
        self.book.change(self.desk, LI, name, step)


@pytest.fixture
def room(tmp_path: Path) -> Iterator[Room]:
    with AuditLog(tmp_path / "audit") as log:
        yield Room(tmp_path, log)


@pytest.fixture
def settings() -> Settings:
    return load(environment={}, assignments=["reporting.operator=cii"])


def grade(w: work.Work, by: str, now: int) -> work.Work:
    return work.graded(w, by, now, "major", "x")


def resolve(w: work.Work, by: str, now: int) -> work.Work:
    return work.moved(work.moved(w, by, now, "handling"), by, now, "resolved")


def close(room: Room, name: str, now: int, outcome: str = "handled") -> None:
    case = room.book.view(name).case
    room.do(name, now, lambda w, by, at: work.closed(w, by, at, outcome=outcome, text="x", case=case))


def report(made: str) -> Any:
    return lambda w, by, now: work.reported(w, by, now, report=made, made_at=now, text="x")


def test_no_records(tmp_path: Path, settings: Settings, day: Day) -> None:
    assert cases.read(settings, tmp_path, day) is None


def test_open_in_the_day(room: Room, settings: Settings, day: Day) -> None:
    before, within = room.alert(1, day.since - HOUR), room.alert(2, day.since + HOUR)
    room.alert(3, day.until)
    room.alert(4, day.since, lane="drill")
    room.alert(5, day.since, severity=2)  # no case
    gone = room.alert(6, day.since - 2 * HOUR)
    close(room, gone, day.since - HOUR, "false_positive")
    room.do(before, day.since + 1, grade)
    found = cases.read(settings, room.data, day)
    assert found is not None
    assert [(c.id, c.level, c.acknowledged, c.closed) for c in found.cases] == [
        (before, "major", day.since + 1, 0), (within, "", 0, 0)
    ]  # fmt: skip
    first = found.cases[0]
    assert (first.name, first.unit, first.opened) == (("扫描 1", "scan 1"), "data", day.since - HOUR)
    assert cases.read(settings, room.data, day) == found


def test_clocks_and_a_whole_file(room: Room, settings: Settings, day: Day) -> None:
    name = room.alert(1, day.since)
    room.do(name, day.since + HOUR, grade)
    room.do(name, day.since + 2 * HOUR, report("first"))
    room.do(name, day.since + 3 * HOUR, resolve)
    during = cases.read(settings, room.data, day)
    assert during is not None
    assert [(c.report, c.due - c.since, c.done) for c in during.clocks] == [
        ("first", HOUR, day.since + 2 * HOUR), ("summary", 720 * HOUR, 0)
    ]  # fmt: skip
    room.do(name, day.until + 1, lambda w, by, at: work.evidenced(w, by, at, Evidence("a")))
    room.do(name, day.until + 2, report("summary"))
    close(room, name, day.until + 3)
    assert cases.read(settings, room.data, day) == during  # what was done later changes nothing
    later = msgspec.structs.replace(day, since=day.until, until=day.until + 24 * HOUR)
    found = cases.read(settings, room.data, later)
    assert found is not None
    assert [(c.closed, c.whole) for c in found.cases] == [(day.until + 3, True)]
    assert [(c.report, c.done) for c in found.clocks] == [("summary", day.until + 2)]


def test_a_file_without_evidence_is_not_whole(room: Room, settings: Settings, day: Day) -> None:
    one, other = room.alert(1, day.since), room.alert(2, day.since + 1)
    room.do(one, day.since + 2, resolve)
    close(room, one, day.since + 3)
    close(room, other, day.since + 4, "false_positive")
    found = cases.read(settings, room.data, day)
    assert found is not None
    assert [c.whole for c in found.cases] == [False, True]


def test_what_rises_after_it_was_closed_is_open(room: Room, settings: Settings, day: Day) -> None:
    name = room.alert(1, day.since, severity=4)
    close(room, name, day.since + 2, "accepted")
    assert cases.read(settings, room.data, day).cases[0].closed  # type: ignore[union-attr]
    room.alert(1, day.since, severity=5)
    assert room.book.view(name).resurged
    assert not cases.read(settings, room.data, day).cases[0].closed  # type: ignore[union-attr]


def test_whose_clock_runs_is_not_guessed(room: Room, day: Day) -> None:
    room.do(room.alert(1, day.since), day.since + 1, grade)
    found = cases.read(Settings(), room.data, day)
    assert found is not None
    assert (found.clocks, found.unclocked) == ((), 1)
