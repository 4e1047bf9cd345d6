"""`citywall audit`: the record of who did what, and whether it is as it was written."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from console import caller, options, signin, since, terminal
from console.framework import Command, Group, option

if TYPE_CHECKING:
    from console.terminal import Terminal
    from trust.records import Record
    from trust.verify import Report

DEFAULT_LIMIT = 100
_path = click.argument("path", metavar="[PATH]", required=False, type=click.Path(path_type=Path))


@click.group(cls=Group, name="audit")
@options.looks
def command() -> None:
    """The record of who did what."""


@command.command(cls=Command, name="verify", key="audit-verify")
@_path
@options.data
@option("--head", key="audit_head", default="", metavar="N:SM3")
@options.as_json
@options.plain
@options.looks
@click.pass_context
def verify(context: click.Context, *, path: Path | None, data: Path, head: str, as_json: bool) -> int:
    """Verify a log offline."""
    import msgspec

    from trust.verify import verify as verify_log

    look = terminal.of(context)
    report = verify_log(path or data, head)
    if as_json:
        look.say(json.dumps({"ok": report.ok} | msgspec.to_builtins(report), ensure_ascii=False))
    else:
        _tell(report, look)
    return 0 if report.ok else 1


@command.command(cls=Command, name="list", key="audit-list")
@_path
@options.data
@option("--who", key="audit_who", metavar="USER")
@option("--action", key="audit_action", metavar="ACTION", default="")
@option("--object", "object_", key="audit_object", metavar="OBJECT", default="")
@option("--outcome", key="audit_outcome", type=click.Choice(["done", "refused", "failed"]))
@option("--since", "since_", key="since", metavar="T")
@option("--until", "until", key="audit_until", metavar="T")
@option("--limit", key="audit_limit", type=click.IntRange(min=0), default=DEFAULT_LIMIT, show_default=True)
@options.as_json
@options.plain
@options.looks
@click.pass_context
def list_(
    context: click.Context,
    *,
    path: Path | None,
    data: Path,
    who: str | None,
    action: str,
    object_: str,
    outcome: str | None,
    since_: str | None,
    until: str | None,
    limit: int,
    as_json: bool,
) -> None:
    """List audit records."""
    from trust import chain
    from trust.records import iso

    look = terminal.of(context)
    start = "" if since_ is None else iso(since.parse(since_, look.speech))
    end = "~" if until is None else iso(since.parse(until, look.speech))

    def wanted(record: Record) -> bool:
        return (
            who in (None, record.who)
            and record.action.startswith(action)
            and record.object.startswith(object_)
            and outcome in (None, record.outcome)
            and start <= record.time < end
        )

    found = chain.search(chain.files_at(path or data), wanted, limit)
    if as_json:
        import msgspec

        for record in found.records:
            look.say(json.dumps(msgspec.to_builtins(record), ensure_ascii=False))
    else:
        _write(found.records, look)
    if found.unsound:
        look.note(look.tr("audit.unsound", count=found.unsound))


@command.command(cls=Command, name="retain", key="audit-retain")
@option("--as", "actor", key="as", required=True, metavar="USER")
@options.data
@options.settings
@options.as_json
@options.plain
@options.looks
@click.pass_context
def retain(
    context: click.Context,
    *,
    actor: str,
    data: Path,
    config: Path | None,
    assignments: tuple[str, ...],
    as_json: bool,
) -> None:
    """Remove old files of the log, leaving an anchor."""
    import time

    from citywall.permissions import Target

    settings = options.load(config, assignments)
    look = terminal.of(context, settings.language)
    with caller.accounts_of(data, settings) as accounts:
        by = signin.log_in(accounts, look, actor)
        accounts.guard.require(by, "audit.retain", Target("audit"))
        gone = accounts.log.retain(settings.audit.retention_days, by, time.time_ns())
    if as_json:
        look.say(json.dumps({"removed": gone}))
    else:
        look.say(look.tr("audit.removed", count=len(gone)))


def _tell(report: Report, look: Terminal) -> None:
    from console import text

    problem = report.problem
    if problem is not None:
        words = {"file": text.clean(problem.file), "line": problem.line, "n": problem.n or "?"}
        look.say(look.tr(f"audit.{problem.kind}", reason=text.clean(problem.reason), **words))
        return
    if not report.records:
        look.say(look.tr("audit.empty"))
        return
    look.say(
        look.tr(
            "audit.sound", records=f"{report.records:,}", files=report.files, first=report.first,
            last=report.last.n,
        )
    )  # fmt: skip
    if report.mended:
        look.say(look.tr("audit.mended", count=report.mended))
    look.say(look.tr("audit.head", head=f"{report.last.n}:{report.last.sm3}"))


def _write(records: list[Record], look: Terminal) -> None:
    from console import text
    from console.display.table import Cell, Column
    from console.display.write import write_table

    columns = [
        Column("n", right=True),
        Column(look.tr("table.time"), least=19),
        Column(look.tr("audit.who"), least=8),
        Column(look.tr("audit.action")),
        Column(look.tr("audit.object"), least=10, drop=1),
        Column(look.tr("audit.outcome")),
        Column(look.tr("audit.reason"), least=8, drop=2),
    ]
    rows: list[list[Any]] = [
        [
            str(record.n), f"{record.time[:19]}Z", text.clean(record.who), text.clean(record.action),
            text.clean(record.object),
            Cell(look.tr(f"audit.outcome_{record.outcome}"), "" if record.outcome == "done" else "bold"),
            text.clean(record.reason),
        ]
        for record in records
    ]  # fmt: skip
    if not write_table(look, columns, rows):
        look.note(look.tr("audit.none"))
