"""Longest prefix: which asset, system, unit and zone an address of a network domain falls to.

The register's prefixes are compiled into disjoint spans, each with its place worked out beforehand, so that
asking is one binary search. IPv4 and IPv6 are tables of their own, and so is every network domain.

An address has the place of the longest prefix that covers it. What that leaves open its system says; what
that leaves open, the next longer prefix around it, and so on outwards. But what is graded together stays
together: where an entry names a system, importance, level and critical-infrastructure flag are of that one
and not from farther out; and an entry that names a unit but no system is outside the systems around it:
others answer for those.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

import msgspec

from citywall.places import Locate, Place
from posture.records import Asset, Prefix, Register, System
from posture.spans import host, private, span

#: The network domain of public addresses, and of private ones where there is only one network.
DEFAULT = "default"
#: Addresses whose places are kept ready.
_KEPT = 1 << 16
_NOWHERE = Place()


@dataclass(frozen=True)
class _Covering:
    """A prefix as the addresses from `start` to `stop`, both included, and the entry it belongs to."""

    start: int
    stop: int
    entry: Asset | Prefix


@dataclass(frozen=True)
class _Spans:
    """Disjoint spans in order: `starts[i]` to `stops[i]` lies at `places[i]`."""

    starts: list[int]
    stops: list[int]
    places: list[Place]

    def find(self, address: int) -> Place | None:
        at = bisect_right(self.starts, address) - 1
        return self.places[at] if at >= 0 and address <= self.stops[at] else None


class Table:
    """A compiled register."""

    def __init__(self, register: Register) -> None:
        self._systems = {s.id: s for s in register.systems}
        self._units = {u.id: u.name for u in register.units}
        self._zones = {z.id: z.name for z in register.zones}
        self._portals = {p.id: p for p in register.portals}
        #: The place of each address of an asset, by its id.
        self.assets: dict[str, list[Place]] = {}
        #: The place of each prefix, by its network domain and text.
        self.prefixes: dict[tuple[str, str], Place] = {}
        prefixes: dict[tuple[str, int], list[_Covering]] = {}
        for domain, text, entry in _entries(register):
            version, start, stop = span(text)
            prefixes.setdefault((domain, version), []).append(_Covering(start, stop, entry))
        self._spans = {key: _flatten(found, self._within) for key, found in prefixes.items()}
        #: The place of an address in a network domain, None where the register knows nothing of it.
        self.locate: Locate = lru_cache(_KEPT)(self._locate)

    def _locate(self, domain: str, text: str) -> Place | None:
        version, value = host(text)
        found = self._spans.get((domain if private(version, value) else DEFAULT, version))
        return None if found is None else found.find(value)

    def portal(self, id_: str) -> Place | None:
        """The place of a portal: that of its asset, its system or its unit; None where there is none such."""
        portal = self._portals.get(id_)
        if portal is None:
            return None
        if places := self.assets.get(portal.asset):
            place = places[0]
        elif system := self._systems.get(portal.system):
            place = self._of_system(system, _NOWHERE)
        else:
            place = _NOWHERE
        unit = portal.unit or place.unit
        return msgspec.structs.replace(
            place, unit=unit, unit_name=self._units.get(unit, ""), zone_name=self._zones.get(place.zone, "")
        )

    def spans(self) -> Iterator[tuple[str, int, int, int, Place]]:
        """(domain, IP version, first address, last address, place) of every stretch with one place."""
        for (domain, version), spans in sorted(self._spans.items()):
            for start, stop, place in zip(spans.starts, spans.stops, spans.places, strict=True):
                yield domain, version, start, stop, place

    def _within(self, entry: Asset | Prefix, around: Place) -> Place:
        """The place of an entry, where a longer prefix has none, in the place around it."""
        inner = around
        if system := self._systems.get(entry.system):
            inner = self._of_system(system, around)
        elif entry.unit:
            inner = Place(asset=around.asset, asset_name=around.asset_name, zone=around.zone)
        unit, zone = entry.unit or inner.unit, entry.zone or inner.zone
        place = Place(
            asset=inner.asset, asset_name=inner.asset_name,
            system=inner.system, system_name=inner.system_name,
            unit=unit, unit_name=self._units.get(unit, ""),
            zone=zone, zone_name=self._zones.get(zone, ""),
            importance=inner.importance, mlps_level=inner.mlps_level, cii=inner.cii,
        )  # fmt: skip
        if isinstance(entry, Prefix):
            self.prefixes[entry.domain, entry.prefix] = place
            return place
        place = _of_asset(entry, place)
        self.assets.setdefault(entry.id, []).append(place)
        return place

    def _of_system(self, system: System, around: Place) -> Place:
        return Place(
            asset=around.asset, asset_name=around.asset_name, system=system.id, system_name=system.name,
            unit=system.unit, zone=system.zone or around.zone, importance=system.importance,
            mlps_level=system.mlps_level, cii=system.cii,
        )  # fmt: skip


def _of_asset(asset: Asset, place: Place) -> Place:
    importance = place.importance if asset.importance is None else asset.importance
    level = place.mlps_level if asset.mlps_level is None else asset.mlps_level
    cii = place.cii if asset.cii is None else asset.cii
    return Place(
        asset=asset.id, asset_name=asset.name, system=place.system, system_name=place.system_name,
        unit=place.unit, unit_name=place.unit_name, zone=place.zone, zone_name=place.zone_name,
        importance=importance, mlps_level=level, cii=cii,
    )  # fmt: skip


def _entries(register: Register) -> Iterator[tuple[str, str, Asset | Prefix]]:
    # Where a prefix and an asset are the same addresses, the prefix lies around the asset.
    for prefix in register.prefixes:
        yield prefix.domain, prefix.prefix, prefix
    for asset in register.assets:
        for address in asset.addresses:
            yield asset.domain, address, asset


def _flatten(found: Sequence[_Covering], within: Callable[[Asset | Prefix, Place], Place]) -> _Spans:
    """Spans of prefixes, which lie in each other or apart; sorting is stable, so equals keep their order."""
    spans = _Spans([], [], [])
    around: list[
        tuple[int, Place]
    ] = []  # last address and place of the prefixes that are open, outermost first
    at = 0  # everything before it is told

    def tell(stop: int) -> None:
        nonlocal at
        if around and at <= stop:
            spans.starts.append(at)
            spans.stops.append(stop)
            spans.places.append(around[-1][1])
        at = max(at, stop + 1)

    for covering in sorted(found, key=lambda c: (c.start, -c.stop)):
        while around and around[-1][0] < covering.start:
            tell(around[-1][0])
            around.pop()
        tell(covering.start - 1)
        outer = around[-1][1] if around else _NOWHERE
        around.append((covering.stop, within(covering.entry, outer)))
    while around:
        tell(around[-1][0])
        around.pop()
    return spans
