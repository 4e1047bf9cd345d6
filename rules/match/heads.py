"""Headers of rules against endpoints, many at a time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from rules.language.addresses import ALL_ADDRESSES, ALL_PORTS, MAPPED, Ranges, holds
from rules.match.compiled import Compiled

_HIGH_V4 = MAPPED + (1 << 32) - 1


class Ends(NamedTuple):
    """Two endpoints, columns of the same length: source and target words and ports, IP protocol, version."""

    source_hi: NDArray[np.uint64]
    source_lo: NDArray[np.uint64]
    source_port: NDArray[np.int64]
    target_hi: NDArray[np.uint64]
    target_lo: NDArray[np.uint64]
    target_port: NDArray[np.int64]
    protocol: NDArray[np.int64]
    version: NDArray[np.int64]


class Addresses:
    """A set of addresses to ask for many at once."""

    def __init__(self, ranges: Ranges) -> None:
        self._ranges = ranges
        self._all = ranges == ALL_ADDRESSES
        four = [
            (max(low, MAPPED) - MAPPED, min(high, _HIGH_V4) - MAPPED)
            for low, high in ranges
            if high >= MAPPED and low <= _HIGH_V4
        ]
        self._low = np.array([low for low, _ in four], np.int64)
        self._high = np.array([high for _, high in four], np.int64)
        self._known: dict[tuple[int, int], bool] = {}

    def hold(self, hi: NDArray[np.uint64], lo: NDArray[np.uint64]) -> NDArray[np.bool_]:
        """Which of the addresses are in the set."""
        if self._all:
            return np.ones(len(hi), np.bool_)
        mapped = (hi == 0) & (lo >> np.uint64(32) == 0xFFFF)
        number = (lo & np.uint64(0xFFFFFFFF)).astype(np.int64)
        if len(self._low):
            at = np.searchsorted(self._low, number, "right") - 1
            found: NDArray[np.bool_] = mapped & (at >= 0) & (number <= self._high[np.maximum(at, 0)])
        else:
            found = np.zeros(len(hi), np.bool_)
        for i in np.flatnonzero(~mapped):
            found[i] = self._six(int(hi[i]), int(lo[i]))
        return found

    def _six(self, hi: int, lo: int) -> bool:
        known = self._known.get((hi, lo))
        if known is None:
            if len(self._known) > 65536:
                self._known.clear()
            known = self._known[hi, lo] = holds(self._ranges, hi << 64 | lo)
        return known


class Heads:
    """Every distinct header of a rule set."""

    def __init__(self, rules: Sequence[Compiled]) -> None:
        self._addresses: dict[Ranges, Addresses] = {}
        self._ports: dict[Ranges, NDArray[np.bool_]] = {}
        known: dict[tuple[object, ...], int] = {}
        self._heads: list[tuple[Compiled, Addresses, Addresses]] = []
        for compiled in rules:
            rule = compiled.rule
            key = (
                compiled.ip_protocol,
                rule.protocol if rule.protocol in {"ipv4", "ipv6", "ip4", "ip6"} else "",
                rule.source, rule.source_ports, rule.target, rule.target_ports, rule.both_ways,
            )  # fmt: skip
            if key not in known:
                known[key] = len(self._heads)
                self._heads.append((compiled, self._set(rule.source), self._set(rule.target)))
            compiled.head = known[key]

    def __len__(self) -> int:
        return len(self._heads)

    def _set(self, ranges: Ranges) -> Addresses:
        if ranges not in self._addresses:
            self._addresses[ranges] = Addresses(ranges)
        return self._addresses[ranges]

    def _port_table(self, ranges: Ranges) -> NDArray[np.bool_]:
        if ranges not in self._ports:
            table = np.zeros(65536, np.bool_)
            for low, high in ranges:
                table[low : high + 1] = True
            self._ports[ranges] = table
        return self._ports[ranges]

    def agree(self, head: int, ends: Ends) -> NDArray[np.bool_]:
        """Which endpoints a header agrees with."""
        compiled, source, target = self._heads[head]
        rule = compiled.rule
        found = np.ones(len(ends.protocol), np.bool_)
        if compiled.ip_protocol:
            found &= ends.protocol == compiled.ip_protocol
            if rule.protocol == "icmp":
                found |= ends.protocol == 58
        if rule.protocol in {"ipv4", "ip4", "ipv6", "ip6"}:
            found &= ends.version == int(rule.protocol[-1])
        there = self._way(compiled, source, target, ends)
        if rule.both_ways:
            back = Ends(
                ends.target_hi, ends.target_lo, ends.target_port,
                ends.source_hi, ends.source_lo, ends.source_port, ends.protocol, ends.version,
            )  # fmt: skip
            there = there | self._way(compiled, source, target, back)
        return found & there

    def _way(self, compiled: Compiled, source: Addresses, target: Addresses, ends: Ends) -> NDArray[np.bool_]:
        rule = compiled.rule
        found: NDArray[np.bool_] = source.hold(ends.source_hi, ends.source_lo)
        found &= target.hold(ends.target_hi, ends.target_lo)
        if rule.source_ports != ALL_PORTS:
            found &= self._port_table(rule.source_ports)[ends.source_port]
        if rule.target_ports != ALL_PORTS:
            found &= self._port_table(rule.target_ports)[ends.target_port]
        return found
