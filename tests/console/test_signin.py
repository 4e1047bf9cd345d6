from __future__ import annotations

import io
import os
import sys
from typing import Any

import pytest

from citywall.errors import UsageError
from citywall.permissions import LOCAL
from console import signin
from console.terminal import Terminal

LOOK = Terminal("en")


class Typed(io.StringIO):
    """A terminal's input."""

    def isatty(self) -> bool:
        return True


def test_from_standard_input_a_line_each(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("first one\r\nsecond\n"))
    assert signin.ask(LOOK, "?") == "first one"
    assert signin.ask_new(LOOK, "li") == "second"
    with pytest.raises(UsageError, match="no password was given"):
        signin.ask(LOOK, "?")


def test_on_a_terminal_new_ones_are_asked_for_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    answers = iter(["one", "one", "one", "two"])

    def getpass(prompt: str, stream: Any) -> str:
        assert stream is sys.stderr
        asked.append(prompt)
        return next(answers)

    monkeypatch.setattr(sys, "stdin", Typed())
    monkeypatch.setattr("console.signin.getpass.getpass", getpass)
    assert signin.ask_new(LOOK, "li") == "one"
    with pytest.raises(UsageError, match="not the same"):
        signin.ask_new(LOOK, "li")
    assert asked == ["New password of li: ", "Once more: "] * 2


def test_who_runs_a_command(monkeypatch: pytest.MonkeyPatch) -> None:
    local = signin.local()
    assert local.roles == (LOCAL,)
    assert f"command, {local.user}" == signin.place()

    def nobody() -> str:
        raise OSError("no entry")

    monkeypatch.setattr("console.signin.getpass.getuser", nobody)
    assert signin.place().startswith(f"command, {os.getuid()}@")
