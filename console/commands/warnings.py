"""`citywall warnings`: four colours, seven fields; issued by approvers."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from citywall.errors import StoreError
from console import desk, since
from console.framework import Command, Group, option
from console.options import looks
from console.text import clean

if TYPE_CHECKING:
    from alerts.desk import Kept
    from alerts.duties.office import Office
    from alerts.duties.warnings import Warning  # noqa: A004  (the standard's word)
    from citywall.settings import Settings
    from console.display import table
    from console.terminal import Terminal

_COLOURS = ("red", "orange", "yellow", "blue")
_FIELDS = ("nature", "threat", "scope", "objects", "impact", "measures")
_STYLES = {"red": "bold white on red", "orange": "bold red", "yellow": "yellow", "blue": "blue"}
_number = click.argument("number", metavar="WARNING")
_colour = option("--colour", key="warning_colour", required=True, type=click.Choice(_COLOURS))


@click.group(cls=Group, name="warnings")
@looks
def command() -> None:
    """Four colours, seven fields; issued by approvers."""


def _fields(function: Any) -> Any:
    for name in reversed(_FIELDS):
        function = option(f"--{name}", key=f"warning_{name}", required=True, metavar="TEXT")(function)
    return function


@command.command(cls=Command, name="issue", key="warnings-issue")
@option("--title", key="warning_title", required=True, metavar="TEXT")
@_colour
@_fields
@option("--until", key="warning_until", metavar="T")
@option("--unit", "units", key="warning_unit", multiple=True, metavar="UNIT")
@option("--case", "cases", key="warning_case", multiple=True, metavar="CASE")
@option("--relayed-from", "source", key="warning_source", default="", metavar="TEXT")
@option("--lane", key="lane", type=click.Choice(("live", "drill", "test")), default="live", show_default=True)
@desk.as_
@desk.usual
@click.pass_context
def issue(
    context: click.Context, /, *, actor: str, until: str | None, units: tuple[str, ...],
    cases: tuple[str, ...], source: str, **given: Any,
) -> None:  # fmt: skip
    """Issue a warning."""
    from alerts.duties import warnings

    with desk.acting(context, given, actor) as (opened, by, settings, look):
        draft = warnings.Warning(
            **{name: given[name] for name in ("lane", "title", "colour", *_FIELDS)},
            issued=time.time_ns(), sender=settings.reporting.sender,
            authority="relayed" if source else "internal", source=source,
            until=since.parse(until, look.speech) if until else 0, units=units, cases=cases,
        )  # fmt: skip
        kept = _office(opened.documents, settings).issue_warning(opened, by, draft)
        _tell(kept, look, given["as_json"])


@command.command(cls=Command, name="list", key="warnings-list")
@option("--all", "every", key="warning_all", is_flag=True)
@desk.seen_by
@desk.usual
@click.pass_context
def list_(context: click.Context, /, *, every: bool, actor: str, **given: Any) -> None:
    """List warnings."""
    from alerts.duties.office import visible

    settings, look = desk.begin(context, given)
    identity = desk.reader(given, settings, look, actor, action="warnings.read", kind="warning")
    now = time.time_ns()
    found = [
        kept
        for kept in _office(_documents(given, settings), settings).warnings()
        if visible(identity, kept.body) and (every or kept.body.in_force(now))
    ]
    if given["as_json"]:
        for kept in found:
            look.say(_line(kept, now))
    else:
        _write(found, look, now)


@command.command(cls=Command, name="show", key="warnings-show")
@_number
@desk.seen_by
@desk.usual
@click.pass_context
def show(context: click.Context, /, *, number: str, actor: str, **given: Any) -> None:
    """Show a warning."""
    from alerts.duties.office import visible
    from alerts.duties.paper import stamp
    from console.display.write import write_heading, write_text

    settings, look = desk.begin(context, given)
    identity = desk.reader(given, settings, look, actor, action="warnings.read", kind="warning")
    kept = _office(_documents(given, settings), settings).warning(number)
    if not visible(identity, kept.body):
        raise StoreError(f"there is no warning {number}")
    if given["as_json"]:
        look.say(_line(kept, time.time_ns()))
        return
    warning = kept.body
    write_heading(look, clean(f"{look.tr(f'warning_colour.{warning.colour}')}  {warning.title}"))
    for name in _FIELDS:
        write_text(look, f"{look.tr(f'warning_field.{name}')}: {clean(getattr(warning, name))}", indent=2)
    authority = look.tr(f"warnings.{warning.authority}", source=clean(warning.source))
    write_text(look, f"{authority}  {warning.letter}  {kept.id}  {warning.actual}", indent=2)
    for step in warning.history:
        colour = look.tr(f"warning_colour.{step.colour}") if step.colour else ""
        said = (stamp(step.at), step.by, look.tr(f"warning_step.{step.what}"), colour, step.text)
        write_text(look, clean("  ".join(filter(None, said))), indent=2)


@command.command(cls=Command, name="change", key="warnings-change")
@_number
@_colour
@desk.text
@desk.as_
@desk.usual
@click.pass_context
def change(
    context: click.Context, /, *, number: str, colour: str, words: str, actor: str, **given: Any
) -> None:
    """Raise or lower a warning."""
    from alerts.duties import warnings

    _step(context, given, actor, number, "change",
          lambda w, by, now: warnings.recoloured(w, by, now, colour, words))  # fmt: skip


@command.command(cls=Command, name="lift", key="warnings-lift")
@_number
@desk.text
@desk.as_
@desk.usual
@click.pass_context
def lift(context: click.Context, /, *, number: str, words: str, actor: str, **given: Any) -> None:
    """Lift a warning."""
    from alerts.duties import warnings

    _step(context, given, actor, number, "lift", lambda w, by, now: warnings.lifted(w, by, now, words))


def _step(  # noqa: PLR0917  (a table of steps, one a command)
    context: click.Context, given: dict[str, Any], actor: str, number: str, what: str,
    step: Callable[[Warning, str, int], Warning],
) -> None:  # fmt: skip
    with desk.acting(context, given, actor) as (opened, by, settings, look):
        office = _office(opened.documents, settings)
        kept = office.change(
            opened, by, "warnings.issue", office.warning(number),
            lambda warning, now: step(warning, by.user, now), what=what,
        )  # fmt: skip
        _tell(kept, look, given["as_json"])


def _documents(given: dict[str, Any], settings: Settings) -> Any:
    from alerts.documents import documents_of

    return documents_of(given["data"], settings)


def _office(documents: Any, settings: Settings) -> Office:
    from alerts.duties.office import Office

    return Office(documents, settings.reporting.sender_code)


def _tell(kept: Kept[Warning], look: Terminal, as_json: bool) -> None:
    if as_json:
        look.say(_line(kept, time.time_ns()))
        return
    state = "in_force" if kept.body.in_force(time.time_ns()) else "over"
    colour = look.tr(f"warning_colour.{kept.body.colour}")
    said = look.tr(f"warnings.{state}")
    look.say(look.tr("warnings.told", letter=kept.body.letter, id=kept.id, colour=colour, state=said))


def _line(kept: Kept[Warning], now: int) -> str:
    import msgspec

    from alerts import times

    told: dict[str, Any] = msgspec.to_builtins(kept.body)
    for name in ("issued", "until", "lifted"):
        told[name] = times.to_iso(told[name]) if told[name] else None
    told["history"] = [{**s, "at": times.to_iso(s["at"])} for s in told["history"]]
    told |= {"in_force": kept.body.in_force(now), "actual": kept.body.actual, "version": kept.version}
    return json.dumps(told, ensure_ascii=False)


def _write(found: list[Kept[Warning]], look: Terminal, now: int) -> None:
    from alerts.duties.paper import stamp
    from console.display.table import Cell, Column
    from console.display.write import write_table

    columns = [
        Column(look.tr("warnings.colour")),
        Column(look.tr("warnings.title"), least=12),
        Column(look.tr("notices.letter")),
        Column(look.tr("warnings.issued"), drop=2),
        Column(look.tr("warnings.state"), drop=1),
        Column(look.tr("warnings.scope"), least=8, drop=3),
    ]
    rows: list[table.Row] = [
        [
            Cell(look.tr(f"warning_colour.{k.body.colour}"), _STYLES[k.body.colour]),
            clean(k.body.title), k.body.letter, stamp(k.body.issued),
            look.tr("warnings.in_force" if k.body.in_force(now) else "warnings.over"), clean(k.body.scope),
        ]
        for k in found
    ]  # fmt: skip
    if not write_table(look, columns, rows):
        look.note(look.tr("warnings.none"))
