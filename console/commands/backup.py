"""`citywall backup`: the data folder in one file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from console import options, terminal, units
from console.framework import Command, option

if TYPE_CHECKING:
    from trust.backup.manifest import Manifest


@click.command(cls=Command, name="backup", key="backup")
@click.argument("file", metavar="FILE", type=click.Path(path_type=Path, dir_okay=False))
@option("--packets", key="backup_packets", is_flag=True)
@options.data
@options.as_json
@options.plain
@options.looks
@click.pass_context
def command(context: click.Context, *, file: Path, packets: bool, data: Path, as_json: bool) -> None:
    """Write the data folder into one file."""
    from trust.backup import journal, making
    from trust.backup.manifest import Entry

    look = terminal.of(context)
    options.need_data(data, look)
    told, digest = making.make(data, file, packets=packets)
    journal.note(data, Entry(told.made, "made", file.name, digest, len(told.pieces), told.size, told.settled))
    if as_json:
        look.say(json.dumps({"file": str(file), "sha256": digest} | of(told), ensure_ascii=False))
        return
    look.say(look.tr("backup.made", file=file, count=len(told.pieces), size=units.size(file.stat().st_size)))
    look.say(f"SHA-256 {digest}")
    for name in told.left_out:
        look.note(look.tr("backup.left_out", name=name))
    if not told.settled:
        look.note(look.tr("backup.unsettled"))
    look.note(look.tr("backup.try", file=file))


def of(told: Manifest) -> dict[str, object]:
    """What a manifest says, for machines."""
    return {
        "made": told.made, "version": told.version, "files": len(told.pieces), "bytes": told.size,
        "settled": told.settled, "left_out": list(told.left_out),
    }  # fmt: skip
