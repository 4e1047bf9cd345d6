"""Settings of stream reassembly and of the application layers above it."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

Policy = Literal["bsd", "first", "last", "linux", "windows"]
Urgent = Literal["oob", "inline", "drop", "gap"]


class ApplicationSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[applications]`: how TCP streams are put together and application layers read."""

    protocols: Annotated[
        tuple[str, ...], Meta(description="Protocols that are read, as `http`, `dns`; empty for all.")
    ] = ()
    midstream: Annotated[bool, Meta(description="Follow TCP connections whose beginning was not seen.")] = (
        True
    )
    async_oneside: Annotated[
        bool, Meta(description="Follow TCP connections of which only one direction is seen.")
    ] = False
    inline: Annotated[bool, Meta(description="Use bytes as they come, not when they are acknowledged.")] = (
        False
    )
    checksums: Annotated[bool, Meta(description="Ignore TCP packets whose checksum is wrong.")] = False
    policy: Annotated[
        Policy, Meta(description="Whose bytes stand where two TCP segments overlap: as this system would.")
    ] = "bsd"
    urgent: Annotated[
        Urgent,
        Meta(
            description=(
                "Urgent bytes of TCP: beside the stream (oob), in it (inline), missing in it (gap), "
                "or their packets are not taken (drop, with `inline`)."
            )
        ),
    ] = "oob"
    depth_bytes: Annotated[
        int,
        Meta(ge=0, le=1 << 30, description="Bytes of each direction of a connection that are read; 0: all."),
    ] = 1 << 20
    deep_ports: Annotated[
        tuple[Annotated[int, Meta(ge=1, le=65535)], ...],
        Meta(
            max_length=8,
            description="Ports whose connections are read to their end: shares, machinery.",
        ),
    ] = (139, 445, 502)
    max_streams: Annotated[
        int,
        Meta(
            ge=16, le=1 << 24, description="Connections held; beyond it the one idle longest ends, counted."
        ),
    ] = 262_144
    memory_mib: Annotated[
        int,
        Meta(ge=4, le=1 << 16, description="Mebibytes for bytes that wait for a hole or an acknowledgement."),
    ] = 128
    body_bytes: Annotated[
        int, Meta(ge=0, le=1 << 28, description="Bytes of an HTTP body, a mail part or a file that are kept.")
    ] = 102_400
    inflate_bytes: Annotated[
        int, Meta(ge=0, le=1 << 28, description="Bytes that a compressed body may inflate to.")
    ] = 1 << 20
    inflate_layers: Annotated[
        int, Meta(ge=0, le=16, description="Compressions inside one another that are undone.")
    ] = 2
    lzma: Annotated[bool, Meta(description="Undo LZMA in HTTP bodies, which no browser asks for.")] = False
    units: Annotated[bool, Meta(description="Keep the protocol units that rules look into with `frame`.")] = (
        False
    )
    hashes: Annotated[bool, Meta(description="MD5, SHA-1 and SHA-256 of files that were seen whole.")] = True
