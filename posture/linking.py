"""Entries of all files together: ids that must be one and exist, prefixes that must be nobody else's."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from citywall.portals import Portal
from posture.entries import Entry, Reading
from posture.records import Asset, Person, Prefix, Register, System, Unit, Zone
from posture.spans import span
from posture.table import DEFAULT, Table

T = TypeVar("T")
#: Fields that name an entry of another section.
_REFERENCES = {"unit": "units", "operator": "units", "parent": "units", "zone": "zones", "system": "systems",
               "asset": "assets"}  # fmt: skip


def link(reading: Reading) -> Register | None:
    """The register of what was read; None where it has faults, to which those between entries are added."""
    linker = _Linker(reading)
    for check in (linker.ids, linker.references, linker.circles, linker.contents, linker.prefixes):
        check()
    if reading.faults:
        return None
    register = linker.register()
    linker.owners(register)
    return None if reading.faults else register


class _Linker:
    def __init__(self, reading: Reading) -> None:
        self.entries = reading.entries
        self.faults = reading.faults
        self._unsure = reading.unsure
        self._by_id: dict[tuple[str, str], Entry] = {}

    def of(self, *sections: str) -> Iterable[Entry]:
        return (entry for entry in self.entries if entry.section in sections)

    def ids(self) -> None:
        for entry in self.entries:
            if "id" not in entry.values:
                continue
            first = self._by_id.setdefault((entry.section, entry.values["id"]), entry)
            if first is not entry:
                self.faults.append(entry.fault("id", "same_id", id=entry.values["id"], place=_place(first)))

    def references(self) -> None:
        for entry in self.entries:
            for name, section in _REFERENCES.items():
                wanted = entry.values.get(name)
                if section in self._unsure:  # what is named may be what could not be read
                    continue
                if wanted is not None and (section, wanted) not in self._by_id:
                    kind = section.removesuffix("s")
                    self.faults.append(entry.fault(name, f"no_such_{kind}", id=wanted))
        if "zones" not in self._unsure:
            for entry in self.of("zones"):
                for wanted in entry.values.get("reaches") or ():
                    if ("zones", wanted) not in self._by_id:
                        self.faults.append(entry.fault("reaches", "no_such_zone", id=wanted))

    def circles(self) -> None:
        units = [e.values for e in self.of("units")]
        above = {unit["id"]: unit["parent"] for unit in units if {"id", "parent"} <= unit.keys()}
        done: set[str] = set()
        for first in above:
            unit = first
            path: dict[str, None] = {}
            while unit in above and unit not in done and unit not in path:
                path[unit] = None
                unit = above[unit]
            if unit in path:
                around = list(path)
                for id_ in around[around.index(unit) :]:
                    self.faults.append(self._by_id["units", id_].fault("parent", "circle"))
            done |= path.keys()

    def contents(self) -> None:
        for entry in self.of("units"):
            if entry.values.get("persons") == []:
                self.faults.append(entry.fault("persons", "nobody"))
        for entry in self.of("assets"):
            if entry.values.get("addresses") == []:
                self.faults.append(entry.fault("addresses", "no_address"))
        for entry in self.of("portals"):
            if entry.values.get("urls") == []:
                self.faults.append(entry.fault("urls", "no_url"))
            if not entry.broken and not {"unit", "system", "asset"} & entry.values.keys():
                self.faults.append(entry.fault("", "no_owner"))
        for entry in self.of("prefixes"):
            if not entry.broken and not {"unit", "system", "zone"} & entry.values.keys():
                self.faults.append(entry.fault("", "says_nothing"))

    def prefixes(self) -> None:
        taken: dict[tuple[str, str, str], Entry] = {}
        for entry in self.of("assets", "prefixes"):
            domain = entry.values.get("domain", DEFAULT)
            field = "addresses" if entry.section == "assets" else "prefix"
            given = entry.values.get(field)
            for prefix in given if isinstance(given, list) else [given]:
                if prefix is None:  # could not be read
                    continue
                key = (entry.section, domain, prefix)
                if key in taken:
                    place = _place(taken[key])
                    self.faults.append(
                        entry.fault(field, "same_prefix", prefix=prefix, domain=domain, place=place)
                    )
                taken.setdefault(key, entry)
                if domain != DEFAULT and not span(prefix).private:
                    self.faults.append(entry.fault("domain", "public_domain", prefix=prefix))

    def owners(self, register: Register) -> None:
        """Somebody must answer for every asset."""
        places = Table(register).assets
        for entry in self.of("assets"):
            if not all(place.unit for place in places[entry.values["id"]]):
                self.faults.append(entry.fault("", "no_owner"))

    def register(self) -> Register:
        return Register(
            self._all("units", _unit),
            self._all("zones", _zone),
            self._all("systems", lambda v: System(**_without(v, "classified"))),
            self._all("assets", _asset),
            tuple(
                sorted(
                    (Prefix(**_without(e.values, "classified")) for e in self.of("prefixes")),
                    key=lambda p: (p.domain, span(p.prefix)),
                )
            ),
            self._all("portals", _portal),
        )

    def _all(self, section: str, make: Callable[[dict[str, Any]], T]) -> tuple[T, ...]:
        found = sorted((e for e in self.of(section)), key=lambda e: str(e.values["id"]))
        return tuple(make(entry.values) for entry in found)


def _zone(values: dict[str, Any]) -> Zone:
    reaches = values.get("reaches")
    return Zone(**{**values, "reaches": None if reaches is None else tuple(sorted(set(reaches)))})


def _unit(values: dict[str, Any]) -> Unit:
    return Unit(**{**values, "persons": tuple(Person(**person) for person in values["persons"])})


def _asset(values: dict[str, Any]) -> Asset:
    addresses = tuple(sorted(set(values["addresses"]), key=span))
    return Asset(**{**_without(values, "classified"), "addresses": addresses})


def _portal(values: dict[str, Any]) -> Portal:
    lists: dict[str, tuple[str, ...]] = {
        name: tuple(dict.fromkeys(values[name]))
        for name in ("urls", "ignore", "domains", "pins", "issuers")
        if name in values
    }
    return Portal(**{**_without(values, "classified"), **lists})


def _without(values: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in values.items() if key != name}


def _place(entry: Entry) -> str:
    return f"{entry.path}:{entry.line}"
