"""`citywall notices`: what units are told to put right, and whether they did."""

from __future__ import annotations

import importlib
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from citywall.errors import CitywallError, DataFolderError, StoreError
from console import desk, since
from console.framework import Command, Group, option
from console.options import looks
from console.text import clean

if TYPE_CHECKING:
    from alerts.desk import Kept
    from alerts.duties.notices import Notice
    from alerts.duties.office import Office
    from alerts.duties.paper import Render
    from citywall.settings import Settings
    from console.display import table
    from console.terminal import Terminal

_STATUSES = ("issued", "received", "rectified", "failed", "passed", "closed")
_KINDS = ("incident", "weakness", "violation")
_HOUR = 3_600_000_000_000
_number = click.argument("number", metavar="NOTICE")


@click.group(cls=Group, name="notices")
@looks
def command() -> None:
    """What units are told to put right, and whether they did."""


@command.command(cls=Command, name="issue", key="notices-issue")
@option("--unit", key="notice_unit", default="", metavar="UNIT")
@option("--case", "case", key="notice_case", default="", metavar="CASE")
@option("--title", key="notice_title", required=True, metavar="TEXT")
@option("--findings", key="notice_findings", required=True, metavar="TEXT")
@option("--demands", key="notice_demands", required=True, metavar="TEXT")
@option("--kind", key="notice_kind", type=click.Choice(_KINDS), default="incident", show_default=True)
@option("--due", "due", key="notice_due", metavar="T")
@option("--contact", key="notice_contact", default="", metavar="TEXT")
@option("--lane", key="lane", type=click.Choice(("live", "drill", "test")), default="live", show_default=True)
@desk.as_
@desk.usual
@click.pass_context
def issue(context: click.Context, /, *, actor: str, due: str | None, case: str, **given: Any) -> None:
    """Send a notice to a unit."""
    from alerts.cases.casebook import Casebook
    from alerts.duties import notices, paper

    with desk.acting(context, given, actor) as (opened, by, settings, look):
        view = Casebook(opened.documents, settings.cases).view(case) if case else None
        unit = given["unit"] or (view.case.units[0] if view and view.case.units else "")
        known = {a.unit: a.unit_name for a in view.case.assets} if view else {}
        now, reporting = time.time_ns(), settings.reporting
        receipt = now + reporting.receipt_hours * _HOUR
        until = since.parse(due, look.speech) if due else paper.end_of_day(now, reporting.rectify_days)
        draft = notices.Notice(
            lane=given["lane"], unit=unit, unit_name=known.get(unit) or _unit_name(unit, settings),
            title=given["title"], kind=given["kind"], findings=given["findings"], demands=given["demands"],
            issued=now, receipt_due=min(receipt, until), due=until, sender=reporting.sender,
            contact=given["contact"], level=view.work.level if view else "",
            cases=(view.case.id,) if view else (),
        )  # fmt: skip
        kept = _office(opened.documents, settings).issue_notice(opened, by, draft)
        _tell(kept, look, given["as_json"])


@command.command(cls=Command, name="list", key="notices-list")
@option("--unit", key="notice_of_unit", metavar="UNIT")
@option("--status", key="notice_status", multiple=True, type=click.Choice(_STATUSES))
@option("--overdue", "overdue", key="notice_overdue", is_flag=True)
@option("--all", "every", key="notice_all", is_flag=True)
@desk.seen_by
@desk.usual
@click.pass_context
def list_(
    context: click.Context, /, *, unit: str | None, status: tuple[str, ...], overdue: bool, every: bool,
    actor: str, **given: Any,
) -> None:  # fmt: skip
    """List notices."""
    from alerts.duties.office import visible

    settings, look = desk.begin(context, given)
    identity = desk.reader(given, settings, look, actor, action="notices.read", kind="notice")
    now = time.time_ns()
    found = [
        kept
        for kept in _office(_documents(given, settings), settings).notices()
        if visible(identity, kept.body)
        and unit in (None, kept.body.unit)
        and (kept.body.status in status if status else every or kept.body.status != "closed")
        and (not overdue or kept.body.overdue(now))
    ]
    if given["as_json"]:
        for kept in found:
            look.say(_line(kept, now))
    else:
        _write(found, look, now)


