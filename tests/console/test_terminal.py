from __future__ import annotations

import io

import click
import pytest

from console import terminal
from console.terminal import Terminal


class Tty(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_only_a_terminal_is_drawn_on(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("TERM", "xterm-256color")
    assert Terminal("en").is_rich(Tty())
    assert not Terminal("en").is_rich(io.StringIO())
    assert not Terminal("en", plain=True).is_rich(Tty())
    monkeypatch.setenv("TERM", "dumb")
    assert not Terminal("en").is_rich(Tty())


def test_no_color_is_respected(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("TERM", "xterm-256color")
    stream = Tty()
    Terminal("en", colour=False).console(stream).print("[bold]x[/bold] :smile: 10.0.0.1", style="red")
    assert stream.getvalue() == "[bold]x[/bold] :smile: 10.0.0.1\n"


def test_flags_before_and_behind_the_command(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("NO_COLOR", raising=False)
    context = click.Context(click.Command("x"))
    assert terminal.of(context, "zh") == Terminal("zh", plain=False, colour=True)
    for name in ("plain", "no_color"):
        terminal.remember(context, click.Option([f"--{name}"]), value=True)
    inner = click.Context(click.Command("y"), parent=context)
    assert terminal.of(inner, "en") == Terminal("en", plain=True, colour=False)


def test_environment_turns_colours_off(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("NO_COLOR", "1")
    assert not terminal.of(click.Context(click.Command("x"))).colour


def test_lines_go_where_they_belong(capsys: pytest.CaptureFixture[str]):
    look = Terminal("zh")
    look.say("结果")
    look.note(look.tr("run.starting"))
    assert capsys.readouterr() == ("结果\n", "正在启动\n")
