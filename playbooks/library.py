"""The playbooks there are: those that ship, and those of a folder.

Each is read whole or refused with every fault.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from citywall.canonical import digest
from citywall.errors import FaultyInput, InputError
from citywall.faults import Fault
from playbooks import authoring, shapes
from playbooks.cacao import Playbook, PlaybookAction
from playbooks.lint import line_of, lint
from playbooks.tree import MAX_BYTES, SECTION, read

SHIPPED = Path(__file__).parent / "shipped"
_SUFFIXES = (".yaml", ".yml", ".json")


@dataclass(frozen=True)
class Entry:
    """A playbook as it was read. `document` is its CACAO JSON in plain types; `digest` is the document's."""

    path: Path
    short: str
    document: dict[str, Any]
    playbook: Playbook
    digest: str


@dataclass
class Report:
    """What came of a file: an entry, unless there are faults."""

    path: Path
    entry: Entry | None = None
    faults: list[Fault] = field(default_factory=list)
    warnings: list[Fault] = field(default_factory=list)


def examine(path: Path) -> Report:
    """Read one file and tell everything that is wrong with it."""
    report = Report(path)
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as e:
        report.faults.append(_of_file(path, "unreadable", reason=e.strerror or str(e)))
        return report
    as_json = path.suffix == ".json" or data.lstrip()[:1] == b"{"
    root, report.faults = read(data, str(path), as_json=as_json)
    if root is None:
        return report
    names: dict[str, str] = {}
    if not as_json:
        compiled = authoring.compile_(root, str(path))
        report.faults += compiled.faults
        names = compiled.names
    checker = shapes.Checker(str(path), strict=as_json, names=names)
    value = checker.check(root, Playbook)
    report.faults += checker.faults
    if value is not shapes.MISSING and not report.faults:
        playbook = _typed(value)
        found = lint(playbook, root, str(path), names)
        report.faults += found.faults
        report.warnings = found.warnings
        if not report.faults:
            report.entry = Entry(path, _short(playbook), value, playbook, digest(value))
    report.faults.sort(key=lambda fault: (fault.line, fault.field))
    return report


def restored(document: bytes) -> Playbook:
    """A playbook from the document that a run was bound to."""
    return _typed(msgspec.json.decode(document))


def _typed(value: Any) -> Playbook:
    return msgspec.convert(value, Playbook, strict=False)


class Library:
    """Playbooks of some folders, read anew whenever they are asked for: files are what counts."""

    def __init__(self, folders: Iterable[Path]) -> None:
        self._folders = tuple(folders)

    def reports(self) -> list[Report]:
        """Every file's, in order of name; the same id twice is a fault of the second."""
        found: list[Report] = []
        taken: dict[str, Path] = {}
        for path in files_of(self._folders):
            report = examine(path)
            if report.entry is not None:
                id_ = report.entry.playbook.id
                if id_ in taken:
                    report.faults.append(
                        _of_file(path, "same_id", id=report.entry.short, place=str(taken[id_]))
                    )
                    report.entry = None
                else:
                    taken[id_] = path
            found.append(report)
        return found

    def entries(self) -> list[Entry]:
        """The playbooks without faults."""
        return [report.entry for report in self.reports() if report.entry is not None]

    def get(self, name: str) -> Entry:
        """The playbook of an id or short name; raises InputError, FaultyInput for a faulty one."""
        reports = self.reports()
        for report in reports:
            entry = report.entry
            if entry is not None and name in {entry.playbook.id, entry.short}:
                return entry
        for report in reports:
            if report.faults and name in {report.path.stem, str(report.path)}:
                raise FaultyInput(str(report.path), report.faults)
        raise InputError(name, "there is no such playbook; `citywall playbooks list` has them all")

    def with_called(self, name: str) -> list[Entry]:
        """A playbook and all that it calls, itself first; raises as :meth:`get` does, and for a circle."""
        first = self.get(name)
        found = {first.playbook.id: first}
        left: list[tuple[Entry, tuple[str, ...]]] = [(first, (first.playbook.id,))]
        while left:
            entry, way = left.pop()
            for id_, step in entry.playbook.workflow.items():
                if not isinstance(step, PlaybookAction):
                    continue
                if step.playbook_id in way:
                    raise InputError(str(entry.path), f"{id_}: calls itself, by way of others")
                called = self.get(step.playbook_id)
                found[called.playbook.id] = called
                left.append((called, (*way, called.playbook.id)))
        return list(found.values())


def files_of(places: Sequence[Path]) -> list[Path]:
    """The files that places name, those of a folder by name."""
    found: list[Path] = []
    for place in places:
        try:
            inside = (
                sorted(p for p in place.iterdir() if p.suffix in _SUFFIXES) if place.is_dir() else [place]
            )
        except OSError as e:
            raise InputError(str(place), e.strerror or str(e)) from e
        found += [path for path in inside if path not in found]
    return found


def _short(playbook: Playbook) -> str:
    """The author's name for a playbook: the label its id was made from."""
    for label in playbook.labels:
        if authoring.playbook_id(label) == playbook.id:
            return label
    return playbook.id


def _of_file(path: Path, key: str, **values: str) -> Fault:
    return Fault(str(path), 0, "", f"{SECTION}.{key}", values)


__all__ = ["SHIPPED", "Entry", "Library", "Report", "examine", "files_of", "line_of", "restored"]
