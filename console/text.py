"""Text measured in terminal cells, and made safe to print.

Chinese characters take two cells, so nothing here goes by `len`. Text that came from the network or
from file names may hold control characters that would drive the reader's terminal: `clean` shows them.
"""

from __future__ import annotations

import unicodedata

from rich.cells import cell_len, chop_cells, set_cell_size

_ELLIPSIS = "..."  # three dots and not one character whose width terminals disagree on
# Cc control, Cf format (bidirectional overrides), Cs lone surrogate, Zl and Zp line separators.
_UNSAFE = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})


def clean(text: str) -> str:
    r"""`text` with characters that would act on a terminal shown as `\xNN` or `\uNNNN`."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(_escape(c) if unicodedata.category(c) in _UNSAFE else c for c in text)


def _escape(character: str) -> str:
    code = ord(character)
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def width(text: str) -> int:
    """Cells that `text` takes on a terminal."""
    return cell_len(text)


def truncate(text: str, cells: int) -> str:
    """`text` cut at its end to at most `cells`, with `...` where something was cut."""
    if cell_len(text) <= cells:
        return text
    if cells <= len(_ELLIPSIS):
        return _ELLIPSIS[: max(cells, 0)]
    return set_cell_size(text, cells - len(_ELLIPSIS)).rstrip() + _ELLIPSIS


def truncate_middle(text: str, cells: int) -> str:
    """`text` cut in its middle to at most `cells`: for paths, whose ends tell most."""
    if cell_len(text) <= cells:
        return text
    if cells <= 2 * len(_ELLIPSIS):
        return truncate(text, cells)
    left = (cells - len(_ELLIPSIS)) // 3
    head = set_cell_size(text, left).rstrip()
    return head + _ELLIPSIS + _tail(text, cells - len(_ELLIPSIS) - cell_len(head))


def _tail(text: str, cells: int) -> str:
    start = len(text)
    while start > 0 and cell_len(text[start - 1 :]) <= cells:
        start -= 1
    return text[start:]


def pad(text: str, cells: int, *, right: bool = False) -> str:
    """`text` filled with spaces to `cells` (on the left when `right`); never shortened."""
    space = " " * (cells - cell_len(text))
    return space + text if right else text + space


def wrap(text: str, cells: int) -> list[str]:
    """`text` broken into lines of at most `cells`, at spaces or between Chinese characters."""
    lines: list[str] = []
    line = ""
    for piece in _pieces(text):
        if cell_len(line + piece.rstrip()) <= cells:
            line += piece
            continue
        if line.strip():
            lines.append(line.rstrip())
        *whole, line = chop_cells(piece, max(cells, 2)) or [""]
        lines += whole
    if line.strip() or not lines:
        lines.append(line.rstrip())
    return lines


def _pieces(text: str) -> list[str]:
    """Parts between which a line may end: words with the space behind them, and wide characters."""
    parts: list[str] = []
    word = ""
    for character in text:
        if cell_len(character) == 2:
            closing = unicodedata.category(character) in {"Po", "Pe", "Pf"}
            if closing and not word and parts:
                parts[-1] += character  # closing punctuation does not begin a line
                continue
            if word:
                parts.append(word)
            parts.append(character)
            word = ""
        else:
            word += character
            if character == " ":
                parts.append(word)
                word = ""
    return [*parts, word] if word else parts


def flow(items: list[str], cells: int, gap: str = "  ") -> list[str]:
    """Put `items` on as few lines of `cells` as their order allows, `gap` between two."""
    lines: list[str] = []
    for item in items:
        if lines and cell_len(lines[-1] + gap + item) <= cells:
            lines[-1] += gap + item
        else:
            lines.append(truncate(item, cells))
    return lines
