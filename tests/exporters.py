"""Datagrams as exporters send them, built byte by byte."""

from __future__ import annotations

import struct
from collections.abc import Sequence

Fields = Sequence[tuple[int, ...]]  # (element, length) or (element, length, enterprise)

#: Addresses, ports, protocol, flags, packets, bytes, first and last by uptime.
PLAIN: Fields = ((8, 4), (12, 4), (7, 2), (11, 2), (4, 1), (6, 1), (2, 4), (1, 4), (22, 4), (21, 4))


def flow(src: str, dst: str, sport: int, dport: int, *, flags: int = 24, packets: int = 3, size: int = 300,
         first: int = 1000, last: int = 2000, proto: int = 6) -> bytes:  # fmt: skip
    """A record of PLAIN."""
    quad = [bytes(int(part) for part in address.split(".")) for address in (src, dst)]
    return b"".join(quad) + struct.pack(">HHBBIIII", sport, dport, proto, flags, packets, size, first, last)


def content(number: int, raw: bytes) -> bytes:
    """A set."""
    return struct.pack(">HH", number, 4 + len(raw)) + raw


def template(number: int, fields: Fields, version: int = 9) -> bytes:
    """A template set."""
    return content(0 if version == 9 else 2, struct.pack(">HH", number, len(fields)) + _spec(fields))


def options(number: int, scopes: Fields, fields: Fields, version: int = 9) -> bytes:
    """An options template set."""
    if version == 9:
        head = struct.pack(">HHH", number, len(scopes) * 4, len(fields) * 4)
    else:
        head = struct.pack(">HHH", number, len(scopes) + len(fields), len(scopes))
    return content(1 if version == 9 else 3, head + _spec([*scopes, *fields]))


def _spec(fields: Fields) -> bytes:
    raw = b""
    for element, length, *enterprise in fields:
        number = element | (0x8000 if enterprise else 0)
        raw += struct.pack(">HH", number, length) + b"".join(struct.pack(">I", e) for e in enterprise)
    return raw


def nine(
    *sets: bytes, sequence: int = 0, domain: int = 7, seconds: int = 1_700_000_000, uptime: int = 5000
) -> bytes:
    """A datagram of NetFlow v9."""
    return struct.pack(">HHIIII", 9, len(sets), uptime, seconds, sequence, domain) + b"".join(sets)


def ten(*sets: bytes, sequence: int = 0, domain: int = 7, seconds: int = 1_700_000_000) -> bytes:
    """An IPFIX message."""
    raw = b"".join(sets)
    return struct.pack(">HHIII", 10, 16 + len(raw), seconds, sequence, domain) + raw


def five(*records: bytes, sequence: int = 0, sampling: int = 0, seconds: int = 1_700_000_000) -> bytes:
    """A datagram of NetFlow v5; records are those of PLAIN."""
    raw = b""
    for r in records:
        sport, dport, proto, flags, packets, size, first, last = struct.unpack(">HHBBIIII", r[8:])
        raw += (
            r[:8]
            + bytes(8)
            + struct.pack(">IIIIHHBBBB", packets, size, first, last, sport, dport, 0, flags, proto, 0)
        )
        raw += bytes(8)
    return struct.pack(">HHIIIIHH", 5, len(records), 5000, seconds, 0, sequence, 0, sampling) + raw


def sample(header: bytes, *, rate: int = 512, wire: int = 0, protocol: int = 1, kind: int = 1) -> bytes:
    """A flow sample of sFlow v5 with a sampled header."""
    padded = header + bytes(-len(header) % 4)
    record = struct.pack(">IIII", protocol, wire or len(header), 4, len(header)) + padded
    record = struct.pack(">II", 1, len(record)) + record
    if kind == 1:
        body = struct.pack(">IIIIIIII", 1, 3, rate, 100, 0, 1, 2, 1) + record
    else:
        body = struct.pack(">IIIIIIIIIII", 1, 0, 3, rate, 100, 0, 0, 1, 0, 2, 1) + record
    return struct.pack(">II", kind, len(body)) + body


def sflow(*samples: bytes, sequence: int = 1, v6: bool = False) -> bytes:
    """A datagram of sFlow v5."""
    agent = struct.pack(">I", 2) + bytes(15) + b"\1" if v6 else struct.pack(">I", 1) + bytes((192, 0, 2, 1))
    return (
        struct.pack(">I", 5)
        + agent
        + struct.pack(">IIII", 0, sequence, 1000, len(samples))
        + b"".join(samples)
    )
