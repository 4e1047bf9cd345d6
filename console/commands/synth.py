"""`citywall synth`: a capture with attacks in it, and what is true of it beside."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from console import terminal, text, units
from console.framework import Command, option
from console.options import looks

if TYPE_CHECKING:
    from console.terminal import Terminal

_BAR_CELLS = 40


@click.command(cls=Command, name="synth")
@click.argument("path", type=click.Path(path_type=Path, dir_okay=False))
@option("--seed", key="seed", type=click.IntRange(min=0), default=1, show_default=True)
@option("--minutes", key="minutes", type=click.IntRange(min=1, max=1440), default=10, show_default=True)
@looks
@click.pass_context
def command(context: click.Context, *, path: Path, seed: int, minutes: int) -> None:
    """Synthesise a scene."""
    from drills.scene import synthesise

    look = terminal.of(context)
    look.note(look.tr("synth.working", minutes=minutes, seed=seed))
    path.parent.mkdir(parents=True, exist_ok=True)
    with _bar(look) as progress:
        scene = synthesise(path, seed, minutes, progress)
    look.say(
        look.tr(
            "synth.done",
            path=text.clean(str(path)),
            packets=units.count(scene.packets),
            bytes=units.size(scene.truth.bytes),
            attacks=len(scene.truth.attacks),
            truth=text.clean(str(scene.truth_path)),
        )
    )


@contextlib.contextmanager
def _bar(look: Terminal) -> Iterator[Callable[[float], None] | None]:
    """A bar on stderr where that is a terminal; nothing elsewhere."""
    if not look.is_rich(look.err):
        yield None
        return
    from rich.live import Live

    from console.display.live import bar

    console = look.console(look.err)
    with Live(console=console, refresh_per_second=8, transient=True) as live:

        def show(share: float) -> None:
            coloured = console.color_system is not None and look.colour
            live.update(bar(min(max(share, 0.0), 1.0), min(_BAR_CELLS, console.width), colour=coloured))

        yield show
