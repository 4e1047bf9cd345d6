"""`citywall assets`: which asset, system, unit and zone an address belongs to."""

from __future__ import annotations

import ipaddress
import json
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from citywall.errors import DataFolderError, UsageError
from console import complaints, options, terminal
from console.framework import Command, Group, option
from console.text import clean

if TYPE_CHECKING:
    from citywall.places import Place
    from console.display import table
    from console.terminal import Terminal
    from posture.records import Register

_KINDS = ("assets", "systems", "units", "zones", "prefixes", "portals")
_PATHS = click.Path(path_type=Path)
_register = option("--register", "place", key="register", metavar="PATH")


@click.group(cls=Group, name="assets")
@options.looks
def command() -> None:
    """Which asset, system, unit and zone an address belongs to."""


@command.command(cls=Command, name="list", key="assets-list")
@click.argument("kind", metavar="[KIND]", type=click.Choice(_KINDS), default="assets")
@_register
@options.settings
@options.as_json
@options.plain
@options.looks
@click.pass_context
def list_(
    context: click.Context,
    *,
    kind: str,
    place: str | None,
    config: Path | None,
    assignments: tuple[str, ...],
    as_json: bool,
) -> None:
    """List what the register holds."""
    from posture import listing

    look, register = _begin(context, place, config, assignments)
    entries = listing.entries(register, kind)
    if as_json:
        for entry in entries:
            look.say(json.dumps(entry, ensure_ascii=False))
    else:
        _table(entries, kind, look)


@command.command(cls=Command, name="show", key="assets-show")
@click.argument("address", metavar="ADDRESS")
@_register
@option("--domain", key="domain", metavar="NAME")
@options.settings
@options.as_json
@options.plain
@options.looks
@click.pass_context
def show(
    context: click.Context,
    *,
    address: str,
    place: str | None,
    domain: str | None,
    config: Path | None,
    assignments: tuple[str, ...],
    as_json: bool,
) -> None:
    """Show where an address belongs."""
    from posture import listing

    look, register = _begin(context, place, config, assignments)
    try:
        ip = str(ipaddress.ip_address(address))
    except ValueError as e:
        raise UsageError(look.tr("error.no_address", text=address)) from e
    found = listing.whereabouts(register, ip, domain)
    if as_json:
        look.say(json.dumps(listing.told(register, ip, found), ensure_ascii=False))
    elif not found:
        look.note(look.tr("assets.unknown", address=ip))
    for name, where in found.items() if not as_json else ():
        _show(register, look.tr("assets.in_domain", address=ip, domain=clean(name)), where, look)
    if not found:
        raise click.exceptions.Exit(1)


@command.command(cls=Command, name="check", key="assets-check")
@click.argument("files", metavar="FILE...", nargs=-1, required=True, type=_PATHS)
@options.as_json
@options.plain
@options.looks
@click.pass_context
def check(context: click.Context, *, files: tuple[Path, ...], as_json: bool) -> None:
    """Tell every fault of a register."""
    from posture import reading

    look = terminal.of(context)
    register, faults = reading.examine(files)
    counts = {kind: len(getattr(register, kind)) for kind in _KINDS} if register else {}
    if as_json:
        told = {"accepted": not faults, **counts, "faults": complaints.faults(faults, look.speech)}
        look.say(json.dumps(told, ensure_ascii=False))
    elif register:
        look.say(look.tr("assets.accepted", files=len(reading.files_of(files)[0]), **counts))
    else:
        for fault in faults:
            look.say(clean(fault.text(look.speech)))
        look.note(look.tr("assets.refused", count=len(faults)))
    if faults:
        raise click.exceptions.Exit(1)


@command.command(cls=Command, name="example", key="assets-example")
@click.argument("folder", metavar="FOLDER", type=_PATHS)
@options.looks
@click.pass_context
def example(context: click.Context, *, folder: Path) -> None:
    """Write the example register to a folder."""
    from posture.reading import EXAMPLE, files_of

    look = terminal.of(context)
    files, _ = files_of([Path(EXAMPLE)])
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.iterdir()):
            raise UsageError(look.tr("error.not_empty", path=folder))
        for file in files:
            shutil.copyfile(file, folder / file.name)
    except OSError as e:
        raise DataFolderError(f"{folder}: {e.strerror or e}") from e
    look.say(look.tr("assets.written", path=folder, count=len(files)))


