"""Tables and text on the terminal at hand: drawn to its width, or in full where it is none."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import chain, islice
from typing import TYPE_CHECKING, TextIO

from console import text
from console.display import table

if TYPE_CHECKING:
    from console.terminal import Terminal

#: Cells of a line of prose where there is no terminal to measure.
PROSE = 100
#: Cells below which a terminal is narrow.
NARROW = 120
#: Rows that decide how wide columns are.
WINDOW = 1000


def width(look: Terminal, stream: TextIO | None = None) -> int:
    """Cells of a line on `stream` (default: results)."""
    stream = stream or look.out
    return look.console(stream).width if look.is_rich(stream) else PROSE


def is_narrow(look: Terminal) -> bool:
    """Whether results go to a terminal in which long times and ids leave no room for words."""
    return look.is_rich(look.out) and width(look) < NARROW


class Pen:
    """Writes styled lines on a stream (default: results): with styles on a terminal, else their text."""

    def __init__(self, look: Terminal, stream: TextIO | None = None) -> None:
        self._stream = stream or look.out
        self._console = look.console(self._stream) if look.is_rich(self._stream) else None

    def write(self, parts: Sequence[tuple[str, str]]) -> None:
        """Write one line of (text, style) pieces; if it is too long, the terminal wraps it."""
        if self._console is None:
            self._stream.write("".join(piece for piece, _ in parts).rstrip() + "\n")
            return
        from rich.text import Text

        self._console.print(Text.assemble(*parts), soft_wrap=True)


def write_table(look: Terminal, columns: Sequence[table.Column], rows: Iterable[table.Row]) -> int:
    """Write a table as results; returns how many rows it had; none writes nothing.

    Columns are measured on the first `WINDOW` rows, so that no more are ever in memory.
    """
    rest = iter(rows)
    first = list(islice(rest, WINDOW))
    if not first:
        return 0
    rich = look.is_rich(look.out)
    wide = dict(enumerate(table.natural(columns, first)))
    cells = table.fit(columns, first, width(look)) if rich else wide
    pen = Pen(look)
    write_heading(look, table.heading(columns, cells))
    count = 0
    for count, row in enumerate(chain(first, rest), start=1):  # noqa: B007  (the last one is the result)
        if rich:
            pen.write(table.parts(columns, row, cells))
        else:
            look.say(table.plain(columns, row, cells))
    return count


def write_text(look: Terminal, words: str, indent: int = 0) -> None:
    """Write paragraphs as results, wrapped."""
    room = max(width(look) - indent, 10)
    for paragraph in words.split("\n"):
        for line in text.wrap(paragraph, room):
            look.say((" " * indent + line).rstrip())


def write_heading(look: Terminal, words: str) -> None:
    """Write a heading as results, in bold on a terminal."""
    Pen(look).write([(words, "bold")])
