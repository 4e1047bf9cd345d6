"""`citywall console`: the terminal application."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from citywall.errors import UsageError
from console import options, signin, terminal
from console.framework import Command, option


@click.command(cls=Command, name="console")
@click.argument("view", metavar="[VIEW]...", nargs=-1)
@options.data
@option("--as", "name", key="console_as", metavar="NAME")
@options.settings
@options.looks
@click.pass_context
def command(
    context: click.Context,
    *,
    view: tuple[str, ...],
    data: Path,
    name: str | None,
    config: Path | None,
    assignments: tuple[str, ...],
) -> None:
    """Open the terminal application."""
    settings = options.load(config, assignments)
    look = terminal.of(context, settings.language)
    if settings.store_embedded:
        options.need_data(data, look)
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise UsageError(look.tr("error.no_terminal"))
    from console.sources import Sources
    from console.workdesk import Desk

    desk = Desk(data, settings)
    if name is not None:
        password = signin.ask(look, look.tr("accounts.password_of", name=name))
        desk.log_in(name, password, signin.place().replace("command", "console", 1))
    sources = Sources(data, settings)
    try:
        from console.app.application import Console

        Console(sources, desk, look.speech, begin_at(view, look)).run()
    finally:
        sources.close()


def begin_at(words: tuple[str, ...], look: terminal.Terminal) -> tuple[str, str]:
    """The view to begin with, and what it looks at; raises UsageError for one that is none."""
    from console.app import registry

    if not words:
        return "overview", ""
    found = registry.matching(words[0])
    if found is None:
        raise UsageError(look.tr("app.no_view", name=words[0], names=", ".join(registry.jumps())))
    argument = " ".join(words[1:])
    registry.make(found, argument).check(argument, look.speech)
    return found, argument
