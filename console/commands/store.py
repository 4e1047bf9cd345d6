"""`citywall store`: set up, look at, bring up to date and copy the alert store."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec

from citywall.errors import UsageError
from console import options, terminal, units
from console.framework import Command, Group

if TYPE_CHECKING:
    from alerts.store import AlertStore, StoreStatus
    from citywall.settings import Settings
    from console.display import table
    from console.terminal import Terminal

_EMBEDDED = "sqlite://"


@click.group(cls=Group, name="store")
@options.looks
def command() -> None:
    """Set up, look at, bring up to date and copy the alert store."""


@command.command(cls=Command, name="init", key="store-init")
@options.data
@options.settings
@options.as_json
@options.plain
@options.looks
@click.pass_context
def init(
    context: click.Context, *, data: Path, config: Path | None, assignments: tuple[str, ...], as_json: bool
) -> None:
    """Set the store up."""
    settings, look = _begin(context, config, assignments)
    with _opened(settings.store, settings, data) as store:
        store.prepare()
        told = store.status()
    if as_json:
        look.say(_as_json(told))
    else:
        look.say(look.tr("store.ready", place=told.place))


@command.command(cls=Command, name="status", key="store-status")
@options.data
@options.settings
@options.as_json
@options.plain
@options.looks
@click.pass_context
def status(
    context: click.Context, *, data: Path, config: Path | None, assignments: tuple[str, ...], as_json: bool
) -> None:
    """Tell how the store stands."""
    settings, look = _begin(context, config, assignments)
    with _opened(settings.store, settings, data, read_only=True) as store:
        told = store.status()
    if as_json:
        look.say(_as_json(told))
    else:
        _show(told, look)


@command.command(cls=Command, name="migrate", key="store-migrate")
@options.data
@options.settings
@options.as_json
@options.plain
@options.looks
@click.pass_context
def migrate(
    context: click.Context, *, data: Path, config: Path | None, assignments: tuple[str, ...], as_json: bool
) -> None:
    """Bring the store to the present layout."""
    settings, look = _begin(context, config, assignments)
    with _opened(settings.store, settings, data) as store:
        done = store.migrate()
        schema = store.status().schema
    if as_json:
        look.say(json.dumps({"migrated": done, "schema": schema}, ensure_ascii=False))
        return
    for name in done:
        look.say(name)
    look.say(look.tr("store.migrated", count=len(done), schema=schema))


@command.command(cls=Command, name="copy", key="store-copy")
@click.argument("source", metavar="FROM")
@click.argument("target", metavar="TO")
@options.data
@options.settings
@options.as_json
@options.plain
@options.looks
@click.pass_context
def copy(
    context: click.Context,
    *,
    source: str,
    target: str,
    data: Path,
    config: Path | None,
    assignments: tuple[str, ...],
    as_json: bool,
) -> None:
    """Copy everything from one store into another."""
    from alerts.copying import copy as copy_store
    from alerts.copyingwork import copy_documents
    from alerts.documents import documents_of
    from playbooks.copyingruns import copy_runs
    from playbooks.runs import runs_of

    settings, look = _begin(context, config, assignments)
    if source.rstrip("/") == target.rstrip("/"):
        raise UsageError(look.tr("store.same", place=source))
    if source.startswith(_EMBEDDED):
        options.need_data(data, look)
    with (
        _opened(source, settings, data, read_only=True) as from_,
        _opened(target, settings, data) as to,
    ):
        told = copy_store(from_, to)
        there, here = (msgspec.structs.replace(settings, store=url) for url in (source, target))
        cases, kept = copy_documents(documents_of(data, there), documents_of(data, here))
        runs, kept_runs = copy_runs(runs_of(data, there), runs_of(data, here))
    told.kept += kept + kept_runs
    if as_json:
        look.say(json.dumps(asdict(told) | {"desk": cases, "runs": runs}, ensure_ascii=False))
    else:
        look.say(look.tr("store.copied", count=told.documents, workflows=told.workflows, digest=told.digest))
        look.say(look.tr("store.copied_work", desk=cases, runs=runs))
        for alert_id in told.kept:
            look.note(look.tr("store.kept", id=alert_id))
    if told.kept:
        raise click.exceptions.Exit(1)


def _begin(
    context: click.Context, config: Path | None, assignments: tuple[str, ...]
) -> tuple[Settings, Terminal]:
    settings = options.load(config, assignments)
    return settings, terminal.of(context, settings.language)


@contextmanager
def _opened(url: str, settings: Settings, data: Path, *, read_only: bool = False) -> Iterator[AlertStore]:
    """The store of `url`; the data folder is ours alone while its store is written."""
    from alerts.store import open_store

    with contextlib.ExitStack() as stack:
        if url.startswith(_EMBEDDED) and not read_only:
            from stream.local.lock import FolderLock

            stack.callback(FolderLock(data).release)
        store = open_store(url, data, read_only=read_only, elasticsearch=settings.elasticsearch)
        stack.callback(store.close)
        yield store


def _as_json(told: StoreStatus) -> str:
    document: dict[str, Any] = asdict(told)
    document["documents"] = sum(part.documents for part in told.parts)
    document["bytes"] = sum(part.bytes for part in told.parts)
    document["outdated"] = [part.name for part in told.outdated]
    return json.dumps(document, ensure_ascii=False)


def _show(told: StoreStatus, look: Terminal) -> None:
    from console.display.table import Column
    from console.display.write import write_table

    look.say(look.tr("store.place", kind=told.kind, version=told.version, place=told.place))
    look.say(look.tr(f"store.health_{told.health}"))
    if not told.ready:
        look.say(look.tr("store.not_ready"))
    documents, size = sum(p.documents for p in told.parts), sum(p.bytes for p in told.parts)
    look.say(
        look.tr(
            "store.totals", alerts=f"{documents:,}", size=units.size(size), parts=len(told.parts),
            workflows=f"{told.workflows:,}", schema=told.schema,
        )
    )  # fmt: skip
    if told.outdated:
        look.say(look.tr("store.outdated", count=len(told.outdated)))
    if not told.parts:
        return
    columns = [
        Column(look.tr("table.day")),
        Column(look.tr("table.lane")),
        Column(look.tr("table.alerts"), right=True),
        Column(look.tr("table.size"), right=True),
        Column(look.tr("table.layout"), right=True, drop=2),
        Column(look.tr("table.file"), least=12, drop=1),
    ]
    rows: list[table.Row] = [
        [p.day, p.lane, f"{p.documents:,}", units.size(p.bytes), str(p.schema), p.name]
        for p in reversed(told.parts)
    ]
    write_table(look, columns, rows)
