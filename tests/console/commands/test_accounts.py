"""The commands; what they are allowed is tested in tests/trust/test_accounts.py."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from console.cli import cli
from trust import accounts as room
from trust.passwords import Passwords

FIRST = "Correct-Horse-9"
OTHER = "Battery-Staple-8"
Call = Callable[..., Any]


@pytest.fixture
def call(invoke: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Call:
    """`call("add", "li", …, typed=[…])`: a command over `tmp_path`, with lines on standard input."""
    monkeypatch.setattr(room, "Passwords", lambda: Passwords(memory_kib=64, passes=1, lanes=1))

    def run(*arguments: str, typed: tuple[str, ...] = (), group: str = "accounts") -> Any:
        command = (group, *arguments, "--data", str(tmp_path))
        lines = "".join(f"{line}\n" for line in typed)
        return invoke.runner.invoke(cli, command, input=lines, env={"LC_ALL": "C.UTF-8"})

    return run


@pytest.fixture
def root(call: Call) -> tuple[str, ...]:
    done = call("init", "root", "--full-name", "王丽", typed=(FIRST,))
    assert (done.exit_code, done.stdout) == (0, "root is the first administrator.\n")
    return ("--as", "root")


def test_the_first_administrator(call: Call, root: tuple[str, ...]) -> None:
    (told,) = [json.loads(line) for line in call("list", "--json").stdout.splitlines()]
    assert (told["name"], told["roles"], told["full_name"]) == ("root", ["administrator"], "王丽")
    assert not any("argon2" in str(value) for value in told.values())
    again = call("init", "other", typed=(FIRST,))
    assert (again.exit_code, again.stderr) == (
        1, "citywall: refused: there are accounts already: an administrator adds more\n",
    )  # fmt: skip


def test_a_password_made_up_is_shown_once(call: Call, tmp_path: Path) -> None:
    done = call("init", "root", "--generate", "--json")
    told = json.loads(done.stdout)
    assert len(told["password"]) == 20
    stored = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert told["password"].encode() not in stored
    assert call("list", "--lang", "zh").stdout.splitlines()[1].split()[:2] == ["root", "系统管理员"]


def test_no_password_no_account(call: Call) -> None:
    done = call("init", "root")
    assert done.exit_code == 2
    assert "no password was given" in done.stderr
    assert call("init", "root", typed=("weak",)).exit_code == 1
    assert "no accounts yet" in call("list").stderr


def test_an_account_from_beginning_to_end(call: Call, root: tuple[str, ...]) -> None:
    done = call("add", "li", "--role", "analyst", "--role", "approver", *root, typed=(FIRST,))
    said, shown = done.stdout.splitlines()
    assert said == "li is added: analyst, approver."
    given = shown.removeprefix("Password (shown this once): ")
    assert call("passwd", "li", typed=(given, OTHER)).stdout == "The password is changed.\n"
    refused = call("disable", "root", "--as", "li", typed=(OTHER,))
    assert "the role does not allow it" in refused.stderr
    told = json.loads(call("roles", "li", "--role", "viewer", *root, "--json", typed=(FIRST,)).stdout)
    assert (told["roles"], told["version"]) == (["viewer"], 3)
    assert call("disable", "li", *root, typed=(FIRST,)).stdout == "li is disabled.\n"
    assert "disabled" in call("list").stdout
    assert call("enable", "li", *root, typed=(FIRST,)).stdout == "li is enabled.\n"
    assert "password" in json.loads(call("reset", "li", *root, "--json", typed=(FIRST,)).stdout)
    assert "password to be changed" in call("list").stdout
    missing = call("enable", "nobody", *root, "--lang", "zh", typed=(FIRST,))
    assert "已拒绝：没有账号 nobody" in missing.stderr
    records = map(json.loads, call("list", "--json", group="audit").stdout.splitlines())
    actions = [record["action"] for record in records]
    assert [name for name in actions if name not in ("accounts.login", "audit.opened")] == [
        "accounts.init", "accounts.add", "accounts.passwd", "accounts.list", "accounts.roles",
        "accounts.disable", "accounts.enable", "accounts.reset", "accounts.list",
    ]  # fmt: skip


def test_a_liaison_and_its_unit(call: Call, root: tuple[str, ...]) -> None:
    done = call("add", "wang", "--role", "liaison", "--unit", "教育局", *root, "--json", typed=(FIRST,))
    assert json.loads(done.stdout)["unit"] == "教育局"
    done = call("add", "zhao", "--role", "liaison", *root, "--json", typed=(FIRST,))
    assert json.loads(done.stderr.splitlines()[-1])["error"]["code"] == "unit"
