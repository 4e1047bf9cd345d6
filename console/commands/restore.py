"""`citywall restore`: a backup becomes a data folder, or is tried."""

from __future__ import annotations

import json
import tempfile
import time
from pathlib import Path

import click

from console import options, terminal, units
from console.commands.backup import of
from console.framework import Command, option


@click.command(cls=Command, name="restore", key="restore")
@click.argument("file", metavar="FILE", type=click.Path(path_type=Path, dir_okay=False))
@option("--check", key="restore_check", is_flag=True)
@options.data
@options.as_json
@options.plain
@options.looks
@click.pass_context
def command(context: click.Context, *, file: Path, check: bool, data: Path, as_json: bool) -> None:
    """Put what a backup holds where the data folder is to be."""
    from trust.backup import journal, restoring
    from trust.backup.manifest import Entry
    from trust.records import iso

    look = terminal.of(context)
    told = restoring.attempt(file, Path(tempfile.gettempdir())) if check else restoring.restore(file, data)
    manifest = told.manifest
    if data.is_dir():
        what = "tried" if check else "restored"
        size = (len(manifest.pieces), manifest.size)
        journal.note(data, Entry(iso(time.time_ns()), what, file.name, told.sha256, *size, sound=True))
    if as_json:
        more = {"databases": told.databases, "records": told.records, "sha256": told.sha256}
        look.say(
            json.dumps({"file": str(file), "restored": not check} | more | of(manifest), ensure_ascii=False)
        )
        return
    look.say(
        look.tr(
            "backup.sound", file=file, made=manifest.made[:19], count=len(manifest.pieces),
            size=units.size(manifest.size), databases=told.databases, records=told.records,
        )
    )  # fmt: skip
    look.say(f"SHA-256 {told.sha256}")
    if not check:
        look.say(look.tr("backup.restored", data=data))
