"""What bytes are of, for connections that parsers in Python read: asked of the kernel that asks for all."""

from __future__ import annotations

from functools import cache

import numpy as np

from ingest.applications.compiled.looks import kernels
from ingest.applications.registry import TCP, UDP, among
from ingest.applications.tables import PROTOCOL, PROTOCOLS


def recognise(
    protocols: tuple[str, ...], direction: int, data: bytes, ports: tuple[int, int], *, udp: bool
) -> str | None:
    """The protocol that bytes are of; "" where none is, None where more bytes may tell.

    Those of `protocols` are looked for, all where there are none, as `registry.recognise` does.
    """
    array = np.frombuffer(bytearray(data), np.uint8)  # kernels are compiled for what can be written
    found = kernels.recognised(udp, _allowed(protocols, udp), direction, array, *ports)
    return None if found < 0 else PROTOCOLS[found] if found else ""


@cache
def _allowed(protocols: tuple[str, ...], udp: bool) -> int:
    """A bit for each protocol that is looked for."""
    return sum(1 << PROTOCOL[name] for name in among(UDP if udp else TCP, protocols))


def compile_recognising() -> None:
    """Compile the kernel: captures of which kernels read everything never ask it."""
    recognise((), 0, b"", (0, 0), udp=False)
