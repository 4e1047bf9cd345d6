"""`citywall hosts`: the card of a host."""

from __future__ import annotations

import json
from pathlib import Path

import click
import msgspec

from console import options, terminal
from console.framework import Command, Group


@click.group(cls=Group, name="hosts")
@options.looks
def command() -> None:
    """The card of a host."""


@command.command(cls=Command, name="show", key="hosts-show")
@click.argument("address", metavar="ADDRESS")
@options.data
@options.settings
@options.as_json
@options.plain
@options.looks
@click.pass_context
def show(
    context: click.Context,
    *,
    address: str,
    data: Path,
    config: Path | None,
    assignments: tuple[str, ...],
    as_json: bool,
) -> None:
    """Show the card of a host."""
    settings = options.load(config, assignments)
    look = terminal.of(context, settings.language)
    if settings.store_embedded:
        options.need_data(data, look)
    from console import hostcard
    from console.sources import Sources

    ip = hostcard.address_of(address, look.speech)
    sources = Sources(data, settings)
    try:
        card = hostcard.gather(sources, ip)
    finally:
        sources.close()
    if as_json:
        look.say(json.dumps(msgspec.to_builtins(card), ensure_ascii=False))
        return
    from console.display.sheet import layout
    from console.display.write import Pen, width

    pen = Pen(look)
    for line in layout(hostcard.whole(card, look.speech, unit=bool(settings.register)), width(look)):
        pen.write(line)
