from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from alerts.store import open_store
from citywall.settings import load
from console import signin
from console.cli import cli
from console.commands import alert
from trust import accounts
from trust.passwords import Passwords

PASSWORD = "Correct-Horse-9"


@pytest.fixture
def call(invoke: Any, tmp_path: Path, real_alerts: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """`call("work", …)` about the one alert of a data folder; `typed` is the password."""
    monkeypatch.setattr(accounts, "Passwords", lambda: Passwords(memory_kib=64, passes=1, lanes=1))
    store = open_store("sqlite://", tmp_path)
    store.upsert(real_alerts(1))
    store.close()
    with accounts.opened(tmp_path, load(None, environment={})) as opened:
        opened.init(signin.local(), "root", PASSWORD)
        _, given = opened.add(opened.login("root", PASSWORD, ""), "li", ["analyst"])
        opened.passwd("li", given, PASSWORD + "x", "")
    alert_id = real_alerts(1)[0]["event"]["id"]

    def run(name: str, *arguments: str, typed: str = "", about: str = alert_id) -> Any:
        command = ("alerts", name, about, "--data", str(tmp_path), *arguments)
        return invoke.runner.invoke(cli, command, input=f"{typed}\n", env={"LC_ALL": "C.UTF-8"})

    return run


def test_show_explains(call: Any):
    said = call("show").stdout
    for words in ("One port on many hosts", "Why it fired", "25 (threshold 20)", "What to do", "nobody"):
        assert words in said
    told = json.loads(call("show", "--json").stdout)
    assert (told["version"], told["workflow"]["status"]) == ("", "new")
    done = call("show", about="ffff")
    assert (done.exit_code, "there is no alert ffff" in done.stderr) == (1, True)


def test_work_changes_once_for_a_version(call: Any):
    li = ("--as", "li")
    done = call("work", *li, "--status", "in_progress", "--owner", "li", "--json", typed=PASSWORD + "x")
    assert (done.exit_code, json.loads(done.stdout)["version"]) == (0, "1")
    done = call("work", *li, "--note", "late", "--version", "", typed=PASSWORD + "x")
    assert (done.exit_code, "changed meanwhile" in done.stderr) == (1, True)
    done = call("work", *li, "--owner", "-", "--note", "done", typed=PASSWORD + "x")
    assert "in progress" in done.stdout
    told = json.loads(call("show", "--json").stdout)
    assert (told["workflow"]["owner"], told["workflow"]["history"][-1]["note"]) == ("", "done")


def test_refused(call: Any):
    done = call("work", "--as", "root", "--note", "x", typed=PASSWORD)
    assert (done.exit_code, "the role does not allow it" in done.stderr) == (1, True)
    done = call("work", "--as", "li", "--note", "x", typed="Wrong-Password-7")
    assert (done.exit_code, "password is wrong" in done.stderr) == (1, True)
    done = call("work", "--as", "li")
    assert (done.exit_code, "--status, --owner or --note" in done.stderr) == (2, True)


def test_statuses_are_those_of_the_workflow():
    from alerts.workflow import STATUSES

    assert alert._STATUSES == STATUSES
