"""The register as objects for people and machines to read: entries with what they refer to by name."""

from __future__ import annotations

from typing import Any

import msgspec

from citywall.places import Place
from posture.records import Asset, Prefix, Register
from posture.table import DEFAULT, Table

Document = dict[str, Any]


def entries(register: Register, kind: str) -> list[Document]:
    """The entries of a kind (`assets`, `systems`, `units`, `zones`, `prefixes`, `portals`).

    What an entry refers to stands in it as `{"id", "name", "name_en"}`. An asset has what it takes over from
    its system and the prefixes around it.
    """
    known = _names(register)
    found = []
    table = Table(register)
    for record in getattr(register, kind):
        entry: Document = msgspec.to_builtins(record)
        if isinstance(record, Asset):
            entry |= _taken_over(table.assets[record.id][0])
            entry["addresses"] = [_bare(prefix) for prefix in record.addresses]
        elif isinstance(record, Prefix):
            entry |= _taken_over(table.prefixes[record.domain, record.prefix])
        for name, section in _SECTIONS.items():
            if entry.get(name):
                entry[name] = known[section][entry[name]]
        found.append(entry)
    return found


def _taken_over(where: Place) -> Document:
    return {
        "system": where.system, "unit": where.unit, "zone": where.zone, "importance": where.importance,
        "mlps_level": where.mlps_level, "cii": where.cii,
    }  # fmt: skip


def whereabouts(register: Register, address: str, domain: str | None) -> dict[str, Place]:
    """The places of an address by network domain: all that know it, or only `domain`."""
    locate = Table(register).locate
    domains = [domain] if domain else dict.fromkeys((DEFAULT, *register.domains))
    found = {name: place for name in domains if (place := locate(name, address)) is not None}
    if (
        len(found) > 1 and len({id(place) for place in found.values()}) == 1
    ):  # a public one is the same in all
        found = {DEFAULT: found[DEFAULT]}
    return found


def place(register: Register, where: Place) -> Document:
    """A place as an object: what it names stands in it, the unit with the persons who answer for it."""
    known = _names(register)
    told: Document = {
        name: known[section][id_] for name, section in _SECTIONS.items() if (id_ := getattr(where, name, ""))
    }
    if where.asset:
        told["asset"] = known["assets"][where.asset]
    if where.unit:
        unit = next(u for u in register.units if u.id == where.unit)
        told["unit"] = {**told["unit"], "persons": list(msgspec.to_builtins(unit.persons))}
    return told | {"importance": where.importance, "mlps_level": where.mlps_level, "cii": where.cii}


def told(register: Register, address: str, found: dict[str, Place]) -> Document:
    """`{"address", "places": [{"domain", …}]}`."""
    places = [{"domain": domain, **place(register, where)} for domain, where in found.items()]
    return {"address": address, "places": places}


_SECTIONS = {
    "asset": "assets",
    "system": "systems",
    "unit": "units",
    "operator": "units",
    "parent": "units",
    "zone": "zones",
}


def _names(register: Register) -> dict[str, dict[str, Document]]:
    return {
        section: {
            r.id: {"id": r.id, "name": r.name, "name_en": r.name_en} for r in getattr(register, section)
        }
        for section in ("systems", "units", "zones", "assets")
    }


def _bare(prefix: str) -> str:
    """An address as such, not as a prefix of one."""
    return prefix.removesuffix("/32") if "." in prefix else prefix.removesuffix("/128")
