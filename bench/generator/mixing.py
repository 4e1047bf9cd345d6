"""A mix of captures of others: many small files played side by side, again and again with other addresses.

Each round is a minute in which every file begins at a random moment; the IPv4 addresses of round k have their
third octet moved by 11k, checksums kept right. The same files give the same bytes.
"""

from __future__ import annotations

import hashlib
import os
import random
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from bench.errors import BenchError

#: Floods, scans and field buses would be most of the mix.
LEFT_OUT = frozenset({"dos", "ics", "scan"})
_FEWEST, _MOST, _LONGEST_US = 4, 20_000, 600_000_000
_ROUND_US, _PLAYED_US, _BEGIN_US = 60_000_000, 30e6, 1_700_000_000_000_000
_SHIFT = 11
_ETHERNET, _SNAP = 1, 262_144
_MAGICS = {b"\xd4\xc3\xb2\xa1": ("<", 1), b"\xa1\xb2\xc3\xd4": (">", 1), b"\x4d\x3c\xb2\xa1": ("<", 1000),
           b"\xa1\xb2\x3c\x4d": (">", 1000)}  # fmt: skip
_TAGS = (b"\x81\x00", b"\x88\xa8")
_CHECKSUM_AT = {6: 16, 17: 6}


class Packet(NamedTuple):
    """Time in microseconds, bytes, length on the wire."""

    time: int
    data: bytes
    length: int


def write_mix(path: Path, folder: Path, packets: int) -> dict[str, int]:
    """Write at least so many packets (whole rounds) of the captures below a folder; raises BenchError."""
    files = list(_usable(folder))
    if not files:
        raise BenchError(f"{folder} holds no captures to mix: Ethernet, classic pcap, 4 to 20,000 packets")
    draw = random.Random(7)  # noqa: S311  (the same bytes each time)
    written = size = rounds = 0
    with path.open("wb") as out:
        out.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, _SNAP, _ETHERNET))
        while written < packets:
            for time, _, _, packet in _round(files, draw, _BEGIN_US + rounds * _ROUND_US):
                data = moved(packet.data, rounds)
                seconds, rest = divmod(time, 1_000_000)
                out.write(struct.pack("<IIII", seconds, rest, len(data), packet.length) + data)
                written += 1
                size += len(data)
            rounds += 1
    return {"packets": written, "bytes": size, "rounds": rounds, "files": len(files)}


def _round(files: list[list[Packet]], draw: random.Random, begin: int) -> list[tuple[int, int, int, Packet]]:
    events = []
    for number, packets in enumerate(files):
        start, first = draw.randrange(_ROUND_US // 2), packets[0].time
        pace = min(1.0, _PLAYED_US / max(1, packets[-1].time - first))
        events += [
            (begin + start + int((packet.time - first) * pace), number, place, packet)
            for place, packet in enumerate(packets)
        ]
    events.sort(key=lambda event: event[:3])
    return events


def _usable(folder: Path) -> Iterator[list[Packet]]:
    """Every distinct capture that can be mixed, by path."""
    seen: set[bytes] = set()
    found: list[tuple[str, list[Packet]]] = []
    for place, _, names in sorted(os.walk(folder)):
        if Path(place).name in LEFT_OUT:
            continue
        for name in sorted(names):
            path = Path(place) / name
            if path.suffix != ".pcap":
                continue
            raw = path.read_bytes()
            digest = hashlib.sha256(raw).digest()
            if digest in seen:
                continue
            seen.add(digest)
            packets = sorted(_packets(raw), key=lambda packet: packet.time)
            if _FEWEST <= len(packets) <= _MOST and packets[-1].time - packets[0].time < _LONGEST_US:
                found.append((str(path), packets))
    for _, packets in sorted(found, key=lambda item: item[0]):
        yield packets


def _packets(raw: bytes) -> Iterator[Packet]:
    if len(raw) < 24 or raw[:4] not in _MAGICS:
        return
    order, divisor = _MAGICS[raw[:4]]
    if struct.unpack(f"{order}I", raw[20:24])[0] & 0xFFFF != _ETHERNET:
        return
    at = 24
    while at + 16 <= len(raw):
        seconds, part, captured, length = struct.unpack(f"{order}IIII", raw[at : at + 16])
        at += 16
        if at + captured > len(raw) or captured > 65535:
            return
        yield Packet(seconds * 1_000_000 + part // divisor, raw[at : at + captured], max(length, captured))
        at += captured


def moved(data: bytes, rounds: int) -> bytes:
    """A frame with the third octet of its unicast IPv4 addresses moved, and its checksums with them."""
    if rounds == 0 or len(data) < 34:
        return data
    at, kind = 14, data[12:14]
    while kind in _TAGS:
        if len(data) < at + 24:
            return data
        kind = data[at + 2 : at + 4]
        at += 4
    if kind != b"\x08\x00" or len(data) < at + 20:
        return data
    frame = bytearray(data)
    protocol, fragment = frame[at + 9], _word(frame, at + 6) & 0x1FFF
    above = at + (frame[at] & 15) * 4 + _CHECKSUM_AT.get(protocol, 0)
    known = protocol in _CHECKSUM_AT and fragment == 0 and len(frame) >= above + 2
    carried = known and not (protocol == 17 and _word(frame, above) == 0)
    for address in (at + 12, at + 16):
        if frame[address] >= 224:
            continue
        old = _word(frame, address + 2)
        frame[address + 2] = (frame[address + 2] + _SHIFT * rounds) & 255
        new = _word(frame, address + 2)
        for checksum in (at + 10, *((above,) if carried else ())):
            struct.pack_into(">H", frame, checksum, _fixed(_word(frame, checksum), old, new))
    return bytes(frame)


def _word(frame: bytearray, at: int) -> int:
    return int.from_bytes(frame[at : at + 2], "big")


def _fixed(checksum: int, old: int, new: int) -> int:
    """A checksum after one of its words changed (RFC 1624)."""
    total = (~checksum & 0xFFFF) + (~old & 0xFFFF) + new
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF
