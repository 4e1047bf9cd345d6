"""`citywall overview`: how things stand."""

from __future__ import annotations

import json
from pathlib import Path

import click

from console import options, terminal
from console.framework import Command


@click.command(cls=Command, name="overview")
@options.data
@options.settings
@options.as_json
@options.plain
@options.looks
@click.pass_context
def command(
    context: click.Context, *, data: Path, config: Path | None, assignments: tuple[str, ...], as_json: bool
) -> None:
    """Tell how things stand."""
    settings = options.load(config, assignments)
    look = terminal.of(context, settings.language)
    if settings.store_embedded:
        options.need_data(data, look)
    from console import overview
    from console.sources import Sources

    sources = Sources(data, settings)
    try:
        found = overview.gather(sources)
    finally:
        sources.close()
    if as_json:
        look.say(json.dumps(overview.told(found), ensure_ascii=False))
        return
    from console import overview_sections
    from console.display.sheet import layout
    from console.display.write import Pen, width

    pen, cells = Pen(look), width(look)
    shown = overview_sections.sections(found, look.speech, cells, unit=bool(settings.register))
    for line in layout(shown, cells):
        pen.write(line)
