"""Flows by the million as the meter reports them: columns in, FLOW rows out, no packet needed.

A flow is reported half a second after it began, then at most eight times while it lasts, and once when it was
idle for two minutes; what a report says of a longer flow is its share of the whole.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from citywall.batches import ACK, END, END_IDLE, FIN, FLOW, OPEN, PSH, RST, SYN, TCP, UPDATE

SECOND = 1_000_000_000
_HALF, _IDLE, _UPDATES = SECOND // 2, 120 * SECOND, 8
_V4 = np.uint64(0xFFFF << 32)

#: How a TCP flow went: its first packet's flags, the source's, the target's.
FORMS = {
    "talk": (SYN, SYN | ACK | PSH | FIN, SYN | ACK | PSH | FIN),
    "open": (SYN, SYN | ACK | PSH, SYN | ACK | PSH),
    "silent": (SYN, SYN, 0),
    "refused": (SYN, SYN, RST | ACK),
    "stray": (ACK, ACK, RST),
    "none": (0, 0, 0),
}

Column = NDArray[Any] | Sequence[float] | float


def address(text: str) -> int:
    """An IPv4 address as the number that columns hold."""
    return int(ipaddress.IPv4Address(text))


def head(text: bytes) -> int:
    """First payload bytes as the number that columns hold."""
    return int.from_bytes(text[:8].ljust(8, b"\0"), "big")


@dataclass
class Flows:
    """Flows as columns, kind after kind; `rows` gives what the meter would report."""

    begun: int
    parts: list[NDArray[np.void]] = field(default_factory=list)

    def add(
        self, at: Column, src: Column, dst: Column, dport: Column, proto: int = TCP, *,
        sport: Column | None = None, form: str = "talk", lasts: Column = 0.2,
        packets: tuple[Column, Column] = (8, 8), payload: tuple[Column, Column] = (600, 4000),
        heads: tuple[bytes, bytes] = (b"", b""), icmp: int = 0, domain: Column = 0,
    ) -> None:  # fmt: skip
        """Flows that begin `at` seconds after the beginning; every column may be one value for all."""
        times = np.atleast_1d(np.asarray(at, np.float64))
        n = len(times)
        first, s_flags, d_flags = FORMS[form if proto == TCP else "none"]
        flows = np.zeros(n, FLOW)
        flows["first"] = self.begun + (times * SECOND).astype(np.int64)
        flows["last"] = flows["first"] + (np.broadcast_to(np.asarray(lasts, np.float64), n) * SECOND).astype(
            np.int64
        )
        for side, where in (("src", src), ("dst", dst)):
            flows[f"{side}_lo"] = np.broadcast_to(np.asarray(where), n).astype(np.uint64) | _V4
        taken = sum(len(part) for part in self.parts)
        flows["src_port"] = 20000 + (np.arange(n) + taken) % 40000 if sport is None else sport
        flows["dst_port"] = dport
        flows["proto"], flows["version"], flows["icmp_type"] = proto, 4, icmp
        flows["domain"] = flows["vlan"] = domain
        flows["first_flags"], flows["src_flags"], flows["dst_flags"] = first, s_flags, d_flags
        for k, side in enumerate(("src", "dst")):
            flows[f"{side}_packets"], flows[f"{side}_payload"] = packets[k], payload[k]
            flows[f"{side}_head"] = head(heads[k])
        self.parts.append(flows)

    def rows(self) -> NDArray[np.void]:
        """Every report of every flow, in order of time and flow."""
        flows = np.concatenate(self.parts) if self.parts else np.zeros(0, FLOW)
        flows = flows[np.argsort(flows["first"], kind="stable")]
        numbers = np.arange(len(flows), dtype=np.uint64)
        flows["flow_id"] = (numbers + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
        flows["frame"], flows["offset"] = numbers + np.uint64(1), numbers * np.uint64(100)
        header = np.where(flows["proto"] == TCP, 40, 28).astype(np.uint64)
        for side in ("src", "dst"):
            flows[f"{side}_bytes"] = flows[f"{side}_packets"] * header + flows[f"{side}_payload"]
        return _reported(flows)


def _reported(flows: NDArray[np.void]) -> NDArray[np.void]:
    lasted = flows["last"] - flows["first"]
    more = np.minimum(np.maximum(lasted - _HALF, 0) // SECOND + (lasted > _HALF), _UPDATES)
    count = more + 2
    which = np.repeat(np.arange(len(flows)), count)
    number = np.arange(len(which)) - np.repeat(np.cumsum(count) - count, count)
    rows = flows[which]
    end = number == np.repeat(count, count) - 1
    # the last update is at the flow's end, those before evenly on the way
    step = np.maximum(number, 0) / np.maximum(more[which], 1)
    at = np.where(number == 0, np.minimum(lasted[which], _HALF), np.minimum(step, 1.0) * lasted[which])
    at = np.where(end, lasted[which], np.maximum(at, np.minimum(lasted[which], _HALF))).astype(np.int64)
    share = np.where(lasted[which] > 0, at / np.maximum(lasted[which], 1), 1.0)
    rows["report"] = number
    rows["kind"] = np.where(end, END, np.where(number == 0, OPEN, UPDATE))
    rows["reason"] = np.where(end, END_IDLE, 0)
    told = rows["first"] + np.where(end, at + _IDLE, np.maximum(at, _HALF))
    rows["time"] = told + (-told) % _HALF
    rows["last"] = rows["first"] + at
    over = share >= 1
    for side in ("src", "dst"):
        for what in ("packets", "bytes", "payload"):
            whole = rows[f"{side}_{what}"]
            part = np.floor(whole * share).astype(np.uint64)
            if what == "packets" and side == "src":
                part = np.maximum(part, 1)
            rows[f"{side}_{what}"] = np.where(over, whole, np.minimum(part, whole))
        for what in ("packets", "bytes"):
            total = rows[f"{side}_{what}"].astype(np.int64)
            before = np.where(number == 0, 0, np.roll(total, 1))
            rows[f"{side}_{what}_delta"] = np.maximum(total - before, 0)
        rows[f"{side}_flags"] = np.where(
            over, rows[f"{side}_flags"], rows[f"{side}_flags"] & ~np.uint8(FIN | RST)
        )
    return rows[np.lexsort((rows["report"], rows["flow_id"], rows["time"]))]
