"""Tables measured in cells: columns give way in a stated order when the terminal is narrow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from console import text

GAP = 2


@dataclass(frozen=True)
class Column:
    """A column.

    `least`: cells it may be cut to (0: never cut). `drop`: 0 stays always, of the others the greatest
    goes first. `middle`: cut in the middle, as paths are. `right`: aligned right, as numbers are. `code`: an
    id, whose beginning will do, is cut before words are.
    """

    title: str
    right: bool = False
    least: int = 0
    drop: int = 0
    middle: bool = False
    code: bool = False


@dataclass(frozen=True)
class Cell:
    """A cell's text and its rich style."""

    text: str
    style: str = ""


Row = Sequence[str | Cell]


def _text(cell: str | Cell) -> str:
    return cell.text if isinstance(cell, Cell) else cell


def natural(columns: Sequence[Column], rows: Sequence[Row]) -> list[int]:
    """Cells each column takes when nothing is cut."""
    return [
        max([text.width(column.title), *(text.width(_text(row[at])) for row in rows)])
        for at, column in enumerate(columns)
    ]


def fit(columns: Sequence[Column], rows: Sequence[Row], width: int) -> dict[int, int]:
    """Which columns are shown in `width` cells, and how wide: index to cells.

    Where not all fit, columns that may go and have nothing in them do; then others are dropped until the
    rest fits at its least; then codes are cut, and the widest of those that may be cut.
    """
    wide = natural(columns, rows)
    least = [min(w, c.least) if c.least else w for c, w in zip(columns, wide, strict=True)]
    shown = list(range(len(columns)))
    if sum(wide) + GAP * (len(wide) - 1) > width and rows:
        shown = [at for at in shown if not columns[at].drop or any(_text(row[at]) for row in rows)]
    while sum(least[at] for at in shown) + GAP * (len(shown) - 1) > width:
        candidates = [at for at in shown if columns[at].drop]
        if not candidates:
            break
        shown.remove(max(candidates, key=lambda at: columns[at].drop))
    cells = {at: wide[at] for at in shown}
    excess = sum(cells.values()) + GAP * (len(shown) - 1) - width
    while excess > 0:
        cuttable = [at for at in shown if cells[at] > least[at]]
        if not cuttable:
            break
        widest = max(cuttable, key=lambda at: (columns[at].code, cells[at]))
        cells[widest] -= 1
        excess -= 1
    return cells


def heading(columns: Sequence[Column], cells: Mapping[int, int]) -> str:
    """The titles of the columns in `cells` (index to cells, as `fit` gives them)."""
    return "".join(piece for piece, _ in parts(columns, [c.title for c in columns], cells)).rstrip()


def parts(columns: Sequence[Column], row: Row, cells: Mapping[int, int]) -> list[tuple[str, str]]:
    """A row as (text, style) pieces, every cell cut to its column."""
    pieces: list[tuple[str, str]] = []
    for order, (at, room) in enumerate(cells.items()):
        cell = row[at]
        style = cell.style if isinstance(cell, Cell) else ""
        if order:
            pieces.append((" " * GAP, ""))
        pieces.append((_cut(columns[at], _text(cell), room, order == len(cells) - 1), style))
    return pieces


def plain(columns: Sequence[Column], row: Row, cells: Mapping[int, int]) -> str:
    """A row without styles in which nothing is cut, whatever its column."""
    whole = [
        _text(row[at])
        if order == len(cells) - 1 and not columns[at].right
        else text.pad(_text(row[at]), room, right=columns[at].right)
        for order, (at, room) in enumerate(cells.items())
    ]
    return (" " * GAP).join(whole).rstrip()


def _cut(column: Column, content: str, cells: int, last: bool) -> str:
    cut = text.truncate_middle(content, cells) if column.middle else text.truncate(content, cells)
    return cut if last and not column.right else text.pad(cut, cells, right=column.right)
