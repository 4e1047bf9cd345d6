"""How much of one page is in another: bottom-k sketches of shingles.

A. Z. Broder, "On the resemblance and containment of documents" (1997): a document is the set of its runs of
so many characters (shingles); of two sets, the share of the k smallest hashes of their union that both hold
estimates the share that they have in common, with a standard error of at most 1 / (2 sqrt(k)).
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

#: Hashes kept of a document, letters of a shingle, tags of a shingle of its build.
KEPT, LETTERS, TAGS = 256, 4, 3
#: Below so many shingles a text says little of its page.
LEAST = 64
_MOST = 1 << 20
_P1, _P2, _P3 = (np.uint64(p) for p in (0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB))

Sketch = tuple[int, ...]


def of_text(text: str) -> Sketch:
    """The sketch of a text: compatibility forms undone, small letters, any digits alike, no blanks."""
    folded = unicodedata.normalize("NFKC", text[:_MOST]).lower()
    letters = np.frombuffer("".join(folded.split()).encode("utf-32-le", "surrogatepass"), np.uint32)
    digits = (letters >= 48) & (letters <= 57)
    return _sketch(np.where(digits, 48, letters).astype(np.uint64), LETTERS)


def of_tags(names: Sequence[str]) -> Sketch:
    """The sketch of how a page is built: the runs of its tags."""
    known: dict[str, int] = {}
    words = [known.setdefault(name, _word(name)) for name in names[:_MOST]]
    return _sketch(np.array(words, np.uint64), TAGS)


def _word(name: str) -> int:
    return int.from_bytes(name.encode("utf-8", "replace")[:8].ljust(8, b"\0"), "little")


def _sketch(symbols: NDArray[np.uint64], run: int) -> Sketch:
    if not len(symbols):
        return ()
    with np.errstate(over="ignore"):
        run = min(run, len(symbols))
        n = len(symbols) - run + 1
        h = np.zeros(n, np.uint64)
        for i in range(run):
            h = _mixed(h * _P1 + symbols[i : i + n] + np.uint64(1))
    return tuple(np.unique(h >> np.uint64(1))[:KEPT].tolist())  # integers that fit everywhere


def _mixed(h: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Every bit of the hash depends on every bit (splitmix64's finaliser)."""
    h = (h ^ (h >> np.uint64(30))) * _P2
    h = (h ^ (h >> np.uint64(27))) * _P3
    return h ^ (h >> np.uint64(31))


def common(one: Sketch, other: Sketch) -> float:
    """The share of shingles that two documents have in common, 0 to 1; two empty ones are the same."""
    if not one and not other:
        return 1.0
    first, second = set(one), set(other)
    least = sorted(first | second)[:KEPT]
    return sum(h in first and h in second for h in least) / len(least)
