"""What names that people make are made of: pinyin, English, and how their letters follow each other.

The syllables are those of Hanyu Pinyin without tones. English words are taken from the documentation that
comes with Python (redistributable under its licence), others stand in `words.toml`.
"""

from __future__ import annotations

import re
import tomllib
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from models.names import kernels
from models.names.features import Lexicon, joined, keys

_TABLES: dict[str, Any] = tomllib.loads((Path(__file__).parent / "words.toml").read_text("utf-8"))
WEB: list[str] = _TABLES["web"].split()
FOREIGN: list[str] = _TABLES["foreign"].split()
CHINESE: list[str] = _TABLES["chinese"].split()
#: Syllables that are frequent in names.
FREQUENT: list[str] = _TABLES["frequent"].split()
#: Every syllable of Mandarin as it is written in names.
SYLLABLES = tuple(
    sorted(
        {*_TABLES["alone"].split()}
        | {initial + final for final, initials in _TABLES["finals"].items() for initial in initials.split()}
    )
)
_SMOOTH = 0.5


def english() -> list[str]:
    """Words of Python's own documentation, the commoner first."""
    from pydoc_data import topics

    text = " ".join(topics.topics.values())
    counts = Counter(re.findall(r"\b[a-z]{3,11}\b", text.lower()))
    return [word for word, n in sorted(counts.items(), key=lambda e: (-e[1], e[0])) if n > 1]


def learn(benign: Iterable[str], words: Sequence[str]) -> Lexicon:
    """A lexicon from names that people made, and the words they are made of."""
    counts = np.zeros((kernels.CHARACTERS,) * 3)
    for label in labels_of(list(benign)):
        codes = [36, 36, *(_code(c) for c in label), 36]
        for a, b, c in zip(codes, codes[1:], codes[2:], strict=False):
            counts[a, b, c] += 1
    one = counts.sum(axis=(0, 1)) + _SMOOTH
    two = counts.sum(axis=0)
    single = one / one.sum()
    # Each order falls back on the one below where little was seen (after Witten and Bell 1991).
    pairs = (two + 5 * single) / (two.sum(axis=1, keepdims=True) + 5)
    triples = (counts + 5 * pairs) / (counts.sum(axis=2, keepdims=True) + 5)
    return Lexicon(
        np.log2(triples).astype(np.float32), keys(SYLLABLES), keys([w for w in words if len(w) >= 3])
    )


def labels_of(names: Sequence[str]) -> list[str]:
    """The registered label of each name."""
    from models.names.features import _SECONDS

    text, offsets = joined(names)
    places = np.empty((len(names), 2), np.int64)
    kernels.labels(text, offsets, _SECONDS, places)
    data = text.tobytes()
    return [data[low:high].decode("utf-8", "replace").lower() for low, high in places]


def _code(c: str) -> int:
    if "a" <= c <= "z":
        return ord(c) - 97
    if "0" <= c <= "9":
        return ord(c) - 22
    return 36 if c == "-" else kernels.OTHER
