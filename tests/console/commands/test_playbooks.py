"""The commands; what they are allowed is tested in tests/playbooks/test_desk.py."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from console.cli import cli
from trust import accounts as room
from trust.passwords import Passwords

WORDS = {"root": "Correct-Horse-9", "li": "Battery-Staple-8", "wang": "Battery-Staple-8"}
Call = Callable[..., Any]


@pytest.fixture
def call(invoke: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Call:
    """`call("run", …, by="li")`: a command over `tmp_path`, with the password of who acts."""
    monkeypatch.setattr(room, "Passwords", lambda: Passwords(memory_kib=64, passes=1, lanes=1))

    def run(*arguments: str, by: str = "", group: str = "playbooks", typed: tuple[str, ...] = ()) -> Any:
        command = (group, *arguments, "--data", str(tmp_path / "data"), *(("--as", by) if by else ()))
        lines = "".join(f"{line}\n" for line in typed or ((WORDS[by],) if by else ()))
        return invoke.runner.invoke(cli, command, input=lines, env={"LC_ALL": "C.UTF-8"})

    return run


@pytest.fixture
def people(call: Call) -> None:
    call("init", "root", group="accounts", typed=(WORDS["root"],))
    for name, role in (("li", "analyst"), ("wang", "approver")):
        told = json.loads(call("add", name, "--role", role, "--json", group="accounts", by="root").stdout)
        call("passwd", name, group="accounts", typed=(told["password"], WORDS[name]))


def test_list_show_and_lint(call: Call, tmp_path: Path) -> None:
    names = [json.loads(line)["name"] for line in call("list", "--json").stdout.splitlines()]
    assert "contain-scan" in names
    assert "网络扫描探测处置" in call("list", "--lang", "zh").stdout
    shown = call("show", "contain-scan").stdout
    assert "Start condition: An alert of detector scan" in shown
    assert json.loads(call("show", "contain-scan", "--json").stdout)["spec_version"] == "cacao-2.0"
    assert call("lint").exit_code == 0
    bad = tmp_path / "bad.yaml"
    bad.write_text("id: x\nname: 5\n")
    done = call("lint", str(bad), "--json")
    told = json.loads(done.stdout)
    assert (done.exit_code, told["accepted"], told["faults"][0]["line"]) == (1, False, 1)
    assert "workflow: is missing" in call("lint", str(bad)).stdout
    assert call("show", "nothing").exit_code == 1


def test_a_dry_run_shows_what_would_be_done(call: Call, people: None) -> None:
    done = call("run", "contain-scan", "--var", "source_ip=192.0.2.7", "--var", "verdict=malicious", by="li")
    assert done.exit_code == 0, done.stderr
    assert "Block 192.0.2.7/32 for 240 minutes" in done.stdout
    assert "| add element inet citywall v4_32 { 192.0.2.7 timeout 14400s }" in done.stdout
    assert "dry run" in call("status").stdout


def test_from_request_to_refusal(call: Call, people: None) -> None:
    told = json.loads(
        call("run", "contain-scan", "--var", "source_ip=192.0.2.7", "--live", "--json", by="li").stdout
    )
    run = told["id"]
    (unit,) = told["waiting"]
    assert (unit["state"], told["status"]) == ("manual", "running")
    assert "citywall playbooks answer" in call("status", run).stdout
    told = json.loads(
        call("answer", run, "done", "--out", "verdict=malicious", "--note", "seen", "--json", by="li").stdout
    )
    (unit,) = told["waiting"]
    assert unit["digest"].startswith("sm3:")
    shown = call("status", run).stdout
    assert f"approve {run} --step {unit['key'][:12]} --seen {unit['digest'][:20]}" in shown
    own = call("approve", run, "--seen", unit["digest"], by="li")
    assert "the role does not allow it" in own.stderr
    wrong = call("approve", run, "--seen", "sm3:0123456789abcdef", by="wang")
    assert "it has changed since you saw it" in wrong.stderr
    both = call("approve", run, by="wang")
    assert both.exit_code == 2
    told = json.loads(call("approve", run, "--no", "a camera of ours", "--json", by="wang").stdout)
    assert [u["title"] for u in told["waiting"]] == ["Contain by hand"]
    assert "waits for somebody to do it" in call("run", run, by="li").stdout
    told = json.loads(call("abort", run, "--reason", "enough", "--json", by="li").stdout)
    assert told["status"] == "aborted"
    told = json.loads(call("rollback", run, "--reason", "enough", "--json", by="li").stdout)
    assert told["status"] == "rolled_back"
    assert "已回滚" in call("status", "--lang", "zh").stdout
    assert call("verify", group="audit").exit_code == 0


def test_bad_use(call: Call, people: None) -> None:
    assert call("status", "run-0").exit_code == 2
    assert call("run", "contain-scan", "--var", "x", by="li").exit_code == 2
    assert call("run", "contain-scan", by="li").exit_code == 2
    assert "no alert a1" in call("run", "contain-scan", "--alert", "a1", by="li").stderr