@command.command(cls=Command, name="show", key="notices-show")
@_number
@desk.seen_by
@desk.usual
@click.pass_context
def show(context: click.Context, /, *, number: str, actor: str, **given: Any) -> None:
    """Show a notice."""
    kept, look = _seen(context, given, actor, number)
    if given["as_json"]:
        look.say(_line(kept, time.time_ns()))
    else:
        _write_one(kept.body, look)


@command.command(cls=Command, name="pdf", key="notices-pdf")
@_number
@click.argument("file", metavar="FILE", type=click.Path(path_type=Path, dir_okay=False))
@desk.seen_by
@desk.usual
@click.pass_context
def pdf(context: click.Context, /, *, number: str, file: Path, actor: str, **given: Any) -> None:
    """Write a notice as PDF."""
    from alerts.duties import paper

    kept, look = _seen(context, given, actor, number)
    made = paper.pdf(kept.body, look.speech, _renderer(look.speech, kept.body.issued, look))
    try:
        file.write_bytes(made)
    except OSError as e:
        raise DataFolderError(f"{file}: {e.strerror or e}") from e
    if given["as_json"]:
        look.say(json.dumps({"id": kept.id, "file": str(file), "bytes": len(made)}))
    else:
        look.say(look.tr("notices.written", file=file))


@command.command(cls=Command, name="receive", key="notices-receive")
@_number
@desk.text
@desk.as_
@desk.usual
@click.pass_context
def receive(context: click.Context, /, *, number: str, words: str, actor: str, **given: Any) -> None:
    """Acknowledge a notice."""
    from alerts.duties import notices

    _step(context, given, actor, number, "receive", "notices.answer",
          lambda n, by, now: notices.received(n, by, now, words))  # fmt: skip


@command.command(cls=Command, name="rectify", key="notices-rectify")
@_number
@desk.text
@desk.as_
@desk.usual
@click.pass_context
def rectify(context: click.Context, /, *, number: str, words: str, actor: str, **given: Any) -> None:
    """Answer what was put right."""
    from alerts.duties import notices

    _step(context, given, actor, number, "rectify", "notices.answer",
          lambda n, by, now: notices.rectified(n, by, now, words))  # fmt: skip


@command.command(cls=Command, name="retest", key="notices-retest")
@_number
@click.argument("result", metavar="RESULT", type=click.Choice(("passed", "failed")))
@desk.text
@desk.as_
@desk.usual
@click.pass_context
def retest(
    context: click.Context, /, *, number: str, result: str, words: str, actor: str, **given: Any
) -> None:
    """Note the result of the retest."""
    from alerts.duties import notices

    _step(context, given, actor, number, "retest", "notices.close",
          lambda n, by, now: notices.retested(n, by, now, words, passed=result == "passed"))  # fmt: skip


@command.command(cls=Command, name="close", key="notices-close")
@_number
@desk.text
@desk.as_
@desk.usual
@click.pass_context
def close(context: click.Context, /, *, number: str, words: str, actor: str, **given: Any) -> None:
    """Strike a notice off."""
    from alerts.duties import notices

    _step(context, given, actor, number, "close", "notices.close",
          lambda n, by, now: notices.closed(n, by, now, words))  # fmt: skip


@command.command(cls=Command, name="extend", key="notices-extend")
@_number
@click.argument("due", metavar="TIME")
@desk.text
@desk.as_
@desk.usual
@click.pass_context
def extend(context: click.Context, /, *, number: str, due: str, words: str, actor: str, **given: Any) -> None:
    """Give a unit another term."""
    from alerts.duties import notices

    _, look = desk.begin(context, given)
    until = since.parse(due, look.speech)
    _step(context, given, actor, number, "extend", "notices.issue",
          lambda n, by, now: notices.extended(n, by, now, until, words))  # fmt: skip


def _step(  # noqa: PLR0917  (a table of steps, one a command)
    context: click.Context, given: dict[str, Any], actor: str, number: str, what: str, action: str,
    step: Callable[[Notice, str, int], Notice],
) -> None:  # fmt: skip
    with desk.acting(context, given, actor) as (opened, by, settings, look):
        office = _office(opened.documents, settings)
        kept = office.change(
            opened, by, action, office.notice(number),
            lambda notice, now: step(notice, by.user, now), what=what,
        )  # fmt: skip
        _tell(kept, look, given["as_json"])


