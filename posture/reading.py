"""Reads a register from YAML: one file, several, or a folder.

A register is read whole or not at all, since one with holes would say of an asset that nobody owns it: every
fault in every file is told, and with any of them the register is refused.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from citywall.errors import FaultyInput
from citywall.faults import Fault
from posture import entries
from posture.entries import Reading
from posture.fields import SECTIONS
from posture.linking import link
from posture.records import Register

#: Bytes of YAML that a register may have: a hundred thousand assets, and no more memory than that takes.
MAX_BYTES = 16 << 20
#: The name of the register that ships with Citywall, in place of a path.
EXAMPLE = "example"
_SHIPPED = Path(__file__).parent / "example"
_SUFFIXES = frozenset({".yaml", ".yml"})


def read(places: Sequence[Path]) -> Register:
    """The register in files and folders; `example` alone is the one that ships.

    Raises FaultyInput with every fault there is.
    """
    register, faults = examine(places)
    if register is None:
        raise FaultyInput(", ".join(map(str, places)), faults)
    return register


def examine(places: Sequence[Path]) -> tuple[Register | None, list[Fault]]:
    """The register, None where it has faults; and these, in order of files and lines."""
    files, faults = files_of(places)
    found = Reading(faults=faults, unsure=set(SECTIONS) if faults else set())
    left = MAX_BYTES
    for file in files:
        try:
            with file.open("rb") as opened:
                data = opened.read(left + 1)
        except OSError as e:
            found.add(_lost(_of_file(file, "unreadable", reason=e.strerror or str(e))))
            continue
        left -= len(data)
        if left < 0:
            found.add(_lost(_of_file(file, "too_large", most=str(MAX_BYTES >> 20))))
            break
        found.add(_read(data, str(file)))
    register = link(found)
    return register, _in_order(found.faults, files)


def files_of(places: Iterable[Path]) -> tuple[list[Path], list[Fault]]:
    """The files that `places` name, those of a folder by name; a folder without any is a fault."""
    files: list[Path] = []
    faults: list[Fault] = []
    for place in places:
        where = _SHIPPED if str(place) == EXAMPLE else place
        try:
            inside = (
                sorted(f for f in where.iterdir() if f.suffix in _SUFFIXES) if where.is_dir() else [where]
            )
        except OSError as e:
            faults.append(_of_file(where, "unreadable", reason=e.strerror or str(e)))
            continue
        if not inside:
            faults.append(_of_file(where, "no_files"))
        files += [file for file in inside if file not in files]
    return files, faults


def _read(data: bytes, path: str) -> Reading:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as e:
        line = data.count(b"\n", 0, e.start) + 1
        return _lost(Fault(path, line, "", "register_fault.not_utf8"))
    return entries.read(text, path)


def _lost(fault: Fault) -> Reading:
    """What is known of a file that could not be read: nothing."""
    return Reading([], [fault], set(SECTIONS))


def _of_file(file: Path, key: str, **values: str) -> Fault:
    return Fault(str(file), 0, "", f"register_fault.{key}", values)


def _in_order(faults: list[Fault], files: list[Path]) -> list[Fault]:
    order = {str(file): at for at, file in enumerate(files)}
    return sorted(faults, key=lambda f: (order.get(f.path, -1), f.line))
