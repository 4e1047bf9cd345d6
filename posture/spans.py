"""Prefixes as spans of integers. `ipaddress` takes ten times as long, and a register has many."""

from __future__ import annotations

import socket
from typing import NamedTuple

from citywall.addresses import V4_MAPPED, is_private

_BITS = {4: 32, 6: 128}
_MASK = (1 << 64) - 1
_MAPPED = 0xFFFF  # what stands above the 32 bits of an IPv4 address in its mapped form


class Span(NamedTuple):
    """The addresses from `start` to `stop`, both included, of an IP version."""

    version: int
    start: int
    stop: int

    @property
    def private(self) -> bool:
        """Whether all of it may be used again behind another gateway.

        No private block borders on another, so what begins and ends in one lies in one.
        """
        return private(self.version, self.start) and private(self.version, self.stop)


def host(text: str) -> tuple[int, int]:
    """An address as its IP version and value; IPv4 in its mapped form is IPv4. Raises ValueError."""
    try:
        if ":" not in text:
            return 4, int.from_bytes(socket.inet_pton(socket.AF_INET, text), "big")
        value = int.from_bytes(socket.inet_pton(socket.AF_INET6, text), "big")
    except (OSError, ValueError) as e:  # ValueError: half a character, or a zero in it
        raise ValueError(f"{text!r} is no address") from e
    return (4, value & 0xFFFF_FFFF) if value >> 32 == _MAPPED else (6, value)


def span(prefix: str) -> Span:
    """A prefix in canonical form as a span; raises ValueError."""
    text, _, length = prefix.partition("/")
    version, start = host(text)
    if not (length.isascii() and length.isdigit() and int(length) <= _BITS[version]):
        raise ValueError(f"{prefix!r} is no prefix")
    size = 1 << (_BITS[version] - int(length))
    if start % size:
        raise ValueError(f"{prefix!r} has bits behind its mask")
    return Span(version, start, start + size - 1)


def private(version: int, value: int) -> bool:
    """Whether an address may be used again behind another gateway."""
    return is_private(0, V4_MAPPED | value) if version == 4 else is_private(value >> 64, value & _MASK)