def _seen(
    context: click.Context, given: dict[str, Any], actor: str, number: str
) -> tuple[Kept[Notice], Terminal]:
    from alerts.duties.office import visible

    settings, look = desk.begin(context, given)
    identity = desk.reader(given, settings, look, actor, action="notices.read", kind="notice")
    kept = _office(_documents(given, settings), settings).notice(number)
    if not visible(identity, kept.body):
        raise StoreError(f"there is no notice {number}")
    return kept, look


def _documents(given: dict[str, Any], settings: Settings) -> Any:
    from alerts.documents import documents_of

    return documents_of(given["data"], settings)


def _office(documents: Any, settings: Settings) -> Office:
    from alerts.duties.office import Office

    return Office(documents, settings.reporting.sender_code)


def _unit_name(unit: str, settings: Settings) -> str:
    if not settings.register:
        return unit
    from posture import reading

    register = reading.read([Path(settings.register)])
    return next((u.name for u in register.units if u.id == unit), unit)


def _renderer(language: str, when: int, look: Terminal) -> Render:
    """What sets PDF: the one place that knows the typeface."""
    try:
        room: Any = importlib.import_module("citywall.pdf")
    except ModuleNotFoundError as e:
        raise CitywallError(look.tr("notices.no_pdf")) from e
    return lambda source, data: room.render(source, data, language, when=when)


def _tell(kept: Kept[Notice], look: Terminal, as_json: bool) -> None:
    if as_json:
        look.say(_line(kept, time.time_ns()))
        return
    status = look.tr(f"notice_status.{kept.body.status}")
    look.say(look.tr("notices.told", letter=kept.body.letter, id=kept.id, status=status))


def _line(kept: Kept[Notice], now: int) -> str:
    return json.dumps(document(kept, now), ensure_ascii=False)


def document(kept: Kept[Notice], now: int) -> dict[str, Any]:
    """A notice as `--json` has it."""
    import msgspec

    from alerts import times

    told: dict[str, Any] = msgspec.to_builtins(kept.body)
    for name in ("issued", "receipt_due", "due"):
        told[name] = times.to_iso(told[name])
    told["history"] = [{**s, "at": times.to_iso(s["at"])} for s in told["history"]]
    return told | {"overdue": kept.body.overdue(now), "actual": kept.body.actual, "version": kept.version}


def _write(found: list[Kept[Notice]], look: Terminal, now: int) -> None:
    from alerts.duties.paper import stamp
    from console.display.table import Cell, Column
    from console.display.write import write_table

    columns = [
        Column(look.tr("notices.letter")),
        Column(look.tr("table.unit"), least=6),
        Column(look.tr("notices.title"), least=12),
        Column(look.tr("notices.status")),
        Column(look.tr("notices.due"), drop=1),
        Column(look.tr("notices.overdue")),
    ]
    rows: list[table.Row] = [
        [
            k.body.letter, clean(k.body.unit_name), clean(k.body.title),
            look.tr(f"notice_status.{k.body.status}"), stamp(k.body.due),
            Cell(look.tr(f"notices.owes_{late}") if (late := k.body.overdue(now)) else "", "bold red"),
        ]
        for k in found
    ]  # fmt: skip
    if not write_table(look, columns, rows):
        look.note(look.tr("notices.none"))


def _write_one(notice: Notice, look: Terminal) -> None:
    from alerts.duties import paper
    from console.display.write import write_heading, write_text

    told = paper.content(notice, look.speech)
    write_heading(look, clean(f"{told['head']} {notice.letter}  {notice.title}"))
    if told["exercise"]:
        write_text(look, told["exercise"])
    write_text(look, clean(told["addressee"]))
    for part in told["parts"]:
        write_heading(look, part["title"])
        for paragraph in part["paragraphs"]:
            write_text(look, clean(paragraph), indent=2)
    for name, value in told["rows"]:
        write_text(look, f"{name}: {clean(value)}")
    write_text(look, f"{look.tr('notices.status')}: {look.tr(f'notice_status.{notice.status}')}")
    for row in told["history"]:
        write_text(look, clean("  ".join(row)), indent=2)
