"""Batch schemas: the rows that travel between rooms, as NumPy structured dtypes.

Times are signed nanoseconds since the epoch, UTC. Addresses are two u64 words (`citywall.addresses`).
`domain` is a network domain (`citywall.domains`). `vlan` is `outer << 12 | inner`, 0 when untagged.
Offsets are absolute byte offsets of a packet's first byte in its capture file; frames count from 1.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

SCHEMA_VERSION = 1

# PACKET.status: how far a record could be decoded.
ERROR, NOT_IP, ARP, IP, FRAGMENT, TRANSPORT = 0, 1, 2, 3, 4, 5

# PACKET.marks: a fragment of a datagram (a first one shows its ports); a datagram put together of fragments.
FRAGMENTED, REBUILT = 1, 2

#: One decoded packet. Endpoint a is the lower of (address, port), so both directions share a key.
PACKET = np.dtype(
    [
        ("a_hi", "u8"), ("a_lo", "u8"), ("b_hi", "u8"), ("b_lo", "u8"),
        ("hash", "u8"),  # symmetric hash of the flow key (addresses, ports, proto, vlan)
        ("time", "i8"),
        ("offset", "i8"),
        ("ports", "u4"),  # a's port << 16 | b's port; 0 for protocols without ports
        ("vlan", "u4"),
        ("captured", "u4"), ("wire", "u4"),  # bytes stored, bytes on the wire
        ("ip_bytes", "u4"),  # IP header and payload by the IP length field
        ("payload_at", "u4"),  # offset of the transport payload from `offset`
        ("payload", "u4"),  # transport payload bytes by the IP length field (not cut by the snap length)
        ("proto", "u1"), ("version", "u1"),  # IP protocol; 4, 6 or 0
        ("flags", "u1"),  # TCP flags, low eight bits
        ("reversed", "u1"),  # 1 when b is the sender
        ("icmp_type", "u1"), ("icmp_code", "u1"),
        ("status", "u1"), ("reason", "u1"),  # reason: index into REASONS
        ("network", "u2"),  # offset of the IP header from `offset`
        ("marks", "u1"),  # what else is to be said: FRAGMENTED, REBUILT
        ("depth", "u1"),  # IP headers around this one
    ],
    align=True,
)  # fmt: skip

#: Why a record was not decoded to its transport. Index 0 is "none".
REASONS = (
    "none",
    "link_header_truncated",
    "link_type_unknown",
    "vlan_truncated",
    "ip_version_wrong",
    "ipv4_header_truncated",
    "ipv4_header_length_wrong",
    "ipv4_total_length_wrong",
    "ipv6_header_truncated",
    "ipv6_extension_truncated",
    "ipv6_extension_chain_too_long",
    "tcp_header_truncated",
    "tcp_header_length_wrong",
    "udp_header_truncated",
    "icmp_header_truncated",
    "sctp_header_truncated",
    "arp_truncated",
    "arp_unknown_form",
    "interface_unknown",
)

# FLOW.kind
OPEN, UPDATE, END = 0, 1, 2
# FLOW.reason for END records
END_NONE, END_IDLE, END_ACTIVE, END_OF_INPUT, END_EVICTED, END_LOGGED = 0, 1, 2, 3, 4, 5
END_REASONS = ("none", "idle", "active", "end of input", "evicted", "logged")

# TCP flag bits
FIN, SYN, RST, PSH, ACK, URG, ECE, CWR = 1, 2, 4, 8, 16, 32, 64, 128
FLAG_NAMES = ("fin", "syn", "rst", "psh", "ack", "urg", "ece", "cwr")

#: One report about a live flow. src is the initiator (sender of the first packet seen).
#: Totals count from the flow's first packet; `*_delta` since the flow's previous report.
FLOW = np.dtype(
    [
        ("time", "i8"),  # event time of this report: never decreases within a session
        ("flow_id", "u8"),
        ("src_hi", "u8"), ("src_lo", "u8"), ("dst_hi", "u8"), ("dst_lo", "u8"),
        ("first", "i8"), ("last", "i8"),
        ("offset", "i8"), ("frame", "i8"),  # of the first packet; -1 when the source is a flow log
        ("src_packets", "u8"), ("dst_packets", "u8"),
        ("src_bytes", "u8"), ("dst_bytes", "u8"),  # IP bytes
        ("src_payload", "u8"), ("dst_payload", "u8"),  # transport payload bytes
        ("src_bytes_delta", "u8"), ("dst_bytes_delta", "u8"),
        ("src_packets_delta", "u4"), ("dst_packets_delta", "u4"),
        ("src_head", "u8"), ("dst_head", "u8"),  # first 8 payload bytes, big endian, zero padded
        ("domain", "u4"), ("vlan", "u4"),
        ("report", "u4"),  # 0 for the flow's first report, then counting
        ("src_port", "u2"), ("dst_port", "u2"),
        ("proto", "u1"), ("version", "u1"),
        ("kind", "u1"), ("reason", "u1"),
        ("first_flags", "u1"),  # TCP flags of the first packet
        ("src_flags", "u1"), ("dst_flags", "u1"),  # TCP flags seen so far, or-ed
        ("icmp_type", "u1"), ("icmp_code", "u1"),  # of the first packet
    ],
    align=True,
)  # fmt: skip

_SPREAD = [("min", "i8"), ("max", "i8"), ("mean", "f8"), ("std", "f8")]

#: Statistics of a closed flow, one row for each END row of the FLOW batch it travels with, in order.
#: `size` is bytes of the IP packet, `gap` the time between packets in nanoseconds; std is the sample
#: standard deviation (0 below two values). both/src/dst: both directions together, and each.
CLOSED = np.dtype(
    [("flow_id", "u8")]
    + [(f"{side}_{what}_{stat}", kind)
       for side in ("both", "src", "dst") for what in ("size", "gap") for stat, kind in _SPREAD]
    + [(f"{side}_{edge}", "i8") for side in ("src", "dst") for edge in ("first", "last")]
    + [(f"{side}_{flag}", "u4") for side in ("src", "dst") for flag in FLAG_NAMES]
    + [("src_mac", "u8"), ("dst_mac", "u8")],
    align=True,
)  # fmt: skip

# EVENT.kind
ARP_REQUEST, ARP_REPLY, ND_SOLICIT, ND_ADVERT = 1, 2, 3, 4
# A fragment that says other than one before it, that came before as it is, that no network needs to make so
# small, that reaches beyond the largest datagram, or that could not be kept; a datagram given up; a fragment
# with another behind it that is no multiple of eight bytes.
FRAGMENT_OVERLAP, FRAGMENT_REPEAT, FRAGMENT_TINY, FRAGMENT_TOO_LARGE, FRAGMENT_IGNORED = 5, 6, 7, 8, 9
DATAGRAM_ABANDONED, FRAGMENT_LENGTH = 10, 11
EVENT_NAMES = (
    "none", "arp_request", "arp_reply", "nd_solicit", "nd_advert", "fragment_overlap", "fragment_repeat",
    "fragment_tiny", "fragment_too_large", "fragment_ignored", "datagram_abandoned", "fragment_length",
)  # fmt: skip

#: One event that is not a flow. For address resolution: src asks or answers, dst is the address asked
#: about (request, solicit) or the one told (reply); an advert's src is the address it claims. For fragments
#: the ends of their IP header; an abandoned datagram's offset and frame are those of its first fragment.
EVENT = np.dtype(
    [
        ("time", "i8"),
        ("src_hi", "u8"), ("src_lo", "u8"), ("dst_hi", "u8"), ("dst_lo", "u8"),
        ("src_mac", "u8"), ("dst_mac", "u8"),
        ("offset", "i8"), ("frame", "i8"),
        ("domain", "u4"), ("vlan", "u4"),
        ("kind", "u2"),
    ],
    align=True,
)  # fmt: skip

TCP, UDP, ICMP, ICMPV6, SCTP = 6, 17, 1, 58, 132
PROTOCOL_NAMES = {1: "icmp", 6: "tcp", 17: "udp", 47: "gre", 50: "esp", 51: "ah", 58: "ipv6-icmp",
                  132: "sctp"}  # fmt: skip


@dataclass(frozen=True)
class FlowBatch:
    """What a meter or a flow-log parser gives: reports, statistics of the flows that closed, a promise.

    `closed[i]` belongs to the i-th END row of `reports`. No later report comes before (`watermark`, `mark`)
    in the order of (time, flow id).
    """

    reports: NDArray[np.void]  # FLOW
    closed: NDArray[np.void]  # CLOSED
    watermark: int
    mark: int = field(default=0, kw_only=True)
