"""What Zeek's conn.log means, whichever way it is written (Zeek reference, `base/protocols/conn`)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from citywall.batches import ACK, FIN, ICMP, ICMPV6, RST, SYN, TCP
from ingest.flowlogs.fields import Fields, Vocabulary
from ingest.flowlogs.rows import U64, Logged, U8s, header_bytes, is_v4, protocols

#: Fields of conn.log that are read.
NAMES = (
    "ts", "id.orig_h", "id.orig_p", "id.resp_h", "id.resp_p", "proto", "duration", "orig_bytes",
    "resp_bytes", "conn_state", "history", "orig_pkts", "orig_ip_bytes", "resp_pkts", "resp_ip_bytes",
    "vlan", "inner_vlan", "orig_l2_addr", "resp_l2_addr", "ip_proto", "_path",
)  # fmt: skip
#: Any of these tells conn.log from the other logs that name endpoints and protocol.
TELLING = ("conn_state", "history", "orig_pkts", "resp_pkts", "orig_ip_bytes", "duration", "orig_bytes")

_OPEN = SYN | ACK
#: conn_state to the flags of originator and responder, and of the first packet.
STATES = {
    "S0": (SYN, 0, SYN),
    "S1": (_OPEN, _OPEN, SYN),
    "SF": (_OPEN | FIN, _OPEN | FIN, SYN),
    "REJ": (SYN, RST | ACK, SYN),
    "S2": (_OPEN | FIN, _OPEN, SYN),
    "S3": (_OPEN, _OPEN | FIN, SYN),
    "RSTO": (_OPEN | RST, _OPEN, SYN),
    "RSTR": (_OPEN, _OPEN | RST, SYN),
    "RSTOS0": (SYN | RST, 0, SYN),
    "RSTRH": (0, _OPEN | RST, _OPEN),
    "SH": (SYN | FIN, 0, SYN),
    "SHR": (0, _OPEN | FIN, _OPEN),
    "OTH": (0, 0, ACK),
}
_STATES = Vocabulary(STATES)
#: ICMP types that Zeek pairs with their answer's type in the responder's "port".
PAIRS = {8: 0, 13: 14, 15: 16, 17: 18, 10: 9, 128: 129, 133: 134, 135: 136, 139: 140, 144: 145}


def logged(fields: Fields) -> Logged:
    """Understand conn.log fields; lines that make no sense are marked in `fields`."""
    fields.mark(fields.present("_path") & ~_is_conn(fields), "other_log")
    fields.require("ts", "id.orig_h", "id.resp_h", "proto")
    src_hi, src_lo = fields.addresses("id.orig_h")
    dst_hi, dst_lo = fields.addresses("id.resp_h")
    v4 = is_v4(src_hi, src_lo)
    fields.mark(v4 != is_v4(dst_hi, dst_lo), "bad_address")
    first = fields.times("ts")
    src_port, dst_port = fields.ports("id.orig_p"), fields.ports("id.resp_p")
    proto = _proto(fields, v4)
    duration = fields.durations("duration")
    src_flags, dst_flags, first_flags = _tcp_outcome(fields, proto)
    header = header_bytes(proto, v4)
    src = _volume(fields, "orig", header, np.ones(len(v4), np.bool_))
    dst = _volume(fields, "resp", header, dst_flags > 0)
    vlan = _vlan(fields)
    icmp = (proto == ICMP) | (proto == ICMPV6)
    answer = _ANSWERS[np.minimum(src_port, 255)]
    icmp_type = np.where(icmp, np.minimum(src_port, 255), 0).astype(np.uint8)
    icmp_code = np.where(icmp & (dst_port != answer), np.minimum(dst_port, 255), 0).astype(np.uint8)
    return Logged(
        fields.lines.numbers, first, duration, src_hi, src_lo, dst_hi, dst_lo,
        np.where(icmp, 0, src_port).astype(np.uint16), np.where(icmp, 0, dst_port).astype(np.uint16),
        proto, src[0], dst[0], src[1], dst[1], src[2], dst[2], src_flags, dst_flags, first_flags,
        icmp_type, icmp_code, vlan, fields.macs("orig_l2_addr"), fields.macs("resp_l2_addr"),
    ).where(fields.status == 0)  # fmt: skip


_ANSWERS = np.full(256, 256, np.uint16)
_ANSWERS[list(PAIRS)] = list(PAIRS.values())
_CONN = Vocabulary({"conn": (1,), "conn_red": (1,), "conn_long": (1,)})
_NO_PROTOCOL = Vocabulary({"unknown_transport": (0,)})


def _is_conn(fields: Fields) -> NDArray[np.bool_]:
    return _CONN.look_up(fields.words("_path"))[1]


def _proto(fields: Fields, v4: NDArray[np.bool_]) -> U8s:
    words = fields.words("proto")
    proto, known = protocols(fields, "proto", words)
    number = fields.ports("ip_proto", "bad_protocol")
    by_number = ~known & fields.present("ip_proto") & (number <= 255)
    unknown = _NO_PROTOCOL.look_up(words)[1] & ~fields.present("ip_proto")
    fields.mark(~known & ~by_number & ~unknown, "bad_protocol")
    proto = np.where(by_number, number, proto).astype(np.uint8)
    return np.where((proto == ICMP) & ~v4, ICMPV6, proto).astype(np.uint8)


def _tcp_outcome(fields: Fields, proto: U8s) -> tuple[U8s, U8s, U8s]:
    meant, _ = _STATES.look_up(fields.words("conn_state"))
    src, dst, first = fields.history("history")
    tcp = proto == TCP
    # The state is Zeek's judgement of the whole connection; where it has none the history is asked.
    begun = np.where((meant[:, 2] > 0) & (meant[:, 2] != ACK), meant[:, 2], np.where(first, first, ACK))
    return (
        np.where(tcp, src | meant[:, 0], 0).astype(np.uint8),
        np.where(tcp, dst | meant[:, 1], 0).astype(np.uint8),
        np.where(tcp, begun, 0).astype(np.uint8),
    )


def _volume(fields: Fields, side: str, header: U64, alive: NDArray[np.bool_]) -> tuple[U64, U64, U64]:
    """Packets, IP bytes and payload of a side; what the log leaves out is told from the rest."""
    packets, size = fields.counts(f"{side}_pkts"), fields.counts(f"{side}_ip_bytes")
    payload = fields.counts(f"{side}_bytes")
    one = (alive | (payload > 0)).astype(np.uint64)
    packets = np.where(fields.present(f"{side}_pkts"), packets, one)
    # Zeek takes TCP payload from sequence numbers: a reset out of nowhere may claim gigabytes.
    payload = np.where(fields.present(f"{side}_ip_bytes"), np.minimum(payload, size), payload)
    size = np.where(fields.present(f"{side}_ip_bytes"), size, payload + packets * header)
    return packets, size, payload


def _vlan(fields: Fields) -> NDArray[np.uint32]:
    outer, inner = fields.ports("vlan", "bad_number"), fields.ports("inner_vlan", "bad_number")
    fields.mark((outer > 4095) | (inner > 4095), "bad_number")
    pair = (outer.astype(np.uint32) << np.uint32(12)) | inner
    return np.where(fields.present("inner_vlan"), pair, outer).astype(np.uint32)
