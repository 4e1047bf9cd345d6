"""Settings of how fragments become datagrams."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

FragmentPolicy = Literal["bsd", "bsd-right", "linux", "windows", "solaris", "first", "last"]


class FragmentSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[fragments]`: how fragments of IP datagrams are put together."""

    policy: Annotated[
        FragmentPolicy,
        Meta(description="Whose bytes stand where two fragments overlap: as this system would."),
    ] = "bsd"
    timeout_s: Annotated[
        int,
        Meta(ge=1, le=3600, description="Seconds after a datagram's first fragment at which it is given up."),
    ] = 60
    memory_mib: Annotated[
        int,
        Meta(
            ge=1,
            le=1 << 14,
            description="Mebibytes for fragments that wait; beyond it the oldest datagrams go.",
        ),
    ] = 32
