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
#: By byte how often it stands in traffic, to be compared.
OFTEN = _WEIGHTS.astype(np.uint8).tobytes()
_NEVER = 1 << 40
_NO_PARTS = np.zeros(0, np.int64), np.zeros(0, np.uint8)
#: What four bytes weigh of which one may be any, which stand there as often as there are bytes.
_ANY = 1 << 36
#: Bytes as they are hashed.
_FOLDED = sorted({byte | 0x20 for byte in range(256)})


class Literals:
    """A set of literals (lower case, at least SHORTEST bytes), searched for without case.

    Every second place of a buffer is hashed, so a literal is known by four bytes at an even and by four at an
    odd distance from its begin. One of them may be the byte before a short literal, or behind it: any.

    A place whose four bytes are those two before it is passed over, so that runs cost nothing. Of a literal
    that does not repeat itself every two bytes four are taken that cannot lie at such a place, as they, or
    what is before them, differ from what is two behind. One that does repeat itself, or has three bytes,
    stands two bytes before a place that is passed over as well, so it is found where the repetition begins.
    """

    def __init__(self, patterns: Sequence[bytes], telling: int | None = None) -> None:
        """Of the patterns from `telling` on it is only marked where they stand."""
        self.count = len(patterns)
        self.patterns = tuple(patterns)
        self.telling = self.count if telling is None else telling
        self._sizes = np.array([len(p) for p in patterns], np.int64)
        self.longest = int(self._sizes.max(initial=0))
        self._where = (
            np.concatenate([[0], np.cumsum(self._sizes)[:-1]]).astype(np.int64) if patterns else self._sizes
        )
        self._patterns = np.frombuffer(b"".join(patterns) + b"\0" * 4, np.uint8)
        often = _often(patterns)
        stands = [
            (four, at, number)
            for number, p in enumerate(patterns)
            for four, at in _standing_for(p, often[number])
        ]
        bits = max(12, min(22, len(stands).bit_length() + 6))
        self._shift = 32 - bits
        words = np.array([int.from_bytes(four, "little") for four, _, _ in stands], np.uint64)
        hashes = _hash(words, self._shift)
        known = np.zeros((1 << bits) + 1, np.bool_)
        known[hashes] = True
        self._known = np.packbits(known, bitorder="little")
        order = np.argsort(hashes, kind="stable")
        entries = [_entry(patterns[stands[i][2]], *stands[i][1:]) for i in order.tolist()]
        self._entries = np.array(entries, kernels.ENTRY)
        ends = np.arange((1 << bits - kernels.BUCKET) + 1)
        self._buckets = np.searchsorted(hashes[order] >> kernels.BUCKET, ends).astype(np.int32)

    def scan(
        self, data: NDArray[np.uint8], starts: NDArray[np.int64], lengths: NDArray[np.int64],
        parts: tuple[NDArray[np.int64], NDArray[np.uint8]] = _NO_PARTS,
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:  # fmt: skip
        """(buffer, literal) pairs of `data[starts : starts + lengths]`, each once, buffers in order.

        `parts`: where parts of the data begin, in order, and of each the mark that it gets where a literal
        that is not told may stand in it.
        """
        if not self.count or not len(starts):
            return np.zeros(0, np.int64), np.zeros(0, np.int64)
        if int((starts + lengths).max()) + BEHIND > len(data):
            data = np.concatenate([data, np.zeros(BEHIND, np.uint8)])
        view = data.view()
        view.flags.writeable = False
        seen = np.full(self.count, -1, np.int64)
        hashes, found = np.empty(kernels.AT_ONCE, np.uint32), np.empty(kernels.AT_ONCE + 1, np.int64)
        out = np.empty(max(_LEAST_PAIRS, 2 * self.count), np.int64)
        pairs: list[NDArray[np.int64]] = []
        at = 0
        while at < len(starts):
            told, at = kernels.scan(
                view, starts, lengths, at, self._known, self._shift, self._buckets, self._entries,
                self._patterns, self._where, self._sizes, self.telling, *parts, seen, hashes, found, out,
            )  # fmt: skip
            pairs.append(out[:told].copy())
        every = np.concatenate(pairs)
        return every >> 32, every & 0xFFFFFFFF


def _often(patterns: Sequence[bytes]) -> list[NDArray[np.int64]]:
    """By literal and place how often its four bytes there stand in all literals, as they are hashed."""
    joined = np.frombuffer(b"".join(patterns) + b"\0" * 3, np.uint8).astype(np.uint32)
    size = len(joined) - 3
    words = sum((joined[i : i + size] | np.uint32(0x20)) << np.uint32(8 * i) for i in range(4))
    ends = np.cumsum([len(p) for p in patterns], dtype=np.int64)
    _, which = np.unique(words, return_inverse=True)
    within = np.ones(size, np.bool_)  # not those that go on in the next literal
    for back in range(1, 4):
        within[np.maximum(ends - back, 0)] = False
    counts = np.bincount(which, within)[which].astype(np.int64)
    return [counts[end - len(p) : end] for p, end in zip(patterns, ends.tolist(), strict=True)]


def _standing_for(pattern: bytes, often: NDArray[np.int64]) -> list[tuple[bytes, int]]:
    """Four bytes each that stand for a literal, and how far behind its begin they are.

    Rare ones, that are in few other literals (`often` by place): what is in many stands in much traffic.
    """
    if len(pattern) == SHORTEST:
        return [*_spread(pattern, 0), *_spread(pattern, -1)]
    if pattern[2:] == pattern[:-2]:
        return [(pattern[:4], 0), *_spread(pattern, -1)]
    size = len(pattern)
    data = np.frombuffer(pattern, np.uint8)
    weights = np.ones(size + 2, np.int64)  # of a byte before it, its own, and one behind it
    weights[1:-1] = _WEIGHTS[data]
    fours = weights[:-3] * weights[1:-2] * weights[2:-1] * weights[3:]
    fours[1:-1] *= often[: size - 3]
    fours[0] += _ANY
    fours[-1] += _ANY
    differs = np.zeros(size + 5, np.bool_)  # by place, from three before the first: from what is two behind
    differs[3 : size + 1] = data[:-2] != data[2:]
    there = size - 1
    sure = differs[:there] | differs[1 : there + 1] | differs[2 : there + 2] | differs[3 : there + 3]
    fours[~sure] += _NEVER
    odd, even = 2 * _least(fours[::2]) - 1, 2 * _least(fours[1::2])
    return [*_spread(pattern, odd), *_spread(pattern, even)]


def _spread(pattern: bytes, at: int) -> list[tuple[bytes, int]]:
    """The four bytes at a place, whatever the one is that is before the literal or behind it."""
    if at < 0:
        return [(bytes([any_]) + pattern[:3], at) for any_ in _FOLDED]
    four = pattern[at : at + 4]
    return [(four, at)] if len(four) == 4 else [(four + bytes([any_]), at) for any_ in _FOLDED]


def _least(weights: NDArray[np.int64]) -> int:
    return int(np.argmin(weights))


def _entry(pattern: bytes, at: int, number: int) -> tuple[int, ...]:
    """An ENTRY of a literal by its number, of which four bytes at a place are hashed."""
    begin = max(0, min(at, len(pattern) - 8))
    word = bytes(byte | 0x20 for byte in pattern[begin : begin + 8])
    mask = b"\xff" * len(word)
    return int.from_bytes(word, "little"), int.from_bytes(mask, "little"), number, at - begin, at, 0


def _hash(words: NDArray[np.uint64], shift: int) -> NDArray[np.int64]:
    return (
        ((words | np.uint64(0x20202020)) * np.uint64(0x9E3779B1) & np.uint64(0xFFFFFFFF)) >> np.uint64(shift)
    ).astype(np.int64)
