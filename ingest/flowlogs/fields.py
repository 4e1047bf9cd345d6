"""Typed columns out of spans of text, with the status of every line kept beside."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from ingest.flowlogs import kernels
from ingest.flowlogs.lines import MAX_LINE, REASON, Lines

_BASIS, _PRIME, _MASK = 0xCBF29CE484222325, 0x100000001B3, (1 << 64) - 1
#: No time after this (in the year 2200) is believed, nor a duration above ten years.
LATEST = 7_258_118_400_000_000_000
LONGEST = 10 * 366 * 86400 * 1_000_000_000


def word_of(text: str) -> int:
    """FNV-1a (64 bits) of `text` in lower case with dots as underscores; 0 for the empty text."""
    h = _BASIS
    for byte in text.lower().replace(".", "_").encode():
        h = (h ^ byte) * _PRIME & _MASK
    return h if text else 0


class Vocabulary:
    """A closed set of words, each standing for a row of small numbers."""

    def __init__(self, meanings: Mapping[str, Sequence[int]]) -> None:
        pairs = sorted((word_of(word), tuple(row)) for word, row in meanings.items())
        self._words = np.array([p[0] for p in pairs], np.uint64)
        self._rows = np.array([p[1] for p in pairs], np.int64)

    def look_up(self, words: NDArray[np.uint64]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """Rows (n, k) of hashed words, zeros where unknown; and which are known."""
        at = np.minimum(np.searchsorted(self._words, words), len(self._words) - 1)
        known = self._words[at] == words
        return np.where(known[:, None], self._rows[at], 0), known


class Fields:
    """The fields of some lines by name. Converting one marks the lines where it makes no sense.

    `status` (u1, an index of `lines.REASONS`) keeps the first complaint about each line.
    """

    def __init__(self, lines: Lines, names: Sequence[str]) -> None:
        self.lines = lines
        self.names = {name: i for i, name in enumerate(names)}
        self.spans = np.zeros((len(lines), len(names), 2), np.int64)
        self.status = np.zeros(len(lines), np.uint8)
        self.status[lines.ends - lines.starts > MAX_LINE] = REASON["line_too_long"]

    def mark(self, mask: NDArray[np.bool_], reason: str) -> None:
        """Complain about the lines of `mask` that nobody has complained about."""
        self.status[mask & (self.status == 0)] = REASON[reason]

    def span_of(self, name: str) -> NDArray[np.int64]:
        """Spans (n, 2) of the field's text; absent in lines already complained about."""
        spans = self.spans[:, self.names[name]]
        return np.where((self.status == 0)[:, None], spans, 0)

    def present(self, name: str) -> NDArray[np.bool_]:
        """Where the field has text."""
        spans = self.spans[:, self.names[name]]
        present: NDArray[np.bool_] = spans[:, 1] > spans[:, 0]
        return present

    def require(self, *names: str) -> None:
        """Complain about lines without any of these."""
        for name in names:
            self.mark(~self.present(name), "missing_field")

    def words(self, name: str) -> NDArray[np.uint64]:
        """Hashes of the text (`word_of`)."""
        out = np.zeros(len(self.lines), np.uint64)
        kernels.words(self.lines.buffer, self.span_of(name), out)
        return out

    def times(self, name: str) -> NDArray[np.int64]:
        """Nanoseconds since the epoch."""
        out, ok = self._pair()
        kernels.times(self.lines.buffer, self.span_of(name), out, ok)
        self.mark((ok == kernels.BAD) | (out < 0) | (out > LATEST), "bad_time")
        return out

    def durations(self, name: str) -> NDArray[np.int64]:
        """Seconds as nanoseconds; 0 where absent."""
        out = self._decimals(name, 9)
        self.mark((out < 0) | (out > LONGEST), "bad_number")
        return np.where(self.status == 0, out, 0)

    def counts(self, name: str) -> NDArray[np.uint64]:
        """Whole numbers from 0; 0 where absent."""
        out = self._decimals(name, 0)
        self.mark(out < 0, "bad_number")
        return np.where(self.status == 0, out, 0).astype(np.uint64)

    def ports(self, name: str, reason: str = "bad_port") -> NDArray[np.uint16]:
        """Numbers below 65536, decimal or 0x hexadecimal; 0 where absent."""
        out, ok = self._pair()
        kernels.decimals(self.lines.buffer, self.span_of(name), 0, out, ok)
        self.mark((ok == kernels.BAD) | (out < 0) | (out > 0xFFFF), reason)
        return np.where(self.status == 0, out, 0).astype(np.uint16)

    def hexadecimal(self, name: str) -> NDArray[np.bool_]:
        """Where the text begins with 0x."""
        spans = self.span_of(name)
        long = spans[:, 1] - spans[:, 0] > 2
        buffer = self.lines.buffer if len(self.lines.buffer) > 1 else np.zeros(2, np.uint8)
        at = np.where(long, spans[:, 0], 0)
        prefix: NDArray[np.bool_] = long & (buffer[at] == 0x30) & (buffer[at + 1] | 0x20 == 0x78)
        return prefix

    def addresses(self, name: str) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
        """Two words of each address."""
        hi, lo = np.zeros(len(self.lines), np.uint64), np.zeros(len(self.lines), np.uint64)
        ok = np.zeros(len(self.lines), np.uint8)
        kernels.addresses(self.lines.buffer, self.span_of(name), hi, lo, ok)
        self.mark(ok == kernels.BAD, "bad_address")
        return hi, lo

    def macs(self, name: str) -> NDArray[np.uint64]:
        """48-bit numbers; 0 where absent or unreadable."""
        out = np.zeros(len(self.lines), np.uint64)
        kernels.macs(self.lines.buffer, self.span_of(name), out)
        return out

    def history(self, name: str) -> tuple[NDArray[np.uint8], NDArray[np.uint8], NDArray[np.uint8]]:
        """TCP flags of source, target and first packet told by a Zeek history."""
        src, dst, first = (np.zeros(len(self.lines), np.uint8) for _ in range(3))
        kernels.history_flags(self.lines.buffer, self.span_of(name), src, dst, first)
        return src, dst, first

    def states(self, name: str) -> tuple[NDArray[np.uint8], NDArray[np.uint8], NDArray[np.bool_]]:
        """TCP flags of source and target told by an Argus state of letters, and where it is one."""
        src, dst, ok = (np.zeros(len(self.lines), np.uint8) for _ in range(3))
        kernels.state_flags(self.lines.buffer, self.span_of(name), src, dst, ok)
        return src, dst, ok == kernels.GOOD

    def _decimals(self, name: str, power: int) -> NDArray[np.int64]:
        out, ok = self._pair()
        kernels.decimals(self.lines.buffer, self.span_of(name), power, out, ok)
        self.mark(ok == kernels.BAD, "bad_number")
        return out

    def _pair(self) -> tuple[NDArray[np.int64], NDArray[np.uint8]]:
        return np.zeros(len(self.lines), np.int64), np.zeros(len(self.lines), np.uint8)


