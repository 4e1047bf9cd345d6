"""The ground that hosts stand on: zones, units and systems of addresses, and who may reach whom.

Whoever knows the register hands it in as spans of addresses (detectors know no register); asking is one
binary search for many addresses at a time.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray


class Spot(NamedTuple):
    """Where a span of addresses belongs: ids, empty where that is not known."""

    zone: str
    unit: str
    system: str


class Stretch(NamedTuple):
    """Addresses from `start` to `stop`, both included, as 128-bit numbers (IPv4 mapped), of a domain."""

    domain: int
    start: int
    stop: int
    spot: Spot


class ZoneRule(msgspec.Struct, frozen=True):
    """What hosts of a zone may do. `reaches`: zones they may begin contacts with; None: nothing is said.

    `exchange`: units meet through hosts of this zone.
    """

    internet: bool | None = None
    reaches: frozenset[str] | None = None
    exchange: bool = False


_NOWHERE = Spot("", "", "")


class Ground:
    """Compiled stretches, which overlap nowhere within a domain, and the rules of zones."""

    def __init__(self, stretches: Iterable[Stretch], rules: Mapping[str, ZoneRule]) -> None:
        self.spots: list[Spot] = [_NOWHERE]
        known = {_NOWHERE: 0}
        by_domain: dict[int, list[tuple[int, int, int]]] = {}
        for domain, start, stop, spot in stretches:
            if spot not in known:
                known[spot] = len(self.spots)
                self.spots.append(spot)
            by_domain.setdefault(domain, []).append((start, stop, known[spot]))
        self._spans = {domain: _compiled(sorted(spans)) for domain, spans in by_domain.items()}
        names = sorted({spot.zone for spot in self.spots if spot.zone})
        #: The number of each spot's zone, 0 where it is in none.
        self.zones = np.array([names.index(s.zone) + 1 if s.zone else 0 for s in self.spots], np.int64)
        zones = [rules.get(spot.zone, ZoneRule()) for spot in self.spots]
        self._closed = np.array([zone.internet is False for zone in zones])
        self._bars = np.array(
            [_bars(rule, spot, self.spots) for rule, spot in zip(zones, self.spots, strict=True)]
        )
        meet = any(rule.exchange for rule in rules.values())
        self._apart = np.array([[meet and _apart(a, b, rules) for b in self.spots] for a in self.spots])

    def __bool__(self) -> bool:
        """Whether any zone is held to anything."""
        return bool(self._closed.any() or self._bars.any() or self._apart.any())

    def find(self, hi: NDArray[Any], lo: NDArray[Any], domain: NDArray[Any]) -> NDArray[np.int64]:
        """The spot of each address: its place in `spots`, 0 where the ground does not know it."""
        found = np.zeros(len(hi), np.int64)
        for number, (starts, stops, spots) in self._spans.items():
            of = np.flatnonzero(domain == number)
            if not len(of):
                continue
            keys = _keys(hi[of], lo[of])
            at = np.searchsorted(starts, keys, "right") - 1
            inside = (at >= 0) & (keys <= stops[at])
            found[of[inside]] = spots[at[inside]]
        return found

    def closed(self, spots: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Which spots are in zones that may not reach outside."""
        return np.asarray(self._closed[spots], bool)

    def barred(self, src: NDArray[np.int64], dst: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Which contacts go from a zone to one that it may not reach."""
        return np.asarray(self._bars[src, dst], bool)

    def apart(self, src: NDArray[np.int64], dst: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Which contacts join systems of two units, neither in a zone that units meet through."""
        return np.asarray(self._apart[src, dst], bool)


def _compiled(spans: list[tuple[int, int, int]]) -> tuple[NDArray[Any], NDArray[Any], NDArray[np.int64]]:
    words = np.array([[v >> 64, v & (1 << 64) - 1] for span in spans for v in span[:2]], np.uint64)
    keys = _keys(words[:, 0], words[:, 1])
    return keys[0::2], keys[1::2], np.array([span[2] for span in spans], np.int64)


def _keys(hi: NDArray[Any], lo: NDArray[Any]) -> NDArray[Any]:
    """Addresses as sixteen bytes that sort as the numbers do."""
    words = np.empty((len(hi), 2), ">u8")
    words[:, 0], words[:, 1] = hi, lo
    return words.view("S16").ravel()


def _bars(rule: ZoneRule, spot: Spot, spots: list[Spot]) -> list[bool]:
    if rule.reaches is None:
        return [False] * len(spots)
    return [bool(s.zone) and s.zone != spot.zone and s.zone not in rule.reaches for s in spots]


def _apart(a: Spot, b: Spot, rules: Mapping[str, ZoneRule]) -> bool:
    if not (a.system and b.system and a.unit and b.unit) or a.unit == b.unit:
        return False
    return not any(rules.get(s.zone, ZoneRule()).exchange for s in (a, b))
