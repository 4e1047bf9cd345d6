"""`citywall doctor`: whether everything is there that Citywall needs."""

from __future__ import annotations

import json
from pathlib import Path

import click

from console import options, terminal
from console.framework import Command

_MARKS = {"good": "+", "lacking": "-", "broken": "!"}


@click.command(cls=Command, name="doctor", key="doctor")
@options.data
@options.settings
@options.as_json
@options.plain
@options.looks
@click.pass_context
def command(
    context: click.Context, *, data: Path, config: Path | None, assignments: tuple[str, ...], as_json: bool
) -> int:
    """Look at everything that Citywall needs."""
    from console.doctor.check import World
    from console.doctor.registry import CHECKS

    settings = options.load(config, assignments)
    look = terminal.of(context, settings.language)
    world = World(data, settings)
    worst = 0
    for name, check in CHECKS.items():
        for found in check(world):
            worst = max(worst, found.state == "broken")
            said = look.tr(f"doctor.{found.text}", **found.values)
            if as_json:
                told = {"check": name, "state": found.state, "finding": found.text, "text": said}
                look.say(json.dumps(told, ensure_ascii=False))
            else:
                look.say(f"{_MARKS[found.state]} {said}")
    return worst
