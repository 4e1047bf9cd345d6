"""`citywall alerts`: what was found, newest first."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from console import listed, options, since, terminal
from console.framework import Group

if TYPE_CHECKING:
    from citywall.settings import Settings
    from console.terminal import Terminal

#: A query that asks for a lane itself.
_LANE = re.compile(r"\blane\s*[:<>=]")
_MODULES = {name: f"console.commands.alert:{name}" for name in ("show", "work")}


@click.group(cls=Group, name="alerts", modules=_MODULES, invoke_without_command=True)
@listed.asked
@click.pass_context
def command(
    context: click.Context,
    *,
    data: Path,
    where: str,
    since_: str | None,
    limit: int,
    config: Path | None,
    assignments: tuple[str, ...],
    as_json: bool,
) -> None:
    """List alerts."""
    if context.invoked_subcommand is not None:
        return
    settings = options.load(config, assignments)
    look = terminal.of(context, settings.language)
    if settings.store_embedded:
        options.need_data(data, look)
    documents = _search(settings, data, where, since_, look)
    shown = partial(write, units=bool(settings.register))
    listed.say(documents, limit, look, as_json=as_json, write=shown)


def _search(
    settings: Settings, data: Path, where: str, since_: str | None, look: Terminal
) -> Iterator[dict[str, Any]]:
    from alerts.query import parse
    from alerts.store import open_store

    query = parse(where)
    lane = None if _LANE.search(where) else settings.lane  # drills are not to be taken for what is real
    start = None if since_ is None else since.parse(since_, look.speech)
    opened = open_store(settings.store, data, read_only=True, elasticsearch=settings.elasticsearch)
    try:
        yield from opened.scan(query, since=start, lane=lane)
    finally:
        opened.close()


def write(documents: Iterator[dict[str, Any]], look: Terminal, *, units: bool = False) -> int:
    """Write alerts as a table, with the unit that answers where `units`; returns how many."""
    from console.listing import alert_columns, alert_row

    return listed.table(
        documents, look, lambda brief: alert_columns(look.speech, unit=units, brief=brief),
        lambda document, brief: alert_row(document, look.speech, unit=units, compact=brief),
    )  # fmt: skip
