from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest

from alerts.store import open_store
from citywall.errors import DataFolderBusy, Refused, StoreConflict
from citywall.settings import Settings, load
from console import signin
from console import workdesk as room
from console.workdesk import Desk
from trust import accounts
from trust.passwords import Passwords

PASSWORD = "Correct-Horse-9"


@pytest.fixture
def settings() -> Settings:
    return load(None, environment={})


@pytest.fixture
def data(tmp_path: Path, real_alerts: Any, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(accounts, "Passwords", lambda: Passwords(memory_kib=64, passes=1, lanes=1))
    store = open_store("sqlite://", tmp_path)
    store.upsert(real_alerts(1))
    store.close()
    with accounts.opened(tmp_path, settings) as opened:
        opened.init(signin.local(), "root", PASSWORD)
        _, given = opened.add(opened.login("root", PASSWORD, ""), "li", ["analyst"])
        opened.passwd("li", given, PASSWORD + "x", "")
    return tmp_path


@pytest.fixture
def alert_id(real_alerts: Any) -> str:
    return str(real_alerts(1)[0]["event"]["id"])


def test_two_desks_side_by_side(data: Path, settings: Settings, alert_id: str):
    one, other = Desk(data, settings, lambda: 5), Desk(data, settings, lambda: 6)
    assert one.log_in("li", PASSWORD + "x", "test").roles == ("analyst",)
    other.log_in("li", PASSWORD + "x", "test")
    first = one.change(alert_id, "", status="in_progress", owner="li")
    with pytest.raises(StoreConflict):
        other.change(alert_id, "", note="too late")
    assert other.change(alert_id, first.version, note="now").workflow.history[1].at == 6


def test_nobody_changes_without_log_in(data: Path, settings: Settings, alert_id: str):
    desk = Desk(data, settings)
    with pytest.raises(Refused, match="not_logged_in"):
        desk.change(alert_id, "", note="x")
    with pytest.raises(Refused, match="login"):
        desk.log_in("li", "Wrong-Password-7", "test")
    desk.log_in("li", PASSWORD + "x", "test")
    desk.log_out()
    with pytest.raises(Refused, match="not_logged_in"):
        desk.change(alert_id, "", note="x")


def test_rights_end_when_the_account_is_disabled(data: Path, settings: Settings, alert_id: str):
    desk = Desk(data, settings)
    desk.log_in("li", PASSWORD + "x", "test")
    with accounts.opened(data, settings) as opened:
        root = opened.login("root", PASSWORD, "")
        opened.disable(root, "li", opened.get(root, "li").version)
    with pytest.raises(Refused, match="no_longer"):
        desk.change(alert_id, "", note="x")


def test_it_waits_for_its_turn(
    data: Path, settings: Settings, alert_id: str, monkeypatch: pytest.MonkeyPatch
):
    desk = Desk(data, settings)
    desk.log_in("li", PASSWORD + "x", "test")
    taken = accounts.opened(data, settings)
    taken.__enter__()
    timer = threading.Timer(0.2, lambda: taken.__exit__(None, None, None))
    timer.start()
    assert desk.change(alert_id, "", note="after a while").version == "1"
    timer.join()
    monkeypatch.setattr(room, "PATIENCE_S", 0.1)
    with accounts.opened(data, settings), pytest.raises(DataFolderBusy):
        desk.change(alert_id, "1", note="never")
