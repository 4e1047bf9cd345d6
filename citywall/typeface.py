"""The typeface that ships with Citywall, so that Chinese is set on machines that have none.

`fonts/CitywallSansSC-Regular.otf` is Noto Sans CJK SC (SIL Open Font License 1.1, `fonts/OFL.txt`) with the
characters of GB/T 2312 and of the Table of General Standard Chinese Characters; `deploy/typeface/make.py`
made it.
"""

from __future__ import annotations

from collections.abc import Collection
from functools import cache, lru_cache
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fontTools.ttLib import TTFont

FAMILY = "Citywall Sans SC"
FOLDER = Path(__file__).parent / "fonts"
FILE = FOLDER / "CitywallSansSC-Regular.otf"
#: Characters that are set without a sign of their own.
_SPACES = frozenset("\n\t\r\u00ad\u200b")


@cache
def covered() -> frozenset[int]:
    """The code points that it has signs for."""
    with _font() as font:
        return frozenset(font.getBestCmap())


def visible(text: str) -> str:
    """A text in which what has no sign is named by its code point, `[U+2B5AF]`, and not left blank."""
    if text.isascii() and text.isprintable():
        return text
    known = covered()
    return "".join(c if ord(c) in known or c in _SPACES else f"[U+{ord(c):04X}]" for c in text)


def subset(characters: Collection[str]) -> bytes:
    """The typeface with these characters only, as WOFF, for a page that carries it along.

    The same characters give the same bytes.
    """
    return _subset(frozenset(map(ord, characters)) & covered())


@lru_cache(maxsize=8)
def _subset(points: frozenset[int]) -> bytes:
    from fontTools import subset as cutting

    options = cutting.Options(flavor="woff", hinting=False, layout_features=["kern"], notdef_outline=True)
    cutter = cutting.Subsetter(options)
    cutter.populate(unicodes=sorted(points))
    out = BytesIO()
    with _font() as font:
        cutter.subset(font)
        font.flavor = "woff"
        font.save(out)
    return out.getvalue()


def _font() -> TTFont:
    from fontTools.ttLib import TTFont  # slow to import, and few commands need it

    return TTFont(FILE, lazy=True, recalcTimestamp=False)
