"""Writes captures by hand, and reads them back slowly and plainly: the oracle of the walk."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field

NEAR, CHAIN = 86400, 8


@dataclass(frozen=True)
class Record:
    time: int  # ns
    data: bytes
    wire: int | None = None

    @property
    def on_wire(self) -> int:
        return len(self.data) if self.wire is None else self.wire


def pcap(records, *, big=False, nano=False, link=1, version=(2, 4)) -> bytes:
    e, unit = "><"[not big], 1 if nano else 1000
    out = [struct.pack(e + "IHHiIII", 0xA1B23C4D if nano else 0xA1B2C3D4, *version, 0, 0, 262144, link)]
    for r in records:
        seconds, fraction = divmod(r.time, 1_000_000_000)
        out.append(struct.pack(e + "IIII", seconds, fraction // unit, len(r.data), r.on_wire) + r.data)
    return b"".join(out)


def block(kind: int, body: bytes, *, big=False) -> bytes:
    e = "><"[not big]
    body += b"\0" * (-len(body) % 4)
    return struct.pack(e + "II", kind, len(body) + 12) + body + struct.pack(e + "I", len(body) + 12)


def section(*, big=False, options=b"") -> bytes:
    return block(0x0A0D0D0A, struct.pack("><"[not big] + "IHHq", 0x1A2B3C4D, 1, 0, -1) + options, big=big)


def option(code: int, value: bytes, *, big=False) -> bytes:
    return struct.pack("><"[not big] + "HH", code, len(value)) + value + b"\0" * (-len(value) % 4)


def interface(link=1, snap=0, *, big=False, options=b"") -> bytes:
    return block(1, struct.pack("><"[not big] + "HHI", link, 0, snap) + options, big=big)


def enhanced(r: Record, number=0, *, big=False, ticks=None, options=b"") -> bytes:
    ticks = r.time // 1000 if ticks is None else ticks
    head = struct.pack(
        "><"[not big] + "IIIII", number, ticks >> 32, ticks & 0xFFFFFFFF, len(r.data), r.on_wire
    )
    return block(6, head + r.data + b"\0" * (-len(r.data) % 4) + options, big=big)


def obsolete(r: Record, number=0, *, big=False) -> bytes:
    ticks = r.time // 1000
    head = struct.pack(
        "><"[not big] + "HHIIII", number, 7, ticks >> 32, ticks & 0xFFFFFFFF, len(r.data), r.on_wire
    )
    return block(2, head + r.data, big=big)


def simple(r: Record, *, big=False) -> bytes:
    return block(3, struct.pack("><"[not big] + "I", r.on_wire) + r.data, big=big)


def pcapng(records, *, big=False, link=1, nano=False) -> bytes:
    options = option(9, b"\x09", big=big) if nano else b""
    head = section(big=big) + interface(link, big=big, options=options)
    return head + b"".join(enhanced(r, big=big, ticks=r.time if nano else None) for r in records)


@dataclass
class Walked:
    """What a walk should give: (offset of the data, captured, wire, time) of each record, and the rest."""

    records: list[tuple[int, int, int, int]] = field(default_factory=list)
    errors: dict[str, int] = field(default_factory=dict)
    skipped: int = 0


class PcapOracle:
    """A plain walk over a pcap file, record by record."""

    def __init__(self, data: bytes, max_record: int) -> None:
        self.data, self.max = data, max_record
        big = data[:4] in (b"\xa1\xb2\xc3\xd4", b"\xa1\xb2\x3c\x4d")
        self.unit = 1 if b"\x3c" in data[:4] else 1000
        self.e = "><"[not big] + "IIII"

    def header(self, at, near):
        seconds, fraction, captured, wire = struct.unpack_from(self.e, self.data, at)
        after = at + 16 + captured
        if captured > self.max or (captured == 0 and wire == 0):
            return "bad", after, seconds
        if after > len(self.data):
            return "beyond", after, seconds
        odd = captured > wire or wire > self.max or fraction >= 1_000_000_000 // self.unit
        odd |= near >= 0 and abs(seconds - near) > NEAR
        return "odd" if odd else "fine", after, seconds

    def chains(self, at, near, wanted, strict):
        whole = 0
        while whole < wanted:
            left = len(self.data) - at
            if left == 0:
                return whole > 0 or not strict
            look, after, seconds = ("beyond", 0, 0) if left < 16 else self.header(at, near)
            if look == "bad" or (strict and look == "odd"):
                return False
            if look == "beyond":
                return whole >= 2 or not strict
            whole, near, at = whole + 1, seconds, after
        return True

    def search(self, at, near):
        for place in range(at, len(self.data) - 15):
            if self.chains(place, near, CHAIN, True):
                return place
        return -1

    def find(self, at, near):
        loose = self.search(at, -1)
        if loose < 0 or near < 0 or abs(struct.unpack_from(self.e, self.data, loose)[0] - near) <= NEAR:
            return loose
        close = self.search(loose + 1, near)
        return loose if close < 0 else close

    def walk(self) -> Walked:
        out, at, near, end = Walked(), 24, -1, len(self.data)
        while at < end:
            look, after, seconds = ("beyond", 0, 0) if end - at < 16 else self.header(at, near)
            if look == "odd" and not self.chains(after, -1, 4, False):
                look = "bad"
            if look in ("bad", "beyond"):
                found = self.find(at + 1, near)
                name = "record_truncated" if look == "beyond" and found < 0 else "corrupt_record_length"
                out.errors[name] = out.errors.get(name, 0) + 1
                to = end if found < 0 else found
                out.skipped += to - at
                at = to
                continue
            s, fraction, captured, wire = struct.unpack_from(self.e, self.data, at)
            out.records.append((at + 16, captured, max(wire, captured), s * 10**9 + fraction * self.unit))
            near, at = self.neighbour(after, near, seconds), after
        return out

    def neighbour(self, after, near, seconds):
        if near >= 0 and abs(seconds - near) > NEAR and len(self.data) - after >= 16:
            there, *_ = struct.unpack_from(self.e, self.data, after)
            return near if abs(there - near) <= NEAR else seconds
        return seconds
