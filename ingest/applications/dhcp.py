"""DHCP (RFC 2131): each message is a transaction."""

from __future__ import annotations

from typing import ClassVar

from ingest.applications.parser import Parser
from ingest.applications.tables import TO_CLIENT, TO_SERVER

_COOKIE = b"\x63\x82\x53\x63"
_NUMBERS = {51: "dhcp.leasetime", 58: "dhcp.renewal_time", 59: "dhcp.rebinding_time"}
_TEXTS = {12: "dhcp.hostname", 60: "dhcp.vendor_class"}
_PAD, _OVERLOAD, _TYPE, _CLIENT, _END = 0, 52, 53, 61, 255
#: Where more options stand, by the bits of option 52: the boot file's name, the server's (RFC 2132, 9.3).
_MORE = ((1, slice(108, 236)), (2, slice(44, 108)))
_OPTIONS = 240


class Dhcp(Parser):
    """One conversation's messages."""

    name: ClassVar[str] = "dhcp"

    def datagram(self, direction: int, data: bytes, frame: int, time: int) -> None:
        """A message."""
        made = self.begin(frame, time)
        made.note("dhcp.assigned_ip", direction, frame, int.from_bytes(data[16:20], "big"))
        found, sound = _options(data[_OPTIONS:])
        overload = next((value[0] for kind, value in found if kind == _OVERLOAD and len(value) == 1), 0)
        for bit, where in _MORE:
            if overload & bit:
                found += _options(data[where])[0]
        if not sound and len(data) >= _OPTIONS:
            self.odd("dhcp.truncated_options", direction, frame, made)
        told = set()  # what is given twice is asked by its first
        for kind, value in found:
            if kind in told:
                continue
            told.add(kind)
            if kind == _TYPE and len(value) == 1:
                made.note("dhcp.type", direction, frame, value[0])
            elif kind in _NUMBERS and len(value) == 4:
                made.note(_NUMBERS[kind], direction, frame, int.from_bytes(value, "big"))
            elif kind in _TEXTS:
                made.put(_TEXTS[kind], direction, frame, value)
        made.whole(direction, frame)
        self.finish(made)


def _options(data: bytes) -> tuple[list[tuple[int, bytes]], bool]:
    """Options, and whether they come to their end as they should."""
    found: list[tuple[int, bytes]] = []
    at, sound = 0, True
    while at < len(data) and data[at] != _END:
        if data[at] == _PAD:
            at += 1
            continue
        if at + 2 > len(data) or at + 2 + data[at + 1] > len(data):
            return found, False
        kind, value = data[at], data[at + 2 : at + 2 + data[at + 1]]
        sound = sound and (kind != _CLIENT or len(value) > 1)
        found.append((kind, value))
        at += 2 + len(value)
    return found, sound and at < len(data)


def looks(direction: int, data: bytes, ports: tuple[int, int]) -> bool | None:
    """Whether a datagram is a message."""
    return (
        len(data) >= 240
        and data[236:240] == _COOKIE
        and data[0] in (1, 2)
        and bool({67, 68} & set(ports))
        and direction in (TO_SERVER, TO_CLIENT)
    )
