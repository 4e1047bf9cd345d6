"""Names as numbers: one definition, for training and for the stream."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from citywall.rows import read_only
from models.names import kernels

NAMES = (
    "length", "digit_share", "vowel_share", "consonant_run", "digit_run", "distinct_share", "entropy",
    "likelihood", "likelihood_mean", "likelihood_worst", "pinyin_share", "word_share", "pinyin_rest",
    "word_rest", "hyphens", "digit_changes",
)  # fmt: skip
#: Second levels under which names are registered in two-letter domains.
SECOND_LEVELS = ("com", "net", "org", "gov", "edu", "ac", "co", "or", "ne", "go", "mil", "nom", "ltd")


@dataclass(frozen=True)
class Lexicon:
    """How likely a character is after two others; syllables and words as sorted keys."""

    likely: NDArray[np.float32]
    syllables: NDArray[np.int64]
    words: NDArray[np.int64]

    def __post_init__(self) -> None:
        shape = (kernels.CHARACTERS,) * 3
        if self.likely.shape != shape or not np.isfinite(self.likely).all():
            raise ValueError("a lexicon has a likelihood for every three characters")
        for keys in (self.syllables, self.words):
            if keys.ndim != 1 or (np.diff(keys) <= 0).any():
                raise ValueError("a lexicon's words are in order")
        for name in ("likely", "syllables", "words"):  # of one kind, or kernels are compiled for each
            object.__setattr__(self, name, read_only(getattr(self, name)))

    def features(self, names: Sequence[str]) -> NDArray[np.float32]:
        """(names, NAMES). Bytes that belong in no name count as other characters."""
        text, offsets = joined(names)
        return self.features_of(text, offsets)

    def features_of(self, text: NDArray[np.uint8], offsets: NDArray[np.int64]) -> NDArray[np.float32]:
        """The same of names that stand one after another: name `i` is `text[offsets[i]:offsets[i + 1]]`."""
        text, offsets = read_only(text), read_only(offsets)
        places = np.empty((len(offsets) - 1, 2), np.int64)
        kernels.labels(text, offsets, _SECONDS, places)
        out = np.empty((len(places), kernels.FEATURES), np.float32)
        room = np.zeros(kernels.LABEL + 1, np.int64)
        counts = np.zeros(kernels.CHARACTERS, np.int64)
        kernels.features(
            text, places, self.likely, self.syllables, self.words, room, room.copy(), counts, out
        )
        return out


def joined(names: Sequence[str]) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Names one after another as bytes, and where each begins and the last ends."""
    parts = [name.encode("utf-8", "replace") for name in names]
    offsets = np.zeros(len(parts) + 1, np.int64)
    np.cumsum([len(p) for p in parts], out=offsets[1:])
    return np.frombuffer(b"".join(parts), np.uint8), offsets


def key(word: str) -> int:
    """The key of a word of at most eleven letters and digits."""
    found = 0
    for c in word.lower():
        code = ord(c) - 97 if c.isalpha() else ord(c) - 22 if c.isdigit() else 36
        found = found * 40 + code + 1
    return found


def keys(words: Sequence[str]) -> NDArray[np.int64]:
    """Sorted keys of words that fit."""
    fitting = {key(w) for w in words if 0 < len(w) <= kernels.LONGEST_WORD and w.isascii()}
    return np.array(sorted(fitting), np.int64)


_SECONDS = keys(SECOND_LEVELS)
