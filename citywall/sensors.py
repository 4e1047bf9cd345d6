"""`[sensor]`: the settings of a live sensor, part of `citywall.settings`."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from citywall.interfacesettings import InterfaceSettings


class SensorSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[sensor]`: how interfaces are captured from. Each sensor has its own."""

    ring_mib: Annotated[
        int,
        Meta(ge=1, le=4096, description="Mebibytes of the kernel's packet ring; when it is full it drops."),
    ] = 64
    buffer_mib: Annotated[
        int, Meta(ge=2, le=65536, description="Mebibytes held for a cluster that is slow or away.")
    ] = 64
    ahead_blocks: Annotated[
        int,
        Meta(ge=1, le=1 << 20, description="Blocks of up to 1 MiB on the cluster that no worker has taken."),
    ] = 1024
    snaplen: Annotated[int, Meta(ge=64, le=262_144, description="Most bytes kept of a packet.")] = 262_144
    filter: Annotated[
        str, Meta(description="Capture filter as tcpdump has it (needs libpcap); empty for all packets.")
    ] = ""
    evidence: Annotated[
        str, Meta(description="Folder for rolling captures of what was seen; empty for none.")
    ] = ""
    segment_mib: Annotated[
        int,
        Meta(ge=1, le=65536, description="Mebibytes of packets after which a new capture is begun there."),
    ] = 256
    evidence_gib: Annotated[
        float, Meta(gt=0, description="Gibibytes these captures, of all interfaces, may take; the oldest go.")
    ] = 10.0
    rules_mib: Annotated[
        int,
        Meta(
            ge=0,
            le=1 << 20,
            description="Mebibytes of packets that the log of a run keeps, for rules to read again after a"
            " restart.",
        ),
    ] = 128
    promiscuous: Annotated[
        bool, Meta(description="Also see packets that are for other machines, as a mirror port brings.")
    ] = True
    interfaces: Annotated[
        dict[str, InterfaceSettings],
        Meta(
            description="By name, what holds for one interface: filter, ring_mib, snaplen, promiscuous,"
            " domain, vlans, lane."
        ),
    ] = {}

    def of(self, interface: str) -> SensorSettings:
        """The settings for one interface."""
        own = self.interfaces.get(interface)
        if own is None:
            return self
        said = {name: getattr(own, name) for name in _OWN if getattr(own, name) is not None}
        return msgspec.structs.replace(self, **said)


#: What an interface may have of its own.
_OWN = ("filter", "ring_mib", "snaplen", "promiscuous")
