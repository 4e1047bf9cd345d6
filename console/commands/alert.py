"""`citywall alerts show` and `alerts work`: one alert explained, and what people make of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import cast, get_args

import click

from citywall.errors import StoreError, UsageError
from console import caller, options, signin, terminal
from console.framework import Command, option

#: As in alerts/workflow.py, which is not imported for a help text.
_STATUSES = ("new", "acknowledged", "in_progress", "resolved", "false_alarm")


@click.command(cls=Command, name="show", key="alerts-show")
@click.argument("alert_id", metavar="ID")
@options.data
@options.settings
@options.as_json
@options.plain
@options.looks
@click.pass_context
def show(
    context: click.Context,
    *,
    alert_id: str,
    data: Path,
    config: Path | None,
    assignments: tuple[str, ...],
    as_json: bool,
) -> None:
    """Explain an alert."""
    settings = options.load(config, assignments)
    look = terminal.of(context, settings.language)
    from console.sources import Sources

    if settings.store_embedded:
        options.need_data(data, look)
    sources = Sources(data, settings)
    try:
        document, seen = sources.alert(alert_id), sources.workflow(alert_id)
    finally:
        sources.close()
    if document is None:
        raise StoreError(look.tr("error.no_alert", id=alert_id))
    if as_json:
        import msgspec

        told = {"alert": document, "workflow": msgspec.to_builtins(seen.workflow), "version": seen.version}
        look.say(json.dumps(told, ensure_ascii=False))
        return
    from console.display.sheet import layout
    from console.display.write import Pen, width
    from console.explain import explain

    pen = Pen(look)
    for line in layout(explain(document, seen.workflow, look.speech), width(look)):
        pen.write(line)


@click.command(cls=Command, name="work", key="alerts-work")
@click.argument("alert_id", metavar="ID")
@option("--as", "name", key="as", metavar="NAME", required=True)
@option("--status", key="alert_status", type=click.Choice(_STATUSES))
@option("--owner", key="alert_owner", metavar="NAME")
@option("--note", key="alert_note", metavar="TEXT")
@option("--version", key="alert_version", metavar="V")
@options.data
@options.settings
@options.as_json
@options.plain
@options.looks
@click.pass_context
def work(
    context: click.Context,
    *,
    alert_id: str,
    name: str,
    status: str | None,
    owner: str | None,
    note: str | None,
    version: str | None,
    data: Path,
    config: Path | None,
    assignments: tuple[str, ...],
    as_json: bool,
) -> None:
    """Change what is made of an alert."""
    settings = options.load(config, assignments)
    look = terminal.of(context, settings.language)
    if status is None and owner is None and note is None:
        raise UsageError(look.tr("error.nothing_to_change"))
    options.need_data(data, look)
    import msgspec

    from alerts.workflow import Status
    from console.sources import Sources
    from console.workdesk import Desk

    assert get_args(Status) == _STATUSES
    desk = Desk(data, settings)
    with caller.accounts_of(data, settings) as accounts:
        desk.identity = signin.log_in(accounts, look, name)
    if version is None:
        sources = Sources(data, settings)
        try:
            version = sources.workflow(alert_id).version
        finally:
            sources.close()
    changed = desk.change(
        alert_id,
        version,
        status=cast("Status | None", status),
        owner="" if owner == "-" else owner,
        note=note,
    )
    if as_json:
        told = {"workflow": msgspec.to_builtins(changed.workflow), "version": changed.version}
        look.say(json.dumps(told, ensure_ascii=False))
    else:
        said = look.tr(f"app_status.{changed.workflow.status}")
        look.say(look.tr("app.changed", what=f"{alert_id}: {said} {changed.workflow.owner}".rstrip()))
