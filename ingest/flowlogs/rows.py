"""Logged connections as columns, and the batch rows made of them."""

from __future__ import annotations

from dataclasses import dataclass, field, fields

import numpy as np
from numpy.typing import NDArray

from citywall.batches import (
    ARP_REPLY,
    ARP_REQUEST,
    CLOSED,
    END,
    END_LOGGED,
    EVENT,
    FLOW,
    ICMP,
    ICMPV6,
    OTHER_SENDER,
    TCP,
    UDP,
)
from citywall.domains import Domains
from ingest.flowlogs import kernels
from ingest.flowlogs.fields import Fields, Vocabulary
from ingest.flowlogs.said import Said

U64 = NDArray[np.uint64]
U8s = NDArray[np.uint8]

#: IP protocols by the names that Zeek and Argus print; rtp, rtcp and udt are what Argus finds in UDP.
PROTOCOLS = {
    "icmp": 1, "igmp": 2, "ggp": 3, "ipip": 4, "ipnip": 4, "st": 5, "tcp": 6, "egp": 8, "igp": 9,
    "nvp": 11, "pup": 12, "udp": 17, "rtp": 17, "rtcp": 17, "udt": 17, "mux": 18, "hmp": 20, "idp": 22,
    "rdp": 27, "dccp": 33, "xtp": 36, "ipv6": 41, "sdrp": 42, "ipv6-route": 43, "ipv6-frag": 44,
    "rsvp": 46, "gre": 47, "esp": 50, "ah": 51, "narp": 54, "mobile": 55, "ipv6-icmp": 58, "icmp6": 58,
    "ipv6-no": 59, "ipv6-opts": 60, "eigrp": 88, "ospf": 89, "ospfigp": 89, "ipencap": 94,
    "etherip": 97, "encap": 98, "pim": 103, "ipcomp": 108, "vrrp": 112, "l2tp": 115, "sctp": 132,
    "udplite": 136,
}  # fmt: skip
_PROTOCOLS = Vocabulary({name: (number,) for name, number in PROTOCOLS.items()})


@dataclass
class Logged:
    """What a parser understood, one row a line that is an IP flow. All arrays have the same length."""

    line: NDArray[np.int64]
    first: NDArray[np.int64]  # ns
    duration: NDArray[np.int64]  # ns
    src_hi: U64
    src_lo: U64
    dst_hi: U64
    dst_lo: U64
    src_port: NDArray[np.uint16]
    dst_port: NDArray[np.uint16]
    proto: U8s
    src_packets: U64
    dst_packets: U64
    src_bytes: U64
    dst_bytes: U64
    src_payload: U64
    dst_payload: U64
    src_flags: U8s
    dst_flags: U8s
    first_flags: U8s
    icmp_type: U8s
    icmp_code: U8s
    vlan: NDArray[np.uint32]
    src_mac: U64
    dst_mac: U64
    #: As of FLOW; text says nothing of it.
    sampling: NDArray[np.uint32] = field(default_factory=lambda: np.zeros(0, np.uint32))

    def __post_init__(self) -> None:
        if len(self.sampling) != len(self.line):
            self.sampling = np.zeros(len(self.line), np.uint32)

    def where(self, mask: NDArray[np.bool_]) -> Logged:
        """The rows that `mask` chooses."""
        return Logged(**{name: column[mask] for name, column in vars(self).items()})


@dataclass
class Resolutions:
    """Logged address resolutions: who asked about whom, and whether the answer was seen."""

    line: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    first: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    src_lo: U64 = field(default_factory=lambda: np.zeros(0, np.uint64))
    dst_lo: U64 = field(default_factory=lambda: np.zeros(0, np.uint64))
    answered: NDArray[np.bool_] = field(default_factory=lambda: np.zeros(0, np.bool_))
    #: Where only the answer was logged; empty where that is nowhere.
    unasked: NDArray[np.bool_] = field(default_factory=lambda: np.zeros(0, np.bool_))
    #: Of one message a line: the cards that it claims for its sender and its target, and the one that sent
    #: the frame; empty where that is told nowhere, 0 where it is not told of a line.
    cards: NDArray[np.uint64] = field(default_factory=lambda: np.zeros((0, 3), np.uint64))


def is_v4(hi: U64, lo: U64) -> NDArray[np.bool_]:
    """Which addresses are IPv4."""
    v4: NDArray[np.bool_] = (hi == 0) & (lo >> np.uint64(32) == 0xFFFF)
    return v4


def header_bytes(proto: U8s, v4: NDArray[np.bool_]) -> U64:
    """The usual IP and transport header bytes of one packet (TCP with its timestamps option)."""
    transport = np.select([proto == TCP, np.isin(proto, (UDP, ICMP, ICMPV6))], [32, 8], 0)
    size: U64 = (np.where(v4, 20, 40) + transport).astype(np.uint64)
    return size


def protocols(columns: Fields, name: str, words: U64 | None = None) -> tuple[U8s, NDArray[np.bool_]]:
    """Protocol numbers from names or numbers, and where one could be told."""
    words = columns.words(name) if words is None else words
    rows, known = _PROTOCOLS.look_up(words)
    out = np.zeros(len(words), np.int64)
    ok = np.zeros(len(words), np.uint8)
    kernels.decimals(columns.lines.buffer, columns.span_of(name), 0, out, ok)
    numeric = (ok == kernels.GOOD) & (out >= 0) & (out <= 255)
    return np.where(known, rows[:, 0], np.where(numeric, out, 0)).astype(np.uint8), known | numeric


