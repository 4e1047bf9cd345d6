"""Words of a text, so that Chinese can be searched without knowing its words.

Runs of letters and digits are words. Runs of Chinese, Japanese or Korean characters become overlapping
pairs, closed by the last character alone: 网络扫描 gives 网络 络扫 扫描 描. A phrase of pairs is then
exactly a substring, and one character is a prefix of some pair. No token holds ASCII punctuation, so
SQLite's `ascii` tokenizer splits a joined text where we did.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

#: Stands between two texts so that no phrase crosses them; no query can contain it.
BREAK = "\u241e"
_CJK = (
    "\u2e80-\u2fdf\u3005-\u3007\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff"
    "\U00020000-\U0003ffff"
)
_ASCII_RUN = re.compile("[a-z0-9]+")
_RUN = re.compile(rf"([{_CJK}]+)|([^\W_{_CJK}]+)")
_PIECE = re.compile(r"[\x00-\x7f]+|[^\x00-\x7f]+")
_OTHER = re.compile(r"[^\x00-\x7f]+")


def fold(text: str) -> str:
    """`text` without regard to case: each character by itself in its small form.

    That is what Lucene's lower-case filter does; `str.lower` alone looks at the neighbours of a capital
    sigma and makes two characters of a capital i with a dot.
    """
    if "\u03a3" in text or "\u0130" in text:
        text = text.replace("\u03a3", "\u03c3").replace("\u0130", "i")
    return text.lower()


def index_tokens(text: str) -> list[str]:
    """Tokens under which `text` is found."""
    folded = fold(text)
    if folded.isascii():
        return _ASCII_RUN.findall(folded)
    # Texts of ours are titles between addresses: no word crosses from one kind of piece to the other.
    found: list[str] = []
    for piece in _PIECE.findall(folded):
        if piece.isascii():
            found += _ASCII_RUN.findall(piece)
        elif (known := _apart(piece)) is not None:
            found += known
        else:
            return _all_tokens(folded)
    return found


def _all_tokens(folded: str) -> list[str]:
    found: list[str] = []
    for paired, run in _RUN.findall(folded):
        found += [paired[i : i + 2] for i in range(len(paired))] if paired else (run,)
    return found


@lru_cache(maxsize=4096)
def _apart(piece: str) -> tuple[str, ...] | None:
    """Tokens of a piece without ASCII characters; None where a word in it may go on beside it."""
    if any(run for _, run in _RUN.findall(piece)):
        return None
    return tuple(_all_tokens(piece))


def query_tokens(text: str) -> tuple[list[str], bool]:
    """Tokens of a phrase to look for, and whether the last is only the beginning of one."""
    found: list[str] = []
    prefix = False
    runs = list(_runs(fold(text)))
    for at, (paired, run) in enumerate(runs):
        last = at == len(runs) - 1
        prefix = paired and last and len(run) == 1
        if paired:
            # The lone last character is in the index only where the run ends: inside a phrase, that is here.
            pairs = len(run) - 1 if last and len(run) > 1 else len(run)
            found += [run[i : i + 2] for i in range(pairs)]
        else:
            found.append(run)
    return found, prefix


def joined(texts: Iterable[str]) -> str:
    """One text for SQLite's full-text index."""
    return f" {BREAK} ".join(_for_sqlite(t) for t in texts)


@lru_cache(maxsize=8192)
def line(text: str) -> str:
    """The tokens of one text, spaces between. Remembered: most texts are titles."""
    return " ".join(index_tokens(text))


@lru_cache(maxsize=8192)
def _for_sqlite(text: str) -> str:
    """A text that SQLite's `ascii` tokenizer splits into the tokens of `text`.

    What is ASCII it splits itself; the rest it would take for letters.
    """
    folded = fold(text)
    if folded.isascii():
        return folded
    try:
        return _OTHER.sub(_spaced, folded)
    except LookupError:
        return " ".join(_all_tokens(folded))


def _spaced(piece: re.Match[str]) -> str:
    """The tokens of a piece without ASCII characters; raises LookupError where it cannot be told apart."""
    known = _apart(piece[0])
    if known is None:
        raise LookupError
    return f" {' '.join(known)} "


def holds(tokens: list[str], phrase: list[str], prefix: bool) -> bool:
    """Whether `phrase` stands in `tokens`, its last token as a beginning where `prefix`."""
    size = len(phrase)
    *head, last = phrase
    for at in range(len(tokens) - size + 1):
        end = tokens[at + size - 1]
        if tokens[at : at + size - 1] == head and (end.startswith(last) if prefix else end == last):
            return True
    return False


def _runs(folded: str) -> list[tuple[bool, str]]:
    """Runs of a folded text, and whether each is to be paired."""
    return [(bool(paired), paired or run) for paired, run in _RUN.findall(folded)]