def cut(
    fields: Fields,
    columns: Sequence[str],
    separator: str,
    *,
    absent: tuple[str, str] = ("", ""),
    quotes: bool = False,
    spill: bool = False,
    trim: bool = False,
) -> None:
    """Fill `fields` from lines cut at `separator` (one byte); `columns` are the names in the header.

    Text equal to one of `absent` counts as no text. Names are compared as `word_of` does.
    """
    wanted = {word_of(name): slot for name, slot in fields.names.items()}
    slots = np.array([wanted.get(word_of(column), -1) for column in columns], np.int64)
    rules = np.array([quotes, spill, trim], np.uint8)
    unset, empty = (np.frombuffer(text.encode() + b"\0", np.uint8)[:-1] for text in absent)
    lines = fields.lines
    status = np.zeros(len(lines), np.uint8)
    kernels.delimited_spans(
        lines.buffer, lines.starts, lines.ends, ord(separator), slots, rules, unset, empty,
        fields.spans, status,
    )  # fmt: skip
    fields.status[:] = np.where(fields.status == 0, status, fields.status)


def read_json(fields: Fields) -> None:
    """Fill `fields` from lines that are JSON objects."""
    lines = fields.lines
    keys = np.array([word_of(name) for name in fields.names], np.uint64)
    status = np.zeros(len(lines), np.uint8)
    kernels.json_spans(lines.buffer, lines.starts, lines.ends, keys, fields.spans, status)
    fields.status[:] = np.where(fields.status == 0, status, fields.status)


def read_pairs(fields: Fields) -> None:
    """Fill `fields` from lines of `key=value` and `key="value"`; whatever else they hold is passed over."""
    lines = fields.lines
    keys = np.array([word_of(name) for name in fields.names], np.uint64)
    kernels.pair_spans(lines.buffer, lines.starts, lines.ends, keys, fields.spans)
