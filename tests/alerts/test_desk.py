from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from alerts import desk as room
from alerts.desk import UNDONE, Desk, Form, Unfit
from alerts.docfile import DocFile
from alerts.documents import ABSENT, Doc
from citywall.errors import DataFolderError, Refused, StoreConflict, StoreError
from citywall.permissions import Identity, Target
from citywall.settings import Settings
from trust import chain
from trust.audit import AuditLog
from trust.guard import Guard
from trust.records import Record

LI = Identity("li", ("analyst",))
VIEWER = Identity("wang", ("viewer",))


class Note(msgspec.Struct, frozen=True):
    text: str


FORM = Form("note", Note, lambda _: 5, lambda note: (note.text,), lambda doc_id, _: Target("note", doc_id))


@pytest.fixture
def log(tmp_path: Path) -> Iterator[AuditLog]:
    with AuditLog(tmp_path / "audit") as opened:
        yield opened


@pytest.fixture
def file(tmp_path: Path) -> DocFile:
    return DocFile(tmp_path)


@pytest.fixture
def desk(file: DocFile, log: AuditLog) -> Desk:
    return Desk(file, log, Guard(log, lambda _: True), lambda: 42)


def write(desk: Desk, text: str, version: int, by: Identity = LI) -> Any:
    return desk.change(by, "cases.work", FORM, "1", version=version, make=lambda *_: Note(text))


def records(log: AuditLog) -> list[Record]:
    return [r for r in chain.records_after(chain.files_in(log.folder), 0) if r.action != "audit.opened"]


def test_a_change_is_recorded_and_kept(desk: Desk, log: AuditLog, file: DocFile) -> None:
    assert write(desk, "a", ABSENT).version == 1
    kept = write(desk, "b", 1)
    assert (kept.body, kept.version) == (Note("b"), 2)
    found = file.get("note", "1")
    assert found is not None
    assert room.read(FORM, found) == kept
    assert (found.at, found.refs) == (5, ("b",))
    one, two = records(log)
    assert (one.action, one.object, one.before) == ("cases.work", "note:1", "")
    assert (two.before, two.detail) == (one.after, {"version": 2})


def test_who_may_not_changes_nothing(desk: Desk, log: AuditLog, file: DocFile) -> None:
    with pytest.raises(Refused, match="role"):
        write(desk, "a", ABSENT, VIEWER)
    assert file.get("note", "1") is None
    assert [(r.outcome, r.reason) for r in records(log)] == [("refused", "role")]


def test_of_two_who_change_one_is_told(desk: Desk, log: AuditLog) -> None:
    write(desk, "a", ABSENT)
    write(desk, "b", 1)
    with pytest.raises(StoreConflict):
        write(desk, "c", 1)
    assert records(log)[-1].reason == "changed_meanwhile"


def test_what_does_not_fit_is_refused(desk: Desk, log: AuditLog) -> None:
    def make(*_: Any) -> Note:
        raise Unfit("bad_text", most=3)

    with pytest.raises(Refused) as caught:
        desk.change(LI, "cases.work", FORM, "1", version=ABSENT, make=make)
    assert (caught.value.code, caught.value.values) == ("bad_text", {"most": 3})
    assert records(log)[-1].reason == "bad_text"


def test_no_record_no_change(
    desk: Desk, log: AuditLog, file: DocFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any) -> None:
        raise DataFolderError("full")

    with monkeypatch.context() as patch:
        patch.setattr(log, "append", broken)
        with pytest.raises(DataFolderError):
            write(desk, "a", ABSENT)
    assert file.get("note", "1") is None
    assert write(desk, "a", ABSENT).version == 1
    assert UNDONE not in {r.action for r in records(log)}


def test_a_record_without_its_change_is_said_once(
    desk: Desk, log: AuditLog, file: DocFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(desk, "a", ABSENT)
    real = log.append

    def recorded_and_gone(what: Any) -> Any:
        real(what)
        raise KeyboardInterrupt  # as if the process ended before the commit

    with monkeypatch.context() as patch:
        patch.setattr(log, "append", recorded_and_gone)
        with pytest.raises(KeyboardInterrupt):
            write(desk, "b", 1)
    lost = records(log)[-1]
    Desk(file, log, desk.guard)
    Desk(file, log, desk.guard)
    told = [r for r in records(log) if r.action == UNDONE]
    assert [(r.object, r.outcome) for r in told] == [(f"record:{lost.n}", "failed")]
    assert write(desk, "c", 1).version == 2


def test_opened_over_a_data_folder(tmp_path: Path) -> None:
    with room.opened(tmp_path / "data", Settings()) as (desk, accounts):
        assert desk.guard is accounts.guard
        with pytest.raises(Refused, match="no_longer"):
            write(desk, "a", ABSENT)


def test_damage_is_told() -> None:
    with pytest.raises(StoreError, match="note 1 is damaged"):
        room.read(FORM, Doc("note", "1", b"{}"))
