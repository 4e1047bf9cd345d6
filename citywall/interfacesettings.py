"""What is said of one interface of a sensor, part of `citywall.sensors`."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta


class InterfaceSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[sensor.interfaces.NAME]`: what holds for one interface; what is left out is as `[sensor]` says."""

    filter: str | None = None
    ring_mib: Annotated[int, Meta(ge=1, le=4096)] | None = None
    snaplen: Annotated[int, Meta(ge=64, le=262_144)] | None = None
    promiscuous: bool | None = None
    #: Where its packets without a VLAN of a domain of its own are: one of `domains.names`.
    domain: str = ""
    #: VLAN to domain name, on this interface alone.
    vlans: dict[str, str] = {}
    lane: Annotated[str, Meta(pattern="^(|live|drill|test)$")] = ""
