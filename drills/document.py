"""Documents of headings, paragraphs and tables, written as Markdown or as one HTML page.

What stands in a document may come from captures and from people: everything is escaped.
"""

from __future__ import annotations

import base64
import html
import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from citywall import typeface

_SPECIAL = re.compile(r"([\\`*_\[\]<>|#])")
_STYLE = (
    f"body{{font-family:'{typeface.FAMILY}',sans-serif;max-width:60em;"
    "margin:2em auto;padding:0 1em;line-height:1.5;color:#111}"
    "table{border-collapse:collapse;width:100%;margin:.6em 0;font-size:.92em}"
    "th,td{border:1px solid #999;padding:.25em .5em;text-align:left;"
    "vertical-align:top;overflow-wrap:anywhere}"
    "th{background:#eee}h1{font-size:1.6em}h2{font-size:1.25em;border-bottom:1px solid #999}"
    "@media print{body{margin:0}h2{break-after:avoid}tr{break-inside:avoid}}"
)


@dataclass(frozen=True)
class Heading:
    """A heading of level 1 to 3."""

    level: int
    text: str


@dataclass(frozen=True)
class Paragraph:
    """Some lines of text."""

    text: str


@dataclass(frozen=True)
class Table:
    """A table; every row has as many cells as there are columns."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


Block = Heading | Paragraph | Table


@dataclass
class Document:
    """Blocks in order, in one language."""

    language: str
    blocks: list[Block] = field(default_factory=list)

    def heading(self, level: int, text: str) -> None:
        """Add a heading."""
        self.blocks.append(Heading(level, text))

    def text(self, text: str) -> None:
        """Add a paragraph, unless there is nothing in it."""
        if text.strip():
            self.blocks.append(Paragraph(text.strip()))

    def table(self, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """Add a table."""
        self.blocks.append(Table(tuple(columns), tuple(tuple(row) for row in rows)))

    def pairs(self, rows: Sequence[tuple[str, str]]) -> None:
        """Add a table of names and values; those without a value are left out."""
        self.table(("", ""), [row for row in rows if row[1]])

    def markdown(self) -> str:
        """As Markdown."""
        return "\n\n".join(_markdown(block) for block in self.blocks) + "\n"

    def page(self, title: str) -> str:
        """As one HTML page that needs nothing else: the signs it is set in are in it."""
        body = typeface.visible("\n".join(_html(block) for block in self.blocks))
        signs = typeface.subset(frozenset(html.unescape(body)))
        font = (
            f"@font-face{{font-family:'{typeface.FAMILY}';"
            f"src:url(data:font/woff;base64,{base64.b64encode(signs).decode()}) format('woff')}}"
        )
        language = "zh-CN" if self.language == "zh" else self.language
        return (
            f'<!DOCTYPE html>\n<html lang="{language}">\n<head>\n<meta charset="utf-8">\n'
            f"<title>{html.escape(title)}</title>\n<style>{font}{_STYLE}</style>\n</head>\n<body>\n{body}\n"
            "</body>\n</html>\n"
        )


def _markdown(block: Block) -> str:
    if isinstance(block, Heading):
        return "#" * block.level + " " + _plain(block.text)
    if isinstance(block, Paragraph):
        return "\n".join(_plain(line) for line in block.text.splitlines())
    rows = [block.columns, ("---",) * len(block.columns)]
    lines = ["| " + " | ".join(_plain(cell) for cell in rows[0]) + " |", "|" + "|".join(rows[1]) + "|"]
    lines += ["| " + " | ".join(_plain(cell) for cell in row) + " |" for row in block.rows]
    return "\n".join(lines)


def _plain(text: str) -> str:
    return _SPECIAL.sub(r"\\\1", " ".join(text.split()))


def _html(block: Block) -> str:
    if isinstance(block, Heading):
        return f"<h{block.level}>{html.escape(block.text)}</h{block.level}>"
    if isinstance(block, Paragraph):
        return "<p>" + "<br>\n".join(html.escape(line) for line in block.text.splitlines()) + "</p>"
    head = ""
    if any(block.columns):
        head = "<tr>" + "".join(f"<th>{html.escape(c)}</th>" for c in block.columns) + "</tr>\n"
    rows = "\n".join(
        "<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in row) + "</tr>" for row in block.rows
    )
    return f"<table>\n{head}{rows}\n</table>"
