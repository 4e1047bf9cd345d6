"""What a register is made of, once it has been read and found whole."""

from __future__ import annotations

import msgspec

from citywall.portals import INTERVAL_MIN, Portal

#: Of the form of the files.
VERSION = 1


class Person(msgspec.Struct, frozen=True):
    """Somebody who answers for a unit. `role`: `head`, `security` or `liaison`."""

    name: str
    role: str = "head"
    phone: str = ""
    email: str = ""


class Unit(msgspec.Struct, frozen=True):
    """An office of the government (委办局), or who operates systems for it. `parent` is the unit above."""

    id: str
    name: str
    name_en: str = ""
    parent: str = ""
    persons: tuple[Person, ...] = ()


class Zone(msgspec.Struct, frozen=True):
    """A part of the network with rules of its own (互联网区, 跨网交换区, 公共业务区, …).

    `internet`: whether its hosts may begin contacts outside; `reaches`: ids of the zones they may begin
    contacts with; None where the register says nothing. `exchange`: units meet through its hosts.
    """

    id: str
    name: str
    name_en: str = ""
    internet: bool | None = None
    reaches: tuple[str, ...] | None = None
    exchange: bool = False


class System(msgspec.Struct, frozen=True):
    """An information system. `unit` answers for it, `operator` runs it where that is somebody else.

    `importance` is 1 to 5, five the most. `mlps_level` is its level under GB/T 22240, None where it was not
    graded. `cii`: it is critical information infrastructure.
    """

    id: str
    name: str
    unit: str
    importance: int
    name_en: str = ""
    operator: str = ""
    zone: str = ""
    mlps_level: int | None = None
    cii: bool = False


class Asset(msgspec.Struct, frozen=True):
    """A host or device, or several that are one: `addresses` are prefixes in their network domain.

    What is left open is that of its system, else of the prefix around it.
    """

    id: str
    name: str
    addresses: tuple[str, ...]
    name_en: str = ""
    domain: str = "default"
    system: str = ""
    unit: str = ""
    zone: str = ""
    importance: int | None = None
    mlps_level: int | None = None
    cii: bool | None = None


class Prefix(msgspec.Struct, frozen=True):
    """Whose a part of the address space is; it names at least one of unit, system and zone."""

    prefix: str
    domain: str = "default"
    name: str = ""
    system: str = ""
    unit: str = ""
    zone: str = ""


class Register(msgspec.Struct, frozen=True, omit_defaults=True):
    """Everything, each kind in order of its ids, so that the order of files and entries means nothing."""

    units: tuple[Unit, ...] = ()
    zones: tuple[Zone, ...] = ()
    systems: tuple[System, ...] = ()
    assets: tuple[Asset, ...] = ()
    prefixes: tuple[Prefix, ...] = ()
    portals: tuple[Portal, ...] = ()

    @property
    def domains(self) -> tuple[str, ...]:
        """Names of the network domains it has entries in."""
        return tuple(sorted({a.domain for a in self.assets} | {p.domain for p in self.prefixes}))


def impersonal(register: Register) -> Register:
    """What of a register can end up in an alert: nobody's name or telephone number."""
    return Register(
        tuple(msgspec.structs.replace(u, name_en="", persons=()) for u in register.units),
        tuple(msgspec.structs.replace(z, name_en="") for z in register.zones),
        tuple(msgspec.structs.replace(s, name_en="", operator="") for s in register.systems),
        tuple(msgspec.structs.replace(a, name_en="") for a in register.assets),
        tuple(msgspec.structs.replace(p, name="") for p in register.prefixes),
        tuple(msgspec.structs.replace(p, name_en="", interval=INTERVAL_MIN) for p in register.portals),
    )


def to_text(register: Register) -> str:
    """A register as one line of JSON; the same for the same register."""
    return msgspec.json.encode(register).decode()


def from_text(text: str) -> Register:
    """What `to_text` wrote; raises ValueError for anything else."""
    try:
        return msgspec.json.decode(text, type=Register)
    except msgspec.DecodeError as e:
        raise ValueError(f"this is no register: {e}") from e
