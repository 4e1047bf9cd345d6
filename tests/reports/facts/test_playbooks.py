from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from citywall.permissions import LOCAL, Identity
from citywall.settings import Settings
from playbooks.actions.base import World
from playbooks.desk import Desk
from playbooks.library import Library
from playbooks.runfile import RunFile
from reports.day import Day
from reports.facts import playbooks
from trust.accountfile import AccountFile
from trust.accounts import Accounts
from trust.audit import AuditLog
from trust.passwords import Passwords

BOOK = """\
id: test
name: {en: Test, zh: 测试}
created: 2026-11-01T00:00:00Z
modified: 2026-11-01T00:00:00Z
workflow:
  ask:
    commands: [{type: manual, command: x}]
    on_completion: end
"""


class Room:
    """Runs of a data folder, and a clock that is set."""

    def __init__(self, root: Path, log: AuditLog) -> None:
        self.data, self.now = root, 0
        (root / "books").mkdir()
        (root / "books" / "test.yaml").write_text(BOOK, "utf-8")
        hashing = Passwords(memory_kib=64, passes=1, lanes=1)
        accounts = Accounts(
            AccountFile(root), log, Settings().accounts, hashing=hashing, clock=lambda: self.now
        )
        accounts.init(Identity("os", (LOCAL,)), "root", "Correct-Horse-9")
        first = accounts.login("root", "Correct-Horse-9", "test")
        _, given = accounts.add(first, "li", ["analyst"])
        accounts.passwd("li", given, "Battery-Staple-8", "test")
        self.li = accounts.login("li", "Battery-Staple-8", "test")
        self.file = RunFile(root)
        world = World(root, Settings())
        self.desk = Desk(self.file, accounts, Library([root / "books"]), world, clock=lambda: self.now)

    def ask(self, at: int, *, live: bool = True, lane: str = "live") -> str:
        self.now = at
        return self.desk.request(self.li, "test", {}, live=live, lane=lane).run.id


@pytest.fixture
def room(tmp_path: Path) -> Iterator[Room]:
    with AuditLog(tmp_path / "audit") as log:
        yield Room(tmp_path, log)


def test_no_records(tmp_path: Path, day: Day) -> None:
    assert playbooks.read(Settings(), tmp_path, day) is None


def test_runs_of_the_day_as_they_stood(room: Room, day: Day) -> None:
    room.ask(day.since - 1)
    dry = room.ask(day.since, live=False)
    live = room.ask(day.until - 9)
    room.ask(day.until)
    room.ask(day.since, lane="drill")
    found = playbooks.read(Settings(), room.data, day)
    assert found is not None
    assert [(f.id, f.playbook, f.status, f.requested, f.live) for f in found] == [
        (dry, ("测试", "Test"), "completed", day.since, False),
        (live, ("测试", "Test"), "running", day.until - 9, True),
    ]
    room.now = day.until + 5
    room.desk.abort(room.li, live, "enough")
    assert room.file.get(live).run.status == "aborted"  # type: ignore[union-attr]
    assert playbooks.read(Settings(), room.data, day) == found  # what was done later changes nothing
    wider = msgspec.structs.replace(day, until=day.until + 9)
    assert {f.id: f.status for f in playbooks.read(Settings(), room.data, wider) or ()}[live] == "aborted"
