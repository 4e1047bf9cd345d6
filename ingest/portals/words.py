"""The vocabulary of dark links: what is sold by those who plant them."""

from __future__ import annotations

import re
import tomllib
import unicodedata
from functools import cache
from importlib import resources

#: Characters of one text that are looked through.
_LONGEST = 1 << 20


@cache
def vocabulary() -> dict[str, tuple[str, ...]]:
    """Words by subject, as `words.toml` has them; in the form that `plain` gives."""
    text = resources.files("ingest.portals").joinpath("words.toml").read_text("utf-8")
    return {subject: tuple(plain(word) for word in words) for subject, words in tomllib.loads(text).items()}


@cache
def _pattern() -> re.Pattern[str]:
    words = sorted({word for group in vocabulary().values() for word in group}, key=lambda w: (-len(w), w))
    return re.compile("|".join(re.escape(word) if not word.isascii() else _whole(word) for word in words))


def _whole(word: str) -> str:
    """A word in Latin letters, which must not stand inside another."""
    return rf"(?<![a-z0-9]){re.escape(word)}(?![a-z])"


def plain(text: str) -> str:
    """A text as it is compared: compatibility forms undone, small letters, no blanks between Chinese ones."""
    folded = unicodedata.normalize("NFKC", text[:_LONGEST]).lower()
    return _GAP.sub("", folded)


#: Blanks and invisible characters between Chinese letters, which are put there to fool such lists.
_GAP = re.compile(r"(?<=[\u4e00-\u9fff])[\s\u200b-\u200f\u2060\ufeff·•*_|/-]{1,4}(?=[\u4e00-\u9fff])")


def found_in(text: str) -> tuple[str, ...]:
    """The different words of the vocabulary in a text, in order of their first place."""
    return tuple(dict.fromkeys(_pattern().findall(plain(text))))
