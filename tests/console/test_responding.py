"""Acts below the console: who may, in whose name, and what is recorded."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from alerts.cases import work
from alerts.cases.casebook import Casebook
from alerts.docfile import DocFile
from alerts.store import open_store
from citywall.errors import Refused, StoreConflict, UsageError
from citywall.permissions import Target
from citywall.settings import Settings, load
from console import signin
from console.responding import Responding
from console.workdesk import Desk
from trust import accounts, chain
from trust.passwords import Passwords

PASSWORD = "Correct-Horse-9"


@pytest.fixture
def settings() -> Settings:
    return load(None, environment={}, assignments=("register=example",))


@pytest.fixture
def data(tmp_path: Path, real_alerts: Any, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(accounts, "Passwords", lambda: Passwords(memory_kib=64, passes=1, lanes=1))
    found = real_alerts(5)
    store = open_store("sqlite://", tmp_path)
    store.upsert(found)
    store.close()
    Casebook(DocFile(tmp_path), settings.cases).take(found)
    with accounts.opened(tmp_path, settings) as opened:
        opened.init(signin.local(), "root", PASSWORD)
        root = opened.login("root", PASSWORD, "")
        for name, role in (("li", "analyst"), ("wang", "viewer")):
            _, given = opened.add(root, name, [role])
            opened.passwd(name, given, PASSWORD + "x", "")
    return tmp_path


def at_desk(data: Path, settings: Settings, name: str) -> Responding:
    desk = Desk(data, settings)
    desk.log_in(name, PASSWORD + "x", "test")
    return Responding(desk, data, settings, lambda: 7)


def test_a_step_on_a_case_is_of_what_was_seen(data: Path, settings: Settings):
    view = next(iter(Casebook(DocFile(data), settings.cases).views()))
    doing = at_desk(data, settings, "li")
    after = doing.step(view, "assign", lambda w, by, now: work.assigned(w, by, now, by))
    assert (after.work.owner, after.work.history[-1].at) == ("li", 7)
    with pytest.raises(StoreConflict):
        doing.step(view, "assign", lambda w, by, now: work.assigned(w, by, now, "somebody"))
    with pytest.raises(Refused, match="role"):
        at_desk(data, settings, "wang").step(
            after, "comment", lambda w, by, now: work.commented(w, by, now, "x")
        )
    with pytest.raises(Refused, match="not_logged_in"):
        Responding(Desk(data, settings), data, settings).step(after, "assign", lambda w, _by, _now: w)
    told = [(r.who, r.action, r.outcome) for r in records(data) if r.action.startswith("cases")]
    assert told == [
        ("li", "cases.work", "done"), ("li", "cases.work", "refused"), ("wang", "cases.work", "refused"),
    ]  # fmt: skip


def test_a_run_is_asked_for_about_an_alert_that_is_there(data: Path, settings: Settings, real_alerts: Any):
    doing = at_desk(data, settings, "li")
    alert = str(real_alerts(1)[0]["event"]["id"])
    stored = doing.request("contain-scan", live=True, alert=alert)
    assert (stored.run.requester, stored.run.trigger, stored.run.live) == ("li", alert, True)
    assert doing.abort(stored.run.id, "enough").run.status == "aborted"
    with pytest.raises(UsageError, match="no alert a1"):
        doing.request("contain-scan", live=True, alert="a1")
    with pytest.raises(Refused, match="role"):
        at_desk(data, settings, "wang").request("contain-scan", live=False, alert=alert)


def test_what_may_be_looked_at_is_asked_of_the_guard(data: Path, settings: Settings):
    desk = Desk(data, settings)
    desk.log_in("wang", PASSWORD + "x", "test")
    desk.require("alerts.read", Target("view", "alerts"))
    with pytest.raises(Refused, match="role"):
        desk.require("alerts.work", Target("alert", "a1"))
    assert [r.object for r in records(data) if r.outcome == "refused"] == ["alert:a1"]


def records(data: Path) -> list[Any]:
    return list(chain.records_after(chain.files_in(data / "audit"), 0))
