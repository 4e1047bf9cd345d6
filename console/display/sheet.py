"""Sections of labelled values, prose and small tables, laid out to a width: what a card or detail shows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from console import text
from console.display import table
from console.display.table import Column, Row

#: (text, style) pieces of one line.
Line = list[tuple[str, str]]
TITLE = "bold cyan"
_INDENT = 2
_ABREAST = 3  # facts side by side at most
_LABEL = 24  # cells that a label takes at most beside its value
_LEAST = 20  # cells that a value gets at least


@dataclass
class Section:
    """A heading, and under it lines as they are, labelled values, prose and a table.

    `pairs` are (label, value, style); `facts` are short (label, value), side by side where there is room.
    """

    title: str = ""
    pairs: list[tuple[str, str, str]] = field(default_factory=list)
    facts: list[tuple[str, str]] = field(default_factory=list)
    prose: list[str] = field(default_factory=list)
    columns: Sequence[Column] = ()
    rows: Sequence[Row] = ()
    lines: list[Line] = field(default_factory=list)

    def say(self, label: str, value: object, style: str = "") -> None:
        """A labelled value; nothing where it is empty."""
        if (said := str(value)) != "":
            self.pairs.append((label, said, style))

    @property
    def empty(self) -> bool:
        """Whether there is nothing under the heading."""
        return not (self.pairs or self.facts or self.prose or self.rows or self.lines)


def layout(sections: Iterable[Section], width: int) -> list[Line]:
    """The lines of sections in `width` cells; sections without content are left out."""
    lines: list[Line] = []
    for section in sections:
        if section.empty:
            continue
        if lines:
            lines.append([])
        if section.title:
            lines += [[(line, TITLE)] for line in text.wrap(section.title, width)]
        lines += section.lines
        lines += _pairs(section, width)
        lines += _facts(section, width)
        for paragraph in section.prose:
            lines += [[(" " * _INDENT + line, "")] for line in text.wrap(paragraph, max(width - _INDENT, 10))]
        if section.rows:
            lines += _table(section, width)
    return lines


def plain(lines: Iterable[Line]) -> list[str]:
    """Lines without styles."""
    return ["".join(piece for piece, _ in line).rstrip() for line in lines]


def _pairs(section: Section, width: int) -> list[Line]:
    column = min(max((text.width(label) for label, _, _ in section.pairs), default=0), _LABEL)
    room = max(width - _INDENT - column - 2, _LEAST)
    lines: list[Line] = []
    for label, value, style in section.pairs:
        first, *rest = text.wrap(value, room)
        shown = text.pad(text.truncate(label, column), column)
        lines.append([(" " * _INDENT + shown + "  ", "dim"), (first, style)])
        lines += [[(" " * (_INDENT + column + 2), ""), (line, style)] for line in rest]
    return lines


def _facts(section: Section, width: int) -> list[Line]:
    """Facts in columns, read from left to right."""
    if not section.facts:
        return []
    label = max(text.width(name) for name, _ in section.facts)
    value = max(text.width(said) for _, said in section.facts)
    column = label + 2 + value + 3
    abreast = min(max((width - _INDENT + 3) // column, 1), _ABREAST)
    lines: list[Line] = []
    for at in range(0, len(section.facts), abreast):
        line: Line = [(" " * _INDENT, "")]
        for name, said in section.facts[at : at + abreast]:
            line += [(text.pad(name, label) + "  ", "dim"), (text.pad(said, value + 3), "")]
        lines.append(line)
    return lines


def _table(section: Section, width: int) -> list[Line]:
    cells = table.fit(section.columns, section.rows, max(width - _INDENT, 10))
    indent = (" " * _INDENT, "")
    heading: Line = [indent, (table.heading(section.columns, cells), "dim")]
    return [heading, *([indent, *table.parts(section.columns, row, cells)] for row in section.rows)]