def flow_rows(logged: Logged, domains: Domains) -> NDArray[np.void]:
    """FLOW rows (END, logged) in the order of `logged`; time is the start."""
    rows = np.zeros(len(logged.line), FLOW)
    fill_flows(rows, logged, domains)
    return rows


def fill_flows(rows: NDArray[np.void], logged: Logged, domains: Domains) -> None:
    """Fill blank FLOW rows, wherever they lie, with what `flow_rows` gives."""
    for name in (
        "src_hi", "src_lo", "dst_hi", "dst_lo", "first", "src_packets", "dst_packets", "src_bytes",
        "dst_bytes", "src_payload", "dst_payload", "vlan", "src_port", "dst_port", "proto", "first_flags",
        "src_flags", "dst_flags", "icmp_type", "icmp_code", "sampling",
    ):  # fmt: skip
        rows[name] = getattr(logged, name)
    rows["time"] = logged.first
    rows["last"] = logged.first + logged.duration
    rows["offset"] = rows["frame"] = -1
    for side in ("src", "dst"):
        rows[f"{side}_bytes_delta"] = rows[f"{side}_bytes"]
        rows[f"{side}_packets_delta"] = np.minimum(rows[f"{side}_packets"], 0xFFFF_FFFF)
    rows["version"] = np.where(is_v4(logged.src_hi, logged.src_lo), 4, 6)
    rows["kind"], rows["reason"] = END, END_LOGGED
    rows["domain"] = domains_of(logged.vlan, domains)
    ids = np.zeros(len(rows), np.uint64)
    ports = logged.src_port.astype(np.uint32) << np.uint32(16) | logged.dst_port
    kernels.flow_ids(
        logged.src_hi, logged.src_lo, logged.dst_hi, logged.dst_lo, ports, logged.proto, logged.vlan,
        logged.first, logged.line, ids,
    )  # fmt: skip
    rows["flow_id"] = ids


def closed_rows(rows: NDArray[np.void], src_mac: U64, dst_mac: U64) -> NDArray[np.void]:
    """CLOSED rows of logged flows: mean sizes, each flag seen counted once, MACs; the rest is not known."""
    closed = np.zeros(len(rows), CLOSED)
    kernels.closed_flows(rows, np.ascontiguousarray(src_mac), np.ascontiguousarray(dst_mac), closed)
    return closed


def domains_of(vlans: NDArray[np.uint32], domains: Domains) -> NDArray[np.uint32]:
    """The domain of each VLAN (`Domains.of_vlan`, for columns)."""
    plain = vlans if domains.by_vlan else np.zeros_like(vlans)
    if not len(domains.vlan_keys):
        return plain
    at = np.minimum(np.searchsorted(domains.vlan_keys, vlans), len(domains.vlan_keys) - 1)
    return np.where(domains.vlan_keys[at] == vlans, domains.vlan_domains[at], plain)


#: Columns of `Logged` that are not u8.
_OTHERWISE = {
    "line": np.int64, "first": np.int64, "duration": np.int64, "src_port": np.uint16, "dst_port": np.uint16,
    "proto": np.uint8, "src_flags": np.uint8, "dst_flags": np.uint8, "first_flags": np.uint8,
    "icmp_type": np.uint8, "icmp_code": np.uint8, "vlan": np.uint32, "sampling": np.uint32,
}  # fmt: skip
#: Each column of `Logged`, in order, and what it is made of.
COLUMN_TYPES: dict[str, type] = {f.name: _OTHERWISE.get(f.name, np.uint64) for f in fields(Logged)}


def nothing() -> Logged:
    """No connections."""
    return Logged(**{name: np.zeros(0, kind) for name, kind in COLUMN_TYPES.items()})


def events_of(asked: Resolutions, said: Said, domains: Domains) -> tuple[NDArray[np.void], NDArray[np.int64]]:
    """EVENT rows of everything that is no connection, in line order, and the line of each."""
    rows, lines = event_rows(asked, domains)
    if not len(said.rows):
        return rows, lines
    told = said.rows.copy()
    told["domain"] = domains.of_vlan(0)
    lines = np.concatenate((lines, said.lines))
    order = np.argsort(lines, kind="stable")
    return np.concatenate((rows, told))[order], lines[order]


def event_rows(asked: Resolutions, domains: Domains) -> tuple[NDArray[np.void], NDArray[np.int64]]:
    """EVENT rows in line order, and the line of each: a request, then a reply where one was seen."""
    requests = np.zeros(len(asked.line), EVENT)
    requests["time"], requests["kind"] = asked.first, ARP_REQUEST
    requests["src_lo"], requests["dst_lo"] = asked.src_lo, asked.dst_lo
    requests["offset"] = requests["frame"] = -1
    requests["domain"] = domains.of_vlan(0)
    if len(asked.cards):
        claimed, sent = asked.cards[:, 0], asked.cards[:, 2]
        other = (sent != 0) & (claimed != 0) & (sent != claimed)
        requests["src_mac"], requests["dst_mac"] = claimed, asked.cards[:, 1]
        requests["flags"], requests["answers"] = np.where(other, OTHER_SENDER, 0), np.where(other, sent, 0)
    replies = requests[asked.answered]
    replies["kind"] = ARP_REPLY
    replies["src_lo"], replies["dst_lo"] = asked.dst_lo[asked.answered], asked.src_lo[asked.answered]
    said = ~asked.unasked if len(asked.unasked) else np.ones(len(asked.line), np.bool_)
    requests = requests[said]
    lines = np.concatenate((asked.line[said], asked.line[asked.answered]))
    order = np.argsort(lines, kind="stable")
    return np.concatenate((requests, replies))[order], lines[order]
