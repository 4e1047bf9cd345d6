"""DHCP (RFC 2131): each message is a transaction."""

from __future__ import annotations

from typing import ClassVar

from ingest.applications.parser import Parser
from ingest.applications.tables import TO_CLIENT, TO_SERVER

_COOKIE = b"\x63\x82\x53\x63"
_NUMBERS = {51: "dhcp.leasetime", 58: "dhcp.renewal_time", 59: "dhcp.rebinding_time"}
_TEXTS = {12: "dhcp.hostname", 60: "dhcp.vendor_class"}


class Dhcp(Parser):
    """One conversation's messages."""

    name: ClassVar[str] = "dhcp"

    def datagram(self, direction: int, data: bytes, frame: int, time: int) -> None:
        """A message."""
        made = self.begin(frame, time)
        d = TO_CLIENT if data[:1] == b"\2" else TO_SERVER
        made.note("dhcp.assigned_ip", d, frame, int.from_bytes(data[16:20], "big"))
        at = 240
        while at < len(data) and data[at] != 255:
            if data[at] == 0:
                at += 1
                continue
            if at + 2 > len(data) or at + 2 + data[at + 1] > len(data):
                self.odd("dhcp.malformed_options", d, frame, made)
                break
            kind, value = data[at], data[at + 2 : at + 2 + data[at + 1]]
            if kind == 53 and len(value) == 1:
                made.note("dhcp.type", d, frame, value[0])
            elif kind in _NUMBERS and len(value) == 4:
                made.note(_NUMBERS[kind], d, frame, int.from_bytes(value, "big"))
            elif kind in _TEXTS:
                made.put(_TEXTS[kind], d, frame, value)
            at += 2 + len(value)
        made.whole(d, frame)
        self.finish(made)


def looks(direction: int, data: bytes, ports: tuple[int, int]) -> bool | None:
    """Whether a datagram is a message."""
    return (
        len(data) >= 240
        and data[236:240] == _COOKIE
        and data[0] in (1, 2)
        and bool({67, 68} & set(ports))
        and direction in (TO_SERVER, TO_CLIENT)
    )
