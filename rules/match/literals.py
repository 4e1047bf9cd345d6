"""Literals made ready for the prefilter, and the scan of many buffers for them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from rules.match import kernels

#: Shorter ones are not searched for: their rules are looked at whatever the buffer holds.
SHORTEST = 3
#: Bytes that must follow the last one that is looked at.
BEHIND = 8
#: Pairs told at a time, at least: more memory at once is dear to touch.
_LEAST_PAIRS = 1 << 12
_COMMON = np.frombuffer(
    b" etaoinsrhldcumfpgwybvkxjqz/.-=:\r\n\0" + b"0123456789", np.uint8
)  # bytes that traffic is full of


def _weights() -> NDArray[np.int64]:
    weights = np.ones(256, np.int64)
    weights[_COMMON] = 4
    weights[_COMMON[:12]] = 8
    weights[0] = 12
    return weights


_WEIGHTS = _weights()
_NEVER = 1 << 40


class Literals:
    """A set of literals (lower case, at least SHORTEST bytes), searched for without case."""

    def __init__(self, patterns: Sequence[bytes]) -> None:
        self.count = len(patterns)
        bits = max(10, min(20, len(patterns).bit_length() + 5))
        self._shift = 32 - bits
        self._sizes = np.array([len(p) for p in patterns], np.int64)
        self.longest = int(self._sizes.max(initial=0))
        self._where = (
            np.concatenate([[0], np.cumsum(self._sizes)[:-1]]).astype(np.int64) if patterns else self._sizes
        )
        self._patterns = np.frombuffer(b"".join(patterns) + b"\0" * 4, np.uint8)
        self._offsets = np.array([_rarest(p) for p in patterns], np.int64)
        hashes = np.array(
            [_hash(p[at : at + 3], self._shift) for p, at in zip(patterns, self._offsets, strict=True)],
            np.int64,
        )
        order = np.argsort(hashes, kind="stable")
        self._entries = np.array(
            [_entry(patterns[i], int(self._offsets[i]), i) for i in order.tolist()], np.uint64
        ).reshape(len(patterns), 3)
        self._buckets = np.searchsorted(hashes[order], np.arange((1 << bits) + 1)).astype(np.int32)
        self._known = (np.diff(self._buckets) > 0).astype(np.uint8)

    def scan(
        self, data: NDArray[np.uint8], starts: NDArray[np.int64], lengths: NDArray[np.int64]
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """(buffer, literal) pairs of `data[starts : starts + lengths]`, each once, buffers in order."""
        if not self.count or not len(starts):
            return np.zeros(0, np.int64), np.zeros(0, np.int64)
        if int((starts + lengths).max()) + BEHIND > len(data):
            data = np.concatenate([data, np.zeros(BEHIND, np.uint8)])
        view = data.view()
        view.flags.writeable = False
        seen = np.full(self.count, -1, np.int64)
        places = np.empty(kernels.AT_ONCE + 1, np.int64)
        out = np.empty(max(_LEAST_PAIRS, 2 * self.count), np.int64)
        found: list[NDArray[np.int64]] = []
        at = 0
        while at < len(starts):
            told, at = kernels.scan(
                view, starts, lengths, at, self._known, self._shift, self._buckets, self._entries,
                self._offsets, self._patterns, self._where, self._sizes, seen, places, out,
            )  # fmt: skip
            found.append(out[:told].copy())
        pairs = np.concatenate(found)
        return pairs >> 32, pairs & 0xFFFFFFFF


def _rarest(pattern: bytes) -> int:
    """Where the three bytes are that stand for a literal: one byte thrice only where it is nothing else."""
    data = np.frombuffer(pattern, np.uint8)
    weights = _WEIGHTS[data]
    triples = weights[:-2] * weights[1:-1] * weights[2:]
    triples[(data[:-2] == data[1:-1]) & (data[1:-1] == data[2:])] += _NEVER
    return int(np.argmin(triples))


def _entry(pattern: bytes, anchor: int, number: int) -> tuple[int, int, int]:
    """Up to eight bytes of a literal about its anchor, folded; which of a word they are; number and place."""
    begin = min(anchor, max(0, len(pattern) - 8))
    word = bytes(byte | 0x20 for byte in pattern[begin : begin + 8])
    mask = b"\xff" * len(word)
    return int.from_bytes(word, "little"), int.from_bytes(mask, "little"), (anchor - begin) << 32 | number


def _hash(three: bytes, shift: int) -> int:
    word = (int.from_bytes(three, "little") | 0x202020) & 0xFFFFFF
    return ((word * 0x9E3779B1) & 0xFFFFFFFF) >> shift
