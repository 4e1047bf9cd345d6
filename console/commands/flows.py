"""`citywall flows`: closed flows of the archive, newest first."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from console import listed, options, since, terminal
from console.framework import Command

if TYPE_CHECKING:
    from citywall.settings import Settings
    from console.terminal import Terminal


@click.command(cls=Command, name="flows")
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
    """List archived flows."""
    settings = options.load(config, assignments)
    look = terminal.of(context, settings.language)
    options.need_data(data, look)
    start = None if since_ is None else since.parse(since_, look.speech)
    documents = _search(settings, data, where, start, limit)
    listed.say(documents, limit, look, as_json=as_json, write=write)


def _search(
    settings: Settings, data: Path, where: str, start: int | None, limit: int
) -> Iterator[dict[str, Any]]:
    """Documents of flows, a page in memory at a time; one more than `limit` may come."""
    from alerts.archive import FlowArchive
    from alerts.query import FLOWS, parse
    from citywall.domains import Domains
    from console.flowdocument import flow_document

    archive = FlowArchive(data, read_only=True)
    domains = Domains(settings.domains)
    query = parse(where, FLOWS) if where else None

    def page(size: int, after: str | None) -> tuple[list[Any], str | None]:
        found = archive.query(query, since=start, limit=size, after=after)
        return found.flows, found.after

    return listed.paged(page, lambda row: flow_document(row, domains.name), limit)


def write(documents: Iterator[dict[str, Any]], look: Terminal) -> int:
    """Write flows as a table; returns how many."""
    from console.display.write import is_narrow, write_table
    from console.listing import flow_columns, flow_row

    brief = is_narrow(look)
    rows = (flow_row(document, look.speech, compact=brief) for document in documents)
    count = write_table(look, flow_columns(look.speech, brief=brief), rows)
    if not count:
        look.note(look.tr("table.none"))
    return count
