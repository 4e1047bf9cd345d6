"""What the commands do with it is tested in commands/test_cases.py."""

from __future__ import annotations

from typing import Any

import click
import pytest

from console import desk


def test_every_command_has_the_usual_options() -> None:
    @click.command()
    @desk.usual
    def command(**_: Any) -> None: ...

    assert {p.name for p in command.params} >= {"data", "config", "assignments", "as_json", "plain", "lang"}


@pytest.mark.parametrize("given", [{"config": None, "assignments": ("language=zh",)}])
def test_settings_say_the_language(given: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    settings, look = desk.begin(click.Context(click.Command("x")), given)
    assert (settings.language, look.speech) == ("zh", "zh")
    assert desk.reader(given, settings, look, "", action="cases.read", kind="case") is None
