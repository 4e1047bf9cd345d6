"""Conditions over columns: each gives a mask of many rows at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from rules.expressions import Search
from rules.sigma import kernels

Mask = NDArray[np.bool_]
Rows = NDArray[np.void]
_PIECES = ("name", "rest", "agent")
#: Parts of the third piece that have a place of their own, blank where there is nothing.
SLICES = {"sha256": (0, 64), "sha1": (64, 104), "md5": (104, 136), "serial": (104, 144),
          "others": (144, 242)}  # fmt: skip
#: Answers come from the server: its end is the other one.
_OTHER = {"src": "dst", "dst": "src", "src_port": "dst_port", "dst_port": "src_port"}


class Columns:
    """Some rows of one kind, their columns made when they are asked for."""

    def __init__(self, rows: Rows, which: NDArray[np.int64], *, turned: bool = False) -> None:
        self._rows, self.which, self._turned = rows, which, turned
        self._numbers: dict[str, NDArray[np.int64]] = {}
        self._spans: dict[tuple[str, ...], tuple[NDArray[np.int64], NDArray[np.int64]]] = {}

    def __len__(self) -> int:
        return len(self.which)

    def numbers(self, name: str) -> NDArray[np.int64]:
        """A column of numbers."""
        if name not in self._numbers:
            column = _OTHER.get(name, name) if self._turned else name
            self._numbers[name] = self._rows[column][self.which].astype(np.int64)
        return self._numbers[name]

    def address(self, name: str) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
        """High and low word of a column of addresses."""
        column = _OTHER.get(name, name) if self._turned else name
        return self._rows[f"{column}_hi"][self.which], self._rows[f"{column}_lo"][self.which]

    @property
    def raw(self) -> NDArray[np.uint8]:
        """The text of all rows there are: u1[rows, bytes]."""
        text: NDArray[np.uint8] = self._rows["text"]
        return text

    def spans(self, pieces: tuple[str, ...]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Where pieces of text that follow each other begin, and how long they are together."""
        if pieces not in self._spans and pieces[0] in SLICES:
            self._spans[pieces] = self._sliced(*SLICES[pieces[0]])
        if pieces not in self._spans:
            sizes = {piece: self.numbers(f"{piece}_size") for piece in _PIECES}
            first = _PIECES.index(pieces[0])
            start = sum((sizes[piece] for piece in _PIECES[:first]), np.zeros(len(self), np.int64))
            size = sum((sizes[piece] for piece in pieces), np.zeros(len(self), np.int64))
            self._spans[pieces] = start, size
        return self._spans[pieces]

    def _sliced(self, begin: int, end: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        start, whole = self.spans(("agent",))
        size = np.clip(whole, begin, end) - begin
        first = np.minimum(start + begin, self.raw.shape[1] - 1)
        return start + begin, np.where(self.raw[self.which, first] == ord(" "), 0, size)


class Condition(Protocol):
    """Something that holds of rows or not."""

    def holds(self, columns: Columns) -> Mask:
        """Of which."""


@dataclass(frozen=True)
class All:
    """Everything of these."""

    parts: tuple[Condition, ...]

    def holds(self, columns: Columns) -> Mask:
        """Of which rows."""
        found = np.ones(len(columns), np.bool_)
        for part in self.parts:
            if not found.any():
                break
            found &= part.holds(columns)
        return found


@dataclass(frozen=True)
class Any:
    """At least one of these."""

    parts: tuple[Condition, ...]

    def holds(self, columns: Columns) -> Mask:
        """Of which rows."""
        found = np.zeros(len(columns), np.bool_)
        for part in self.parts:
            found |= part.holds(columns)
        return found


@dataclass(frozen=True)
class Not:
    """Not this."""

    part: Condition

    def holds(self, columns: Columns) -> Mask:
        """Of which rows."""
        return ~self.part.holds(columns)


@dataclass(frozen=True)
class Within:
    """An address lies in a prefix: its words, cut by masks."""

    name: str
    high: int
    low: int
    high_mask: int
    low_mask: int

    def holds(self, columns: Columns) -> Mask:
        """Of which rows."""
        high, low = columns.address(self.name)
        found: Mask = ((high & np.uint64(self.high_mask)) == np.uint64(self.high)) & (
            (low & np.uint64(self.low_mask)) == np.uint64(self.low)
        )
        return found


@dataclass(frozen=True)
class Compared:
    """A number beside another."""

    name: str
    op: str
    value: int

    def holds(self, columns: Columns) -> Mask:
        """Of which rows."""
        numbers, value = columns.numbers(self.name), self.value
        found: Mask = {
            "=": np.equal, "<": np.less, "<=": np.less_equal, ">": np.greater, ">=": np.greater_equal,
            "!=": np.not_equal,
        }[self.op](numbers, value)  # fmt: skip
        return found


@dataclass(frozen=True)
class Like:
    """A text is like a pattern with wildcards."""

    pieces: tuple[str, ...]
    pattern: bytes
    what: bytes  # of each byte of the pattern: see `kernels`

    def holds(self, columns: Columns) -> Mask:
        """Of which rows."""
        out = np.zeros(len(columns), np.uint8)
        kernels.like(
            columns.raw, columns.which, *columns.spans(self.pieces), np.frombuffer(self.pattern, np.uint8),
            np.frombuffer(self.what, np.uint8), out,
        )  # fmt: skip
        found: Mask = out != 0
        return found


@dataclass(frozen=True)
class Found:
    """An expression is found in a text; each distinct text is searched once."""

    pieces: tuple[str, ...]
    search: Search

    def holds(self, columns: Columns) -> Mask:
        """Of which rows."""
        starts, sizes = columns.spans(self.pieces)
        texts = [
            columns.raw[row, start : start + size].tobytes()
            for row, start, size in zip(columns.which.tolist(), starts.tolist(), sizes.tolist(), strict=True)
        ]
        known = {text: self.search(text, 0) is not None for text in set(texts)}
        return np.fromiter((known[text] for text in texts), np.bool_, len(texts))


@dataclass(frozen=True)
class Empty:
    """A text that is not there."""

    pieces: tuple[str, ...]

    def holds(self, columns: Columns) -> Mask:
        """Of which rows."""
        found: Mask = columns.spans(self.pieces)[1] == 0
        return found


def one_of(parts: Sequence[Condition]) -> Condition:
    """At least one of some conditions."""
    return parts[0] if len(parts) == 1 else Any(tuple(parts))
