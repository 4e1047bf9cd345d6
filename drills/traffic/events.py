"""Events by the thousand as sensors tell them: columns in, EVENT rows out, no packet needed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from citywall.batches import EVENT, TCP, TEXT
from drills.traffic.rows import SECOND, Column

_V4 = np.uint64(0xFFFF << 32)
Words = NDArray[np.bytes_] | Sequence[bytes] | bytes


def digests(words: Words, n: int) -> NDArray[np.uint64]:
    """A digest of each text, the same for the same text (FNV-1a, then mixed)."""
    texts = np.broadcast_to(np.asarray(words, "S"), n)
    raw = np.ascontiguousarray(texts).view(np.uint8).reshape(n, -1) if n else np.zeros((0, 1), np.uint8)
    h = np.full(n, 0xCBF29CE484222325, np.uint64)
    for column in raw.T:
        h = np.where(column > 0, (h ^ column) * np.uint64(0x100000001B3), h)
    return (h ^ (h >> np.uint64(29))) * np.uint64(0x94D049BB133111EB)


def names(pattern: str, numbers: Column) -> NDArray[np.bytes_]:
    """Texts with a number in each."""
    return np.array([(pattern % int(i)).encode() for i in np.atleast_1d(np.asarray(numbers))], "S")


@dataclass
class Events:
    """Events as columns, kind after kind; `rows` gives them in order of time."""

    begun: int
    parts: list[NDArray[np.void]] = field(default_factory=list)

    def add(
        self, at: Column, src: Column, dst: Column, kind: int, *texts: Words,
        ports: tuple[int, int] = (40_000, 445), proto: int = TCP, **columns: Any,
    ) -> None:  # fmt: skip
        """Events `at` seconds after the beginning; every column may be one value for all.

        `texts` are name, rest and agent; `digest` is of the name where no column says otherwise.
        """
        times = np.atleast_1d(np.asarray(at, np.float64))
        n = len(times)
        rows = np.zeros(n, EVENT)
        rows["time"] = self.begun + (times * SECOND).astype(np.int64)
        for side, where in (("src", src), ("dst", dst)):
            rows[f"{side}_lo"] = np.broadcast_to(np.asarray(where), n).astype(np.uint64) | _V4
        rows["kind"], rows["proto"] = kind, proto
        rows["src_port"], rows["dst_port"] = ports
        rows["digest"] = digests(texts[0], n) if texts else 0
        whole = np.full(n, b"", "S1")
        for name, words in zip(("name_size", "rest_size", "agent_size"), texts, strict=False):
            told = np.broadcast_to(np.asarray(words, "S"), n)
            rows[name] = np.char.str_len(told)
            whole = np.char.add(whole, told)
        raw = np.ascontiguousarray(whole.astype(f"S{TEXT}")).view(np.uint8).reshape(n, TEXT)
        rows["text"] = raw
        for name, column in columns.items():
            rows[name] = column
        self.parts.append(rows)

    def rows(self) -> NDArray[np.void]:
        """Every event, in order of time."""
        rows = np.concatenate(self.parts) if self.parts else np.zeros(0, EVENT)
        rows = rows[np.argsort(rows["time"], kind="stable")]
        rows["frame"], rows["offset"] = np.arange(len(rows)) + 1, np.arange(len(rows)) * 100
        return rows
