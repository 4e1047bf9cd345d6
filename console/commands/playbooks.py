"""`citywall playbooks`: what there is to be done about an alert, doing it, and who agreed."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from citywall.errors import DataFolderBusy, UsageError
from console import caller, complaints, options, signin, terminal
from console.display import playbooks as display
from console.framework import Command, Group, option

if TYPE_CHECKING:
    from citywall.permissions import Identity
    from citywall.settings import Settings
    from console.terminal import Terminal
    from playbooks.actions.base import World
    from playbooks.desk import Desk
    from playbooks.runs import Runs, Stored

#: Seconds to wait for another command that has the data folder: two approvers may press enter at once.
_PATIENCE_S = 10.0
_PATHS = click.Path(path_type=Path)
_run_id = click.argument("run_id", metavar="RUN")
_as = option("--as", "actor", key="as", required=True, metavar="USER")
_step = option("--step", "step", key="playbook_step", default="", metavar="KEY")
_reason = option("--reason", "reason", key="reason", required=True, metavar="TEXT")


def _usual(function: Any) -> Any:
    """The options that every command here has."""
    for add in (options.looks, options.plain, options.as_json, options.settings, options.data):
        function = add(function)
    return function


@click.group(cls=Group, name="playbooks")
@options.looks
def command() -> None:
    """Playbooks: what is done about an alert, and who agreed to it."""


@command.command(cls=Command, name="lint", key="playbooks-lint")
@click.argument("files", metavar="[FILE...]", nargs=-1, type=_PATHS)
@_usual
@click.pass_context
def lint(context: click.Context, /, *, files: tuple[Path, ...], **usual: Any) -> None:
    """Tell every fault of playbooks."""
    from playbooks.desk import library_of
    from playbooks.library import Library

    settings, look = _begin(context, usual)
    library = Library(files) if files else library_of(settings)
    reports = library.reports()
    for report in reports:
        if usual["as_json"]:
            told = {
                "file": str(report.path), "accepted": report.entry is not None,
                "faults": complaints.faults(report.faults, look.speech),
                "warnings": complaints.faults(report.warnings, look.speech),
            }  # fmt: skip
            look.say(json.dumps(told, ensure_ascii=False))
        else:
            display.lint(report, look)
    if any(report.entry is None for report in reports):
        raise click.exceptions.Exit(1)


@command.command(cls=Command, name="list", key="playbooks-list")
@_usual
@click.pass_context
def list_(context: click.Context, /, **usual: Any) -> None:
    """List the playbooks."""
    from playbooks.desk import library_of
    from playbooks.telling import playbook_document

    settings, look = _begin(context, usual)
    reports = library_of(settings).reports()
    found = [playbook_document(r.entry, look.speech) for r in reports if r.entry is not None]
    if usual["as_json"]:
        for told in found:
            look.say(json.dumps(told, ensure_ascii=False))
    else:
        display.listing(found, look)
    for report in reports:
        if report.entry is None:
            look.note(look.tr("playbooks.refused_file", path=report.path, count=len(report.faults)))


@command.command(cls=Command, name="show", key="playbooks-show")
@click.argument("name", metavar="NAME")
@_usual
@click.pass_context
def show(context: click.Context, /, *, name: str, **usual: Any) -> None:
    """Show a playbook."""
    from playbooks.desk import library_of
    from playbooks.telling import playbook_document

    settings, look = _begin(context, usual)
    entry = library_of(settings).get(name)
    if usual["as_json"]:
        look.say(json.dumps(entry.document, ensure_ascii=False))
    else:
        display.playbook(entry, playbook_document(entry, look.speech), look)


@command.command(cls=Command, name="run", key="playbooks-run")
@click.argument("name", metavar="NAME|RUN")
@option("--alert", key="playbook_alert", default="", metavar="ID")
@option("--case", "case", key="playbook_case", default="", metavar="ID")
@option("--var", "given", key="playbook_var", multiple=True, metavar="NAME=VALUE")
@option("--live", key="playbook_live", is_flag=True)
@_as
@_usual
@click.pass_context
def run(
    context: click.Context, /, *, name: str, alert: str, case: str, given: tuple[str, ...], live: bool,
    actor: str, **usual: Any,
) -> None:  # fmt: skip
    """Ask for a run of a playbook, or let a run go on."""
    values = _pairs(given)

    def do(desk: Desk, by: Identity, settings: Settings) -> Stored:
        if desk.file.get(name) is not None:
            return desk.resume(by, name)
        return desk.request(by, name, values, live=live, alert=alert, case=case, lane=settings.lane)

    _act(context, usual, actor, do)


@command.command(cls=Command, name="approve", key="playbooks-approve")
@_run_id
@option("--seen", "seen", key="playbook_seen", default="", metavar="DIGEST")
@option("--no", "no", key="playbook_no", default="", metavar="REASON")
@_step
@_as
@_usual
@click.pass_context
def approve(
    context: click.Context, /, *, run_id: str, seen: str, no: str, step: str, actor: str, **usual: Any
) -> None:
    """Approve what a run waits for, or say no."""
    if bool(seen) == bool(no):
        raise UsageError(terminal.of(context).tr("playbooks.seen_or_no"))

    def do(desk: Desk, by: Identity, _: Settings) -> Stored:
        if no:
            return desk.reject(by, run_id, no, step)
        return desk.approve(by, run_id, _whole(desk.file, run_id, seen), step)

    _act(context, usual, actor, do)


@command.command(cls=Command, name="answer", key="playbooks-answer")
@_run_id
@click.argument("outcome", metavar="done|failed|again", type=click.Choice(("done", "failed", "again")))
@option("--out", "outputs", key="playbook_out", multiple=True, metavar="NAME=VALUE")
@option("--note", "note", key="playbook_note", default="", metavar="TEXT")
@_step
@_as
@_usual
@click.pass_context
def answer(
    context: click.Context, /, *, run_id: str, outcome: str, outputs: tuple[str, ...], note: str, step: str,
    actor: str, **usual: Any,
) -> None:  # fmt: skip
    """Say what became of a manual step."""
    named = _pairs(outputs)
    _act(
        context, usual, actor,
        lambda desk, by, _: desk.answer(by, run_id, outcome, step, note=note, outputs=named),
    )  # fmt: skip


@command.command(cls=Command, name="status", key="playbooks-status")
@click.argument("run_id", metavar="[RUN]", required=False, default="")
@option("--limit", key="limit", type=click.IntRange(min=1), default=100, show_default=True)
@_usual
@click.pass_context
def status(context: click.Context, /, *, run_id: str, limit: int, **usual: Any) -> None:
    """Show runs, or one of them."""
    from playbooks.runs import runs_of
    from playbooks.telling import run_document

    settings, look = _begin(context, usual)
    file = runs_of(usual["data"], settings)
    if run_id:
        _show(file, _found(file, run_id, look), look, as_json=usual["as_json"])
        return
    documents = [run_document(s.run, file.books(s.run), look.speech) for s in file.everything(limit)]
    if usual["as_json"]:
        for document in documents:
            look.say(json.dumps(document, ensure_ascii=False))
    else:
        display.runs(documents, look)


@command.command(cls=Command, name="rollback", key="playbooks-rollback")
@_run_id
@_reason
@_as
@_usual
@click.pass_context
def rollback(context: click.Context, /, *, run_id: str, reason: str, actor: str, **usual: Any) -> None:
    """Take back what a run did."""
    _act(context, usual, actor, lambda desk, by, _: desk.rollback(by, run_id, reason))


@command.command(cls=Command, name="abort", key="playbooks-abort")
@_run_id
@_reason
@_as
@_usual
@click.pass_context
def abort(context: click.Context, /, *, run_id: str, reason: str, actor: str, **usual: Any) -> None:
    """End a run."""
    _act(context, usual, actor, lambda desk, by, _: desk.abort(by, run_id, reason))


def _begin(context: click.Context, usual: dict[str, Any]) -> tuple[Settings, Terminal]:
    settings = options.load(usual["config"], usual["assignments"])
    return settings, terminal.of(context, settings.language)


def _act(
    context: click.Context, usual: dict[str, Any], actor: str,
    do: Callable[[Desk, Identity, Settings], Stored],
) -> None:  # fmt: skip
    """Log in, do it, and show the run as it then is."""
    settings, look = _begin(context, usual)
    with _opened(usual["data"], settings) as (accounts, desk):
        by = signin.log_in(accounts, look, actor)
        _show(desk.file, do(desk, by, settings), look, as_json=usual["as_json"])


@contextmanager
def _opened(data: Path, settings: Settings) -> Iterator[tuple[Any, Desk]]:
    """Accounts and desk; another command that has the folder is waited for."""
    from playbooks import desk as room

    if (at := caller.current()) is not None:
        yield at.office.accounts, at.office.playbooks
        return
    until = time.monotonic() + _PATIENCE_S
    while True:
        opening = room.opened(data, settings, world_of(data, settings))
        try:
            found = opening.__enter__()
            break
        except DataFolderBusy:
            if time.monotonic() >= until:
                raise
            time.sleep(0.1)
    try:
        yield found
    finally:
        opening.__exit__(None, None, None)


def world_of(data: Path, settings: Settings) -> World:
    """What actions may use."""
    from alerts.store import open_store
    from playbooks.actions.base import World

    def alert(id_: str) -> dict[str, Any] | None:
        store = open_store(settings.store, data, read_only=True, elasticsearch=settings.elasticsearch)
        try:
            return store.get(id_)
        finally:
            store.close()

    return World(data, settings, alert=alert)


def _pairs(given: tuple[str, ...]) -> dict[str, str]:
    found = {}
    for text in given:
        name, equals, value = text.partition("=")
        if not equals:
            raise UsageError(f"{text!r} must have the form NAME=VALUE")
        found[name] = value
    return found


def _whole(file: Runs, run_id: str, seen: str) -> str:
    """The digest that the beginning of one means; what it was given where there is none."""
    stored = file.get(run_id)
    units = stored.run.units.values() if stored is not None else ()
    said = seen if seen.startswith("sm3:") else f"sm3:{seen}"
    found = [u.request.digest for u in units if u.request is not None and u.request.digest.startswith(said)]
    return found[0] if len(set(found)) == 1 and len(said) >= len("sm3:") + 12 else seen


def _found(file: Runs, run_id: str, look: Terminal) -> Stored:
    stored = file.get(run_id)
    if stored is None:
        raise UsageError(look.tr("playbooks.no_run", id=run_id))
    return stored


def _show(file: Runs, stored: Stored, look: Terminal, *, as_json: bool) -> None:
    from playbooks.telling import run_document

    document = run_document(stored.run, file.books(stored.run), look.speech)
    if as_json:
        look.say(json.dumps(document, ensure_ascii=False))
    else:
        display.run(document, look)
