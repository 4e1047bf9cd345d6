"""`citywall report`: what a day looked like, as HTML, PDF and JSON."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from console import language, options, signin, terminal
from console.framework import Command, Group, option
from console.text import clean

if TYPE_CHECKING:
    from citywall.settings import Settings
    from trust.records import Entry


@click.group(cls=Group, name="report")
@options.looks
def command() -> None:
    """Reports."""


@command.command(cls=Command, name="nightly", key="report-nightly")
@options.data
@option("--date", "date", key="report_date", metavar="DATE")
@option("--out", "out", key="report_out", type=click.Path(path_type=Path, file_okay=False), metavar="FOLDER")
@options.settings
@options.as_json
@options.plain
@options.looks
@click.pass_context
def nightly(
    context: click.Context,
    *,
    data: Path,
    date: str | None,
    out: Path | None,
    config: Path | None,
    assignments: tuple[str, ...],
    as_json: bool,
) -> None:
    """The report of one day."""
    settings = options.load(config, assignments)
    look = terminal.of(context, settings.language)
    options.need_data(data, look)
    from citywall import canonical
    from citywall.i18n import LANGUAGES
    from reports import nightly as report
    from reports import pack
    from reports.day import day_of, last_whole
    from reports.making import make

    now, zone, begins = time.time_ns(), settings.report.time_zone, settings.report.day_begins_hour
    day = last_whole(now, zone, begins) if date is None else day_of(date, zone, begins)
    if day.until > now:
        look.note(look.tr("report.today"))
    asked = language.asked(context)
    languages = [asked] if asked else LANGUAGES
    folder = out or data / "reports" / day.date

    def record(entry: Entry) -> int | None:
        return _record(data, settings, entry)

    made = make(settings, data, day, languages, folder, by=signin.local(), record=record)
    if made.recorded is None:
        look.note(look.tr("report.unrecorded"))
    if as_json:
        more = {"folder": str(folder), "files": [*made.files], "audit_record": made.recorded}
        look.say(json.dumps(report.document(made.report) | more, ensure_ascii=False))
        return
    sm3, _ = canonical.hashes(made.files[pack.MANIFEST])
    look.say(look.tr("report.written", path=clean(str(folder)), count=len(made.files), sm3=sm3))


def _record(data: Path, settings: Settings, entry: Entry) -> int | None:
    """Append to the audit log: the number of the record; None where the service holds the log."""
    from citywall.errors import DataFolderBusy
    from trust import chain
    from trust.audit import AuditLog

    try:
        with AuditLog(data / chain.FOLDER, file_bytes=settings.audit.file_mib << 20) as log:
            return log.append(entry).n
    except DataFolderBusy:
        return None
