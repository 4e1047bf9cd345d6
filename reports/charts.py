"""Charts as SVG, drawn by ourselves so that the same figures give the same bytes; for HTML and PDF alike.

Whole pixels only. Every value stands beside its mark, so that nothing rests on colour.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from citywall.typeface import FAMILY

#: Label, value, what is written for the value; the value None where there is none.
Datum = tuple[str, int | None, str]

_INK, _FAINT, _TRACK = "#1d2733", "#5b6b7c", "#e8edf2"
_BAR, _BAND = "#2f6690", ("#b3261e", "#b26a00", "#2f6690", "#1b7f5c")
_WIDTH = 640
_LABEL = 190
_VALUE = 90
_ROW = 24


def bars(data: Sequence[Datum], title: str) -> str:
    """Lying bars, the longest as wide as there is room."""
    most = max((value or 0 for _, value, _ in data), default=0)
    room = _WIDTH - _LABEL - _VALUE
    drawn = []
    for at, (label, value, written) in enumerate(data):
        y = at * _ROW
        length = 0 if not most else max((value or 0) * room // most, 1 if value else 0)
        drawn.append(_text(_LABEL - 8, y + 16, _cut(label, 26), "end"))
        drawn.append(_box(_LABEL, y + 4, length, 16, _BAR))
        drawn.append(_text(_LABEL + length + 6, y + 16, written))
    return _svg(_WIDTH, max(len(data), 1) * _ROW, drawn, title)


def columns(data: Sequence[Datum], title: str) -> str:
    """Standing columns in order of time; labels under every third."""
    height, base = 150, 120
    most = max((value or 0 for _, value, _ in data), default=0)
    step = _WIDTH // max(len(data), 1)
    drawn = [_line(0, base, _WIDTH, base)]
    for at, (label, value, written) in enumerate(data):
        tall = 0 if not most else max((value or 0) * 96 // most, 2 if value else 0)
        x = at * step
        drawn.append(_box(x + 3, base - tall, step - 6, tall, _BAR))
        if value:
            drawn.append(_text(x + step // 2, base - tall - 5, written, "middle", 10))
        if at % 3 == 0:
            drawn.append(_text(x + step // 2, base + 18, label, "middle", 11, colour=_FAINT))
    return _svg(_WIDTH, height, drawn, title)


def axes(data: Sequence[Datum], title: str) -> str:
    """Indices in tenths (0 to 1000) as bars on a track; without a value the track is dashed."""
    room = _WIDTH - _LABEL - _VALUE
    drawn = []
    for at, (label, value, written) in enumerate(data):
        y = at * (_ROW + 4)
        drawn.append(_text(_LABEL - 8, y + 17, _cut(label, 26), "end"))
        if value is None:
            drawn.append(
                f'<rect x="{_LABEL}" y="{y + 5}" width="{room}" height="16" fill="none" stroke="{_FAINT}" '
                'stroke-dasharray="4 4"/>'
            )
            drawn.append(_text(_LABEL + 8, y + 17, written, colour=_FAINT))
            continue
        drawn.append(_box(_LABEL, y + 5, room, 16, _TRACK))
        drawn.append(_box(_LABEL, y + 5, room * value // 1000, 16, colour_of(value)))
        drawn.append(_text(_LABEL + room + 6, y + 17, written))
    return _svg(_WIDTH, max(len(data), 1) * (_ROW + 4), drawn, title)


def colour_of(index: int) -> str:
    """The colour of an index in tenths: below 60, 75 and 90, and above."""
    return _BAND[(index >= 600) + (index >= 750) + (index >= 900)]


def _cut(text: str, cells: int) -> str:
    """A text of at most so many cells; Chinese characters take two."""
    taken = 0
    for at, char in enumerate(text):
        taken += 2 if ord(char) >= 0x2E80 else 1
        if taken > cells:
            return text[: at - 1] + "…"
    return text


def _box(x: int, y: int, width: int, height: int, colour: str) -> str:
    return f'<rect x="{x}" y="{y}" width="{width}" height="{height}" fill="{colour}"/>'


def _line(x: int, y: int, to_x: int, to_y: int) -> str:
    return f'<line x1="{x}" y1="{y}" x2="{to_x}" y2="{to_y}" stroke="{_FAINT}"/>'


def _text(x: int, y: int, text: str, anchor: str = "start", size: int = 12, *, colour: str = _INK) -> str:
    place = f'x="{x}" y="{y}" font-size="{size}" fill="{colour}" text-anchor="{anchor}"'
    return f"<text {place}>{escape(text)}</text>"


def _svg(width: int, height: int, drawn: Sequence[str], title: str) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" '
        f'height="{height}" font-family="{FAMILY}" role="img" aria-label="{escape(title)}">'
        f"{''.join(drawn)}</svg>"
    )
