"""`citywall cases`: alerts that belong together, and what is done about them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from citywall.errors import StoreError
from console import casetext, desk, options, since
from console.framework import Command, Group, option

if TYPE_CHECKING:
    from alerts.cases.casebook import Casebook, View
    from alerts.cases.work import Work
    from citywall.settings import Settings
    from console.terminal import Terminal

DEFAULT_LIMIT = 100
_STATUSES = ("new", "triage", "handling", "resolved", "closed")
_OUTCOMES = ("handled", "false_positive", "duplicate", "accepted", "no_effect")
_LEVELS = ("extraordinary", "major", "significant", "general")
_REPORTS = ("first", "supplement", "summary")
_id = click.argument("name", metavar="CASE")


@click.group(cls=Group, name="cases")
@options.looks
def command() -> None:
    """Alerts that belong together, and what is done about them."""


@command.command(cls=Command, name="make", key="cases-make")
@option("--since", "since_", key="since", metavar="T")
@desk.usual
@click.pass_context
def make(context: click.Context, /, *, since_: str | None, **given: Any) -> None:
    """Make cases of the alerts there are."""
    from alerts.store import open_store

    settings, look = desk.begin(context, given)
    start = None if since_ is None else since.parse(since_, look.speech)
    if settings.store_embedded:
        options.need_data(given["data"], look)
    store = open_store(settings.store, given["data"], read_only=True, elasticsearch=settings.elasticsearch)
    try:
        changed = _book(given["data"], settings).take(store.scan(since=start))
    finally:
        store.close()
    if given["as_json"]:
        look.say(json.dumps({"changed": changed}))
    else:
        look.say(look.tr("cases.made", count=len(changed)))


@command.command(cls=Command, name="list", key="cases-list")
@option("--status", key="case_status", multiple=True, type=click.Choice(_STATUSES))
@option("--owner", key="case_owner", metavar="USER")
@option("--unit", key="case_unit", metavar="UNIT")
@option("--lane", key="lane", type=click.Choice(("live", "drill", "test")), default="live", show_default=True)
@option("--all", "every", key="case_all", is_flag=True)
@option("--limit", key="limit", type=click.IntRange(min=0), default=DEFAULT_LIMIT, show_default=True)
@desk.seen_by
@desk.usual
@click.pass_context
def list_(
    context: click.Context, /, *, status: tuple[str, ...], owner: str | None, unit: str | None, lane: str,
    every: bool, limit: int, actor: str, **given: Any,
) -> None:  # fmt: skip
    """List cases."""
    from alerts.cases.casebook import visible

    settings, look = desk.begin(context, given)
    identity = desk.reader(given, settings, look, actor, action="cases.read", kind="case")
    found: list[View] = []
    cut = False
    for view in _book(given["data"], settings).views():
        if (
            view.case.lane == lane
            and (view.work.status in status if status else every or view.open)
            and owner in (None, view.work.owner)
            and (unit is None or unit in view.case.units)
            and (identity is None or visible(identity, view.case))
        ):
            if limit and len(found) == limit:
                cut = True
                break
            found.append(view)
    if given["as_json"]:
        for view in found:
            look.say(_line(casetext.plain(view, settings)))
        return
    casetext.write_list(found, look, settings)
    if cut:
        look.note(look.tr("table.cut", count=limit))


@command.command(cls=Command, name="show", key="cases-show")
@_id
@desk.seen_by
@desk.usual
@click.pass_context
def show(context: click.Context, /, *, name: str, actor: str, **given: Any) -> None:
    """Show a case."""
    from alerts.cases.casebook import visible

    settings, look = desk.begin(context, given)
    identity = desk.reader(given, settings, look, actor, action="cases.read", kind="case")
    view = _book(given["data"], settings).view(name)
    if identity is not None and not visible(identity, view.case):
        raise StoreError(f"there is no case {name}")
    if given["as_json"]:
        look.say(_line(casetext.plain(view, settings, whole=True)))
    else:
        casetext.write_case(view, look, settings)


@command.command(cls=Command, name="assign", key="cases-assign")
@_id
@click.argument("owner", metavar="OWNER")
@desk.as_
@desk.usual
@click.pass_context
def assign(context: click.Context, /, *, name: str, owner: str, actor: str, **given: Any) -> None:
    """Give a case an owner."""
    from alerts.cases import work

    _change(context, given, actor, name, "assign", lambda w, by, now, _: work.assigned(w, by, now, owner))


@command.command(cls=Command, name="comment", key="cases-comment")
@_id
@desk.text
@desk.as_
@desk.usual
@click.pass_context
def comment(context: click.Context, /, *, name: str, words: str, actor: str, **given: Any) -> None:
    """Write a comment on a case."""
    from alerts.cases import work

    _change(context, given, actor, name, "comment", lambda w, by, now, _: work.commented(w, by, now, words))


@command.command(cls=Command, name="move", key="cases-move")
@_id
@click.argument("status", metavar="STATUS", type=click.Choice(("triage", "handling", "resolved")))
@desk.text
@desk.as_
@desk.usual
@click.pass_context
def move(context: click.Context, /, *, name: str, status: str, words: str, actor: str, **given: Any) -> None:
    """Move a case to another status."""
    from alerts.cases import work

    _change(
        context, given, actor, name, "status", lambda w, by, now, _: work.moved(w, by, now, status, words)
    )


@command.command(cls=Command, name="grade", key="cases-grade")
@_id
@click.argument("level", metavar="LEVEL", type=click.Choice(_LEVELS))
@desk.text
@desk.as_
@desk.usual
@click.pass_context
def grade(context: click.Context, /, *, name: str, level: str, words: str, actor: str, **given: Any) -> None:
    """Grade the incident."""
    from alerts.cases import work

    _change(context, given, actor, name, "grade", lambda w, by, now, _: work.graded(w, by, now, level, words))


@command.command(cls=Command, name="known", key="cases-known")
@_id
@click.argument("time", metavar="TIME")
@desk.text
@desk.as_
@desk.usual
@click.pass_context
def known(context: click.Context, /, *, name: str, time: str, words: str, actor: str, **given: Any) -> None:
    """Say since when an incident was known."""
    from alerts.cases import work

    _, look = desk.begin(context, given)
    at = since.parse(time, look.speech)
    _change(context, given, actor, name, "known", lambda w, by, now, _: work.known(w, by, now, at, words))


@command.command(cls=Command, name="report", key="cases-report")
@_id
@click.argument("kind", metavar="REPORT", type=click.Choice(_REPORTS))
@option("--at", "at_", key="reported_at", metavar="T")
@desk.text
@desk.as_
@desk.usual
@click.pass_context
def report(
    context: click.Context, /, *, name: str, kind: str, at_: str | None, words: str, actor: str, **given: Any
) -> None:
    """Note that an incident was reported."""
    from alerts.cases import work

    _, look = desk.begin(context, given)
    at = None if at_ is None else since.parse(at_, look.speech)

    def step(body: Work, by: str, now: int, _: View) -> Work:
        return work.reported(body, by, now, report=kind, made_at=now if at is None else at, text=words)

    _change(context, given, actor, name, "report", step)


@command.command(cls=Command, name="evidence", key="cases-evidence")
@_id
@click.argument("ref", metavar="REF")
@desk.text
@desk.as_
@desk.usual
@click.pass_context
def evidence(context: click.Context, /, *, name: str, ref: str, words: str, actor: str, **given: Any) -> None:
    """Add a reference to evidence."""
    from alerts.cases import work

    piece = casetext.evidence_of(ref)
    _change(
        context,
        given,
        actor,
        name,
        "evidence",
        lambda w, by, now, _: work.evidenced(w, by, now, piece, words),
    )


@command.command(cls=Command, name="close", key="cases-close")
@_id
@option("--outcome", key="case_outcome", required=True, type=click.Choice(_OUTCOMES))
@desk.text
@desk.as_
@desk.usual
@click.pass_context
def close(
    context: click.Context, /, *, name: str, outcome: str, words: str, actor: str, **given: Any
) -> None:
    """Close a case."""
    from alerts.cases import work

    def step(body: Work, by: str, now: int, view: View) -> Work:
        return work.closed(body, by, now, outcome=outcome, text=words, case=view.case)

    _change(context, given, actor, name, "close", step, action="cases.close")


@command.command(cls=Command, name="reopen", key="cases-reopen")
@_id
@desk.text
@desk.as_
@desk.usual
@click.pass_context
def reopen(context: click.Context, /, *, name: str, words: str, actor: str, **given: Any) -> None:
    """Open a closed case again."""
    from alerts.cases import work

    _change(
        context, given, actor, name, "reopen", lambda w, by, now, _: work.reopened(w, by, now, words),
        action="cases.close",
    )  # fmt: skip


def _book(data: Path, settings: Settings) -> Casebook:
    from alerts.cases.casebook import Casebook
    from alerts.documents import documents_of

    return Casebook(documents_of(data, settings), settings.cases)


def _change(  # noqa: PLR0917  (a table of steps, one a command)
    context: click.Context, given: dict[str, Any], actor: str, name: str, what: str, step: Any,
    *, action: str = "cases.work",
) -> None:  # fmt: skip
    with desk.acting(context, given, actor) as (opened, by, settings, look):
        book = _book(given["data"], settings)
        before = book.view(name)
        after = book.change(
            opened, by, name, lambda w, user, now: step(w, user, now, before), action=action, what=what
        )
        _tell(after, what, look, settings, given["as_json"])


def _tell(view: View, what: str, look: Terminal, settings: Settings, as_json: bool) -> None:
    if as_json:
        look.say(_line(casetext.plain(view, settings)))
    else:
        status = look.tr(f"case_status.{view.work.status}")
        look.say(look.tr(f"cases.did_{what}", id=view.case.id, status=status))


def _line(told: dict[str, Any]) -> str:
    return json.dumps(told, ensure_ascii=False)
