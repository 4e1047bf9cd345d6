"""`[collector]`: the settings of flow exports and their collector, part of `citywall.settings`."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta


class CollectorSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[collector]`: flow exports (NetFlow, IPFIX, sFlow), over UDP and from files."""

    captures: Annotated[
        bool,
        Meta(
            description="Read a capture that holds nothing but flow exports for the flows they tell of, "
            "not as traffic."
        ),
    ] = True
    listen: Annotated[
        tuple[str, ...],
        Meta(description="Addresses that exporters send to, as HOST:PORT or [HOST]:PORT."),
    ] = ("[::]:2055", "[::]:4739", "[::]:6343")
    exporters: Annotated[
        tuple[str, ...],
        Meta(description="Networks that exporters may send from; others are dropped and counted."),
    ] = ("127.0.0.0/8", "::1/128")
    seconds: Annotated[
        float, Meta(ge=0, description="Seconds after which a collector of a run ends; 0 for a signal.")
    ] = 0
    receive_mib: Annotated[
        int, Meta(ge=1, le=1024, description="Mebibytes of the kernel's buffer of each socket.")
    ] = 16
    segment_mib: Annotated[
        int, Meta(ge=1, le=4096, description="Mebibytes of datagrams after which a new file is begun.")
    ] = 64
    disk_budget_gib: Annotated[
        float, Meta(gt=0, description="Gibibytes that received datagrams may take; the oldest files go.")
    ] = 4.0
