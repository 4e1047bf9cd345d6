"""What commands refuse: it is told, changes nothing, and is in the audit log."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from console.cli import cli
from playbooks.nftables import table
from trust import accounts as room
from trust.passwords import Passwords

FIRST, WORD = "Correct-Horse-9", "Battery-Staple-8"
PEOPLE = (("li", ("analyst", "approver")), ("wang", ("approver",)), ("zhao", ("approver",)))
BOOK = """\
id: test
name: {en: Test, zh: 测试}
created: 2026-11-01T00:00:00Z
modified: 2026-11-01T00:00:00Z
playbook_variables:
  __source_ip__: {type: string, external: true, value: 192.0.2.7}
workflow:
  start: {type: start, on_completion: block}
  block:
    type: action
    commands: [{type: x-citywall-block, address: "__source_ip__:value", minutes: "10"}]
    on_completion: end
  end: {type: end}
"""
SETTINGS = ("playbooks.approvals=2", 'playbooks.protected=["198.51.100.0/24"]')
Call = Callable[..., Any]


@pytest.fixture
def blocked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was blocked; nothing reaches this machine."""
    found: list[str] = []
    monkeypatch.setattr(table, "remaining_ms", lambda _: None)
    monkeypatch.setattr(table, "block", lambda network, _: found.append(str(network)))
    return found


@pytest.fixture
def book(tmp_path: Path) -> Path:
    path = tmp_path / "books" / "test.yaml"
    path.parent.mkdir()
    path.write_text(BOOK, "utf-8")
    return path


@pytest.fixture
def call(invoke: Any, tmp_path: Path, book: Path, monkeypatch: pytest.MonkeyPatch) -> Call:
    """`call("playbooks", "run", …, by="li")` over a data folder with people in it."""
    monkeypatch.setattr(room, "Passwords", lambda: Passwords(memory_kib=64, passes=1, lanes=1))
    data = str(tmp_path / "data")

    def run(*arguments: str, by: str = "", typed: tuple[str, ...] = ()) -> Any:
        more = [
            part for setting in (*SETTINGS, f"playbooks.folder={book.parent}") for part in ("--set", setting)
        ]
        command = (*arguments, "--data", data, *(more if arguments[0] == "playbooks" else ()))
        command += ("--as", by) if by else ()
        lines = typed or ((FIRST if by == "root" else WORD,))
        return invoke.runner.invoke(
            cli, command, input="".join(f"{line}\n" for line in lines), env={"LC_ALL": "C.UTF-8"}
        )

    assert run("accounts", "init", "root", typed=(FIRST,)).exit_code == 0
    for name, roles in PEOPLE:
        given = [part for role in roles for part in ("--role", role)]
        told = json.loads(run("accounts", "add", name, *given, "--json", by="root").stdout)
        assert run("accounts", "passwd", name, typed=(told["password"], WORD)).exit_code == 0
    return run


def asked(call: Call, address: str = "192.0.2.7") -> tuple[str, str]:
    """A live run that li asked for, and the digest of what it waits for."""
    done = call("playbooks", "run", "test", "--var", f"source_ip={address}", "--live", "--json", by="li")
    assert done.exit_code == 0, done.stderr
    told = json.loads(done.stdout)
    waiting = told["waiting"]
    return told["id"], waiting[0]["digest"] if waiting else told["status"]


def approve(call: Call, run: str, digest: str, by: str) -> Any:
    return call("playbooks", "approve", run, "--seen", digest, by=by)


def refusals(call: Call) -> list[tuple[str, str, str]]:
    """(who, action, reason) of everything refused."""
    lines = call("audit", "list", "--json", "--limit", "0").stdout.splitlines()
    told = [json.loads(line) for line in lines]
    return [(r["who"], r["action"], r["reason"]) for r in told if r["outcome"] == "refused"]


def test_nobody_approves_their_own_request(call: Call, blocked: list[str]) -> None:
    run, digest = asked(call)
    done = approve(call, run, digest, "li")
    assert done.exit_code == 1
    assert ("li", "playbooks.approve", "own_request") in refusals(call)
    assert blocked == []


def test_a_protected_target_is_not_blocked(call: Call, blocked: list[str]) -> None:
    _, status = asked(call, "198.51.100.9")
    assert status == "failed"
    assert [action for _, action, _ in refusals(call)] == ["playbooks.vetted"]
    assert blocked == []


def test_a_user_nobody_knows(call: Call, blocked: list[str]) -> None:
    run, digest = asked(call)
    done = approve(call, run, digest, "nobody")
    assert (done.exit_code, "user name or password is wrong" in done.stderr) == (1, True)
    assert [who for who, action, _ in refusals(call) if action == "accounts.login"] == ["nobody"]
    assert blocked == []


def test_a_playbook_changed_between_two_approvals(call: Call, book: Path, blocked: list[str]) -> None:
    run, digest = asked(call)
    assert approve(call, run, digest, "wang").exit_code == 0
    book.write_text(BOOK.replace('"10"', '"240"'), "utf-8")
    assert approve(call, run, digest, "zhao").exit_code == 1
    assert ("zhao", "playbooks.approve", "object_changed") in refusals(call)
    assert json.loads(call("playbooks", "status", run, "--json").stdout)["status"] == "voided"
    assert blocked == []


def test_a_malformed_playbook_scenario_and_register(call: Call, book: Path, tmp_path: Path) -> None:
    book.write_text(BOOK.replace("on_completion: end", "on_completion: nowhere"), "utf-8")
    done = call("playbooks", "run", "test", by="li")
    assert done.exit_code == 1
    scenario, register = tmp_path / "tiny.yaml", tmp_path / "register.yaml"
    scenario.write_text("version: 1\nid: tiny\nseconds: x\n", "utf-8")
    register.write_text("zones:\n  inner: {name: 5, colour: red}\n", "utf-8")
    assert call("drill", "plan", str(scenario)).exit_code == 1
    capture = tmp_path / "x.pcap"
    capture.write_bytes(b"")
    assert call("run", str(capture), "--set", f"register={register}").exit_code == 1
    lines = call("audit", "list", "--json", "--limit", "0").stdout.splitlines()
    told = [r for line in lines if (r := json.loads(line))["reason"] == "malformed"]
    assert [(r["who"] == "li", r["action"]) for r in told] == [
        (True, "playbooks.request"), (False, "input.use"), (False, "input.use"),
    ]  # fmt: skip
    for record, path in zip(told, (book, scenario, register), strict=True):
        faults = record["detail"]["faults"]
        assert {fault["file"] for fault in faults} == {str(path)}
        assert any(fault["line"] and fault["reason"] for fault in faults)


def test_an_altered_record_is_named(call: Call, blocked: list[str], tmp_path: Path) -> None:
    run, digest = asked(call)
    assert approve(call, run, digest, "wang").exit_code == 0
    assert call("audit", "verify").exit_code == 0
    (path,) = (tmp_path / "data" / "audit").glob("*.jsonl")
    path.write_bytes(path.read_bytes().replace(b'"who":"wang"', b'"who":"zhao"'))
    done = call("audit", "verify")
    assert done.exit_code == 1
    assert "was altered" in done.stdout
