"""`citywall report`: what a day looked like, as HTML, PDF and JSON."""

from __future__ import annotations

import json
import time
from pathlib import Path

import click

from console import language, options, terminal
from console.framework import Command, Group, option
from console.text import clean


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
    from reports import pack, reading
    from reports.day import day_of, last_whole

    now, zone, begins = time.time_ns(), settings.report.time_zone, settings.report.day_begins_hour
    day = last_whole(now, zone, begins) if date is None else day_of(date, zone, begins)
    if day.until > now:
        look.note(look.tr("report.today"))
    asked = language.asked(context)
    made = report.build(reading.gather(settings, data, day))
    files = pack.files(made, [asked] if asked else LANGUAGES)
    folder = out or data / "reports" / day.date
    pack.write(folder, files)
    if as_json:
        look.say(
            json.dumps(report.document(made) | {"folder": str(folder), "files": [*files]}, ensure_ascii=False)
        )
        return
    sm3, _ = canonical.hashes(files[pack.MANIFEST])
    look.say(look.tr("report.written", path=clean(str(folder)), count=len(files), sm3=sm3))
