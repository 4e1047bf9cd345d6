"""Indicators made ready to be looked for: arrays by kind, and the indicators that share a value."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from citywall.addresses import to_words
from rules.indicators import kernels
from rules.indicators.model import ADDRESS, DOMAIN, IN_EVENTS, IN_ROWS, JA3, JA3S, URL, Indicator

Numbers = NDArray[np.int64]
_TARGET = 120  # octets of a target that events keep
_HOST = 72  # and of a host


@dataclass(frozen=True)
class Addresses:
    """Distinct prefixes of 128 bits (IPv4 in its mapped form)."""

    high: NDArray[np.uint64]
    low: NDArray[np.uint64]
    length: Numbers
    lengths: Numbers  # those that occur, the longest first
    slots: Numbers

    def find(self, high: NDArray[np.uint64], low: NDArray[np.uint64]) -> Numbers:
        """Pairs (row, prefix), for each row the longest prefix first."""
        given = (high, low, self.lengths, self.slots, self.high, self.low, self.length)
        out = np.empty((max(64, len(high)), 2), np.int64)
        with np.errstate(over="ignore"):  # hashes wrap; matters only where the kernel is not compiled
            n = kernels.addresses(*given, out)
            if n > len(out):
                out = np.empty((n, 2), np.int64)
                n = kernels.addresses(*given, out)
        return out[:n]


@dataclass(frozen=True)
class Names:
    """Distinct texts in lower case, one after another in `text` (u1[1, n])."""

    text: NDArray[np.uint8]
    offsets: Numbers
    slots: Numbers


class Table:
    """Every indicator, by what it is looked for in. Numbers of values index `holders`."""

    def __init__(self, indicators: Sequence[Indicator]) -> None:
        self._by: dict[str, dict[str, list[Indicator]]] = {}
        for indicator in indicators:
            self._by.setdefault(indicator.kind, {}).setdefault(indicator.value, []).append(indicator)
        self.count = len(indicators)
        self.addresses = _addresses(list(self._by.get(ADDRESS, {})))
        self.domains = _names(list(self._by.get(DOMAIN, {})))
        texts = [_asked(value) for value in self._by.get(URL, {})]
        keys = list(dict.fromkeys(text for text, _ in texts))
        self.urls = _names(keys)
        # URLs that show the same are one entry; whose port that is, if it asks for one, decides for the entry
        place = {key: at for at, key in enumerate(keys)}
        self.ports = np.zeros(len(keys), np.int64)
        self._urls: list[list[Indicator]] = [[] for _ in keys]
        for (text, port), held in zip(texts, self._by.get(URL, {}).values(), strict=True):
            at = place[text]
            self.ports[at] = port if not self._urls[at] else port * (self.ports[at] == port)
            self._urls[at] += held
        self._values = {kind: list(held.values()) for kind, held in self._by.items()}
        self._prints: dict[str, tuple[NDArray[np.bytes_], Numbers]] = {}
        for kind in (IN_EVENTS - IN_ROWS) & set(self._by):
            octets = kind in {JA3, JA3S}
            values = [bytes.fromhex(value) if octets else value.encode() for value in self._by[kind]]
            order = sorted(range(len(values)), key=values.__getitem__)
            self._prints[kind] = np.array([values[i] for i in order]), np.array(order)

    def __bool__(self) -> bool:
        return self.count > 0

    @property
    def in_rows(self) -> bool:
        """Whether any is looked for in flows and events."""
        return bool(IN_EVENTS & set(self._by))

    @property
    def beyond(self) -> bool:
        """Whether any needs the application layers of a capture."""
        return bool(set(self._by) - IN_ROWS)

    def holders(self, kind: str, number: int, time: int) -> list[Indicator]:
        """The indicators of a value that hold at a moment, the surest first."""
        held = self._urls[number] if kind == URL else self._values[kind][number]
        return _holding(held, time)

    def of_value(self, kind: str, value: str, time: int) -> list[Indicator]:
        """The same of a value as text."""
        return _holding(self._by.get(kind, {}).get(value, []), time)

    def prints(self, kind: str, shown: NDArray[np.bytes_]) -> Numbers:
        """Pairs (row, number) of fingerprints and hashes that are known, as events show them."""
        values, numbers = self._prints[kind]
        at = np.minimum(np.searchsorted(values, shown), len(values) - 1)
        rows = np.flatnonzero(values[at] == shown)
        return np.stack([rows, numbers[at[rows]]], axis=1)

    def texts(self, kind: str) -> NDArray[np.bytes_]:
        """All values of a kind, in order."""
        return np.sort(np.array([value.encode() for value in self._by.get(kind, {})], np.bytes_))

    def knows(self, kind: str) -> bool:
        """Whether there is any of a kind."""
        return kind in self._by


def _holding(held: Sequence[Indicator], time: int) -> list[Indicator]:
    return sorted((i for i in held if i.holds(time)), key=lambda i: (-i.confidence, i.source, i.place))


def _addresses(values: Sequence[str]) -> Addresses:
    high, low = np.zeros(len(values), np.uint64), np.zeros(len(values), np.uint64)
    length = np.zeros(len(values), np.int64)
    for at, value in enumerate(values):
        if "/" in value:
            network = ipaddress.ip_network(value)
            words, bits = to_words(str(network.network_address)), network.prefixlen
            length[at] = bits + 96 if network.version == 4 else bits
        else:
            words = to_words(value)
            length[at] = 128
        high[at], low[at] = words
    slots = _slots(len(values))
    with np.errstate(over="ignore"):  # hashes wrap; matters only where the kernel is not compiled
        kernels.place_addresses(high, low, length, slots)
    lengths = np.unique(length)[::-1].copy()
    return Addresses(high, low, length, lengths, slots)


def _names(values: Sequence[str]) -> Names:
    encoded = [value.encode() for value in values]
    offsets = np.cumsum([0, *map(len, encoded)]).astype(np.int64)
    text = np.frombuffer(b"".join(encoded), np.uint8).reshape(1, -1)
    slots = _slots(len(values))
    with np.errstate(over="ignore"):
        kernels.place_names(text, offsets, slots)
    return Names(text, offsets, slots)


def _slots(count: int) -> Numbers:
    """Room at most half full."""
    return np.full(1 << max(4, (2 * count).bit_length()), -1, np.int64)


def _asked(value: str) -> tuple[str, int]:
    """What events show of a URL, and its port (0: it names none)."""
    host, slash, target = value.partition("/")
    name, _, port = host.partition(":")
    return name[:_HOST] + (slash + target)[:_TARGET], int(port or 0)
