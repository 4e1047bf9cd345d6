from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from alerts.embedded import EmbeddedStore
from alerts.handling import Handling
from citywall.errors import Refused, StoreConflict, StoreError
from citywall.permissions import Identity
from trust.audit import AuditLog
from trust.guard import Guard

LI = Identity("li", ("analyst",), via="test")


@pytest.fixture
def log(tmp_path: Path) -> Iterator[AuditLog]:
    with AuditLog(tmp_path / "audit") as opened:
        yield opened


@pytest.fixture
def store(tmp_path: Path, make_document: Any) -> EmbeddedStore:
    opened = EmbeddedStore(tmp_path / "alerts")
    opened.upsert([make_document()])
    return opened


@pytest.fixture
def alert_id(make_document: Any) -> str:
    return str(make_document()["event"]["id"])


def records(log: AuditLog) -> list[dict[str, Any]]:
    lines = [line for path in sorted(log.folder.glob("*.jsonl")) for line in path.read_text().splitlines()]
    return [found for line in lines if (found := json.loads(line))["action"] == "alerts.work"]


def handling(store: Any, log: AuditLog) -> Handling:
    return Handling(store, Guard(log, lambda _: True), log)


def test_a_change_is_stored_and_recorded(store: EmbeddedStore, log: AuditLog, alert_id: str):
    done = handling(store, log).change(LI, alert_id, "", 7, status="acknowledged", owner="li", note="看到了")
    assert store.workflow(alert_id) == done
    assert (done.workflow.status, done.workflow.owner, done.workflow.notes[0].by) == (
        "acknowledged",
        "li",
        "li",
    )
    (record,) = records(log)
    assert (record["who"], record["outcome"], record["object"]) == ("li", "done", f"alert:{alert_id}")
    assert record["detail"] == {"status": "acknowledged", "owner": "li", "note": "看到了"}
    assert record["before"] != record["after"]


def test_who_was_slower_is_told_and_nothing_changes(store: EmbeddedStore, log: AuditLog, alert_id: str):
    work = handling(store, log)
    first = work.change(LI, alert_id, "", 7, note="mine")
    with pytest.raises(StoreConflict):
        work.change(LI, alert_id, "", 8, note="late")
    assert store.workflow(alert_id) == first
    assert [r["outcome"] for r in records(log)] == ["done", "refused"]


def test_the_store_is_asked_last_and_has_the_last_word(store: EmbeddedStore, log: AuditLog, alert_id: str):
    class Quicker:
        """Somebody changes the alert between our reading and our writing."""

        def __getattr__(self, name: str) -> Any:
            return getattr(store, name)

        def change(self, alert_id: str, step: Any, version: str) -> Any:
            handling(store, log).change(LI, alert_id, version, 8, note="quicker")
            return store.change(alert_id, step, version)

    with pytest.raises(StoreConflict):
        handling(Quicker(), log).change(LI, alert_id, "", 7, note="slower")
    assert [s.note for s in store.workflow(alert_id).workflow.history] == ["quicker"]
    assert [(r["outcome"], r["reason"]) for r in records(log)] == [
        ("done", ""), ("done", ""), ("failed", "changed_meanwhile"),
    ]  # fmt: skip


def test_who_may_not_is_refused_and_recorded(store: EmbeddedStore, log: AuditLog, alert_id: str):
    for roles in (("viewer",), ("auditor",), ("administrator",), ()):
        with pytest.raises(Refused):
            handling(store, log).change(Identity("wang", roles), alert_id, "", 7, note="x")
    assert store.workflow(alert_id).version == ""
    assert {(r["outcome"], r["reason"]) for r in records(log)} == {("refused", "role")}


def test_what_is_no_change_is_not_recorded_as_one(store: EmbeddedStore, log: AuditLog, alert_id: str):
    with pytest.raises(StoreError, match="must change something"):
        handling(store, log).change(LI, alert_id, "", 7)
    with pytest.raises(StoreError, match="there is no alert"):
        handling(store, log).change(LI, "f" * 32, "", 7, note="x")
    assert records(log) == []