def _begin(
    context: click.Context, place: str | None, config: Path | None, assignments: tuple[str, ...]
) -> tuple[Terminal, Register]:
    """The terminal, and the register that is asked about; raises UsageError where there is none."""
    from posture import reading

    settings = options.load(config, assignments)
    look = terminal.of(context, settings.language)
    if not (chosen := place or settings.register):
        raise UsageError(look.tr("error.no_register"))
    return look, reading.read([Path(chosen)])


#: Columns by kind: field, cells it may be cut to, order in which columns go when there is no room.
_COLUMNS: dict[str, tuple[tuple[str, int, int], ...]] = {
    "assets": (("id", 8, 0), ("name", 8, 0), ("addresses", 12, 0), ("domain", 6, 5), ("system", 8, 2),
               ("unit", 8, 1), ("zone", 8, 4), ("importance", 0, 3), ("mlps", 0, 3), ("cii", 0, 3)),
    "systems": (("id", 8, 0), ("name", 8, 0), ("unit", 8, 0), ("operator", 8, 5), ("zone", 8, 4),
                ("importance", 0, 3), ("mlps", 0, 2), ("cii", 0, 1)),
    "units": (("id", 8, 0), ("name", 8, 0), ("parent", 8, 2), ("persons", 8, 1)),
    "zones": (("id", 8, 0), ("name", 8, 0)),
    "portals": (("id", 8, 0), ("name", 8, 0), ("urls", 16, 0), ("asset", 6, 3), ("system", 8, 2),
                ("unit", 8, 1)),
    "prefixes": (("prefix", 0, 0), ("domain", 6, 4), ("name", 8, 3), ("system", 8, 2), ("unit", 8, 0),
                 ("zone", 8, 1)),
}  # fmt: skip


def _table(entries: Iterable[dict[str, Any]], kind: str, look: Terminal) -> None:
    from console.display.table import Column
    from console.display.write import write_table

    columns = [Column(look.tr(f"assets.{n}"), least=least, drop=drop) for n, least, drop in _COLUMNS[kind]]
    rows: Iterable[table.Row] = (
        [_cell(name, entry, look) for name, _, _ in _COLUMNS[kind]] for entry in entries
    )
    if not write_table(look, columns, rows):
        look.note(look.tr("table.none"))


def _cell(name: str, entry: dict[str, Any], look: Terminal) -> str:
    found = entry.get("mlps_level" if name == "mlps" else name)
    if isinstance(found, bool):
        return look.tr("assets.yes" if found else "assets.no")
    if isinstance(found, dict):
        return clean(_named(found, look))
    if isinstance(found, list | tuple):
        return clean(", ".join(p["name"] if isinstance(p, dict) else p for p in found))
    if name == "name":
        return clean(_named(entry, look))
    return "" if found is None else clean(str(found))


def _named(entry: dict[str, Any], look: Terminal) -> str:
    """What an entry is called, in the reader's language as far as it has a name in it."""
    return str((look.speech == "en" and entry.get("name_en")) or entry.get("name") or entry.get("id") or "")


def _show(register: Register, heading: str, place: Place, look: Terminal) -> None:
    from console.display.write import write_heading, write_text
    from posture import listing

    write_heading(look, heading)
    told = listing.place(register, place)
    for key in ("asset", "system", "unit", "zone", "importance", "mlps", "cii"):
        if said := _cell(key, told, look):
            write_text(look, f"{look.tr(f'assets.{key}')}: {said}", indent=2)
    for person in told.get("unit", {}).get("persons", ()):
        role = look.tr(f"register.role_{person['role']}")
        contact = " ".join(filter(None, (person["name"], person["phone"], person["email"])))
        write_text(look, f"{role}: {clean(contact)}", indent=2)
