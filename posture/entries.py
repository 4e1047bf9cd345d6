"""A file of the register as entries: every field read, every fault noted, nothing looked up yet."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from citywall.faults import Fault
from posture import fields
from posture.fields import FILE, SECTIONS, Bad
from posture.nodes import Fields, Node, Scalar, parse
from posture.tables import TableReader


@dataclass
class Entry:
    """One entry of a section: its values by field, and the lines they stand in.

    `name` is what faults call it: `assets.portal`, or `prefixes[3]` where it has no id.
    """

    section: str
    name: str
    path: str
    line: int
    broken: bool = False  # some of its fields have faults, and are not in `values`
    values: dict[str, Any] = field(default_factory=dict)
    lines: dict[str, int] = field(default_factory=dict)

    def fault(self, of: str, key: str, **values: str) -> Fault:
        """A fault of one of its fields (or of all of it, where `of` is empty)."""
        name = f"{self.name}.{of}" if of else self.name
        return Fault(self.path, self.lines.get(of, self.line), name, f"register_fault.{key}", values)


@dataclass
class Reading:
    """What was read, from one file or all. `unsure`: sections that have entries whose ids are not known."""

    entries: list[Entry] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    unsure: set[str] = field(default_factory=set)

    def add(self, other: Reading) -> None:
        """Take in what was read elsewhere."""
        self.entries += other.entries
        self.faults += other.faults
        self.unsure |= other.unsure


def read(text: str, path: str) -> Reading:
    """The entries of a YAML text, in its order, and its faults."""
    root, faults = parse(text, path)
    reader = _Reader(path, Reading([], faults, set(SECTIONS) if faults else set()))
    if root is not None and not (isinstance(root, Scalar) and root.absent):
        reader.file(root)
    return reader.reading


class _Reader(TableReader):
    """Goes through one tree and notes what is wrong with it."""

    def __init__(self, path: str, reading: Reading) -> None:
        super().__init__(path, reading.faults)
        self.reading = reading

    def file(self, root: Node) -> None:
        try:
            sections = fields.table(root).fields
        except Bad as e:
            self.note(root.line, "", e)
            self.reading.unsure |= set(SECTIONS)
            return
        for name, (line, node) in sections.items():
            try:
                if name not in FILE:
                    raise Bad("unknown", names=", ".join(FILE))
                if name == "version":
                    fields.version(fields.scalar(node))
                elif not (isinstance(node, Scalar) and node.absent):
                    for at, item in enumerate(fields.items(node), start=1):
                        self.entry(name, at, item)
            except Bad as e:
                self.note(line, name, e)
                self.reading.unsure |= {name} & SECTIONS.keys()

    def entry(self, section: str, at: int, node: Node) -> None:
        entry = Entry(section, f"{section}[{at}]", self.path, node.line)
        if isinstance(node, Fields) and "id" in node.fields:
            id_ = node.fields["id"][1]
            if isinstance(id_, Scalar) and id_.text:
                entry.name = f"{section}.{id_.text[:64]}"
        known = len(self.faults)
        entry.values = self.table(node, SECTIONS[section], entry.name, entry.lines)
        entry.broken = len(self.faults) > known
        if "id" in SECTIONS[section] and "id" not in entry.values:
            self.reading.unsure.add(section)
        self.reading.entries.append(entry)
