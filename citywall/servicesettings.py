"""Settings of the service (`citywall up`), part of `citywall.settings`."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta


class ServiceSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[service]`: the process that runs on: what it takes in, and what it does by itself."""

    watch: Annotated[
        str, Meta(description="Folder whose captures and flow logs are taken in, each once; empty for none.")
    ] = ""
    interfaces: Annotated[
        tuple[str, ...], Meta(description="Network interfaces whose packets are taken in.")
    ] = ()
    collector: Annotated[
        str,
        Meta(
            pattern="^[A-Za-z0-9._-]{0,64}$",
            description="Name of a collector of flow exports over UDP, as [collector] says; empty for none.",
        ),
    ] = ""
    sensors: Annotated[
        tuple[str, ...], Meta(description="Names of sensors elsewhere that are waited for (Kafka only).")
    ] = ()
    settle_s: Annotated[
        float,
        Meta(ge=0, le=3600, description="Seconds a file in the watched folder must not have changed for."),
    ] = 2.0
    packets_gib: Annotated[
        float,
        Meta(ge=0, description="Gibibytes of interfaces' packets kept as evidence, together; 0 for none."),
    ] = 2.0
    socket_mode: Annotated[
        str,
        Meta(
            pattern="^06[046]0$",
            description="Rights of the socket: 0600 for its owner, 0660 for its group too.",
        ),
    ] = "0600"
    session_minutes: Annotated[
        int, Meta(ge=1, le=1440, description="Minutes without a word after which a log-in is over.")
    ] = 30
    report_minute: Annotated[
        int,
        Meta(
            ge=0, le=1439,
            description="Minutes after the beginning of a report day at which the one before is reported.",
        ),
    ] = 15  # fmt: skip
    triggers: Annotated[
        dict[str, str],
        Meta(
            description="Playbooks that are begun by themselves, and for which alerts (as `alerts --where`)."
        ),
    ] = {}
    triggers_live: Annotated[
        bool,
        Meta(
            description="Begin them for real, not as dry runs; what contains waits for approval all the same."
        ),
    ] = False
