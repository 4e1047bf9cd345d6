"""Multicast DNS (RFC 6762): messages of DNS, told by names of their own; whoever sends one speaks to all."""

from __future__ import annotations

from typing import ClassVar

from ingest.applications import dns
from ingest.applications.parser import Parser, Transaction
from ingest.applications.tables import PROTOCOL, TO_SERVER

_PORT = 5353
_OWN = {
    f"dns.{name}.rrname": f"mdns.{name}.rrname"
    for name in ("queries", "answers", "authorities", "additionals", "response")
}


class _Message(Transaction):
    """Of what a message of DNS says, the names, called after multicast DNS."""

    __slots__ = ()

    def put(self, kind: str, direction: int, frame: int, value: bytes, part: int = 0) -> None:
        if own := _OWN.get(kind):
            super().put(own, direction, frame, value, part)

    def note(self, field: str, direction: int, frame: int, value: int, part: int = 0) -> None:
        """Its numbers are no keywords."""


class Mdns(Parser):
    """One sender's messages."""

    name: ClassVar[str] = "mdns"

    def odd(self, kind: str, direction: int, frame: int, transaction: Transaction | None = None) -> None:
        """What is odd of a message of DNS, called after multicast DNS."""
        super().odd("m" + kind, direction, frame, transaction)

    def datagram(self, direction: int, data: bytes, frame: int, time: int) -> None:
        """A message."""
        if len(data) < 12:
            self.odd("dns.malformed_data", TO_SERVER, frame)
            return
        made = _Message(PROTOCOL[self.name], self.made, frame, time, self.wanted)
        self.made += 1
        self.open.append(made)
        dns.read(self, made, TO_SERVER, frame, data)
        made.whole(TO_SERVER, frame)
        self.finish(made)


def looks(direction: int, data: bytes, ports: tuple[int, int]) -> bool | None:
    """Whether a datagram is a message: by port, and as DNS."""
    return dns.looks(direction, data, ports) if _PORT in ports else False
