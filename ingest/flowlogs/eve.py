"""Suricata's EVE: JSON lines, one an event.

Flows are read (`flow`, one-way `netflow`) and what applications say (`dns`, `http`, `tls`, `fileinfo`);
everything but flows is counted.

Bytes are those of packets with their link header, as Suricata counts them. Payload is not logged: it is told
from the mean packet.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from citywall.batches import ICMP, ICMPV6, SYN, TCP
from ingest.flowlogs import eve_said, kernels
from ingest.flowlogs.fields import Fields, Vocabulary, read_json
from ingest.flowlogs.lines import Errors, Lines
from ingest.flowlogs.nested import complain, inside
from ingest.flowlogs.parser import Parsed, Parser, names_in
from ingest.flowlogs.rows import U64, Logged, U8s, header_bytes, is_v4, protocols

NAMES = (
    "timestamp", "event_type", "src_ip", "src_port", "dest_ip", "dest_port", "proto", "icmp_type",
    "icmp_code", "vlan", "flow", "netflow", "tcp", "dns", "http", "tls", "fileinfo", "alert", "app_proto",
)  # fmt: skip
_FLOW = ("pkts_toserver", "pkts_toclient", "bytes_toserver", "bytes_toclient", "start", "end")
_NETFLOW = ("pkts", "bytes", "start", "end")
_TCP = ("tcp_flags", "tcp_flags_ts", "tcp_flags_tc")
#: Events that are counted by name; others as `eve_other`.
OTHERS = (
    "alert", "anomaly", "bittorrent_dht", "dcerpc", "dhcp", "dnp3", "dns", "drop", "enip", "fileinfo",
    "ftp", "ftp_data", "http", "http2", "ike", "krb5", "ldap", "mdns", "modbus", "mqtt", "nfs", "ntp",
    "pgsql", "quic", "rdp", "rfb", "sip", "smb", "smtp", "snmp", "ssh", "stats", "tftp", "tls", "websocket",
)  # fmt: skip
_KINDS = Vocabulary({"flow": (1,), "netflow": (2,)} | {name: (3 + i,) for i, name in enumerate(OTHERS)})
_HEX = Vocabulary({f"{value:02x}": (value,) for value in range(256)} | {f"{v:x}": (v,) for v in range(16)})


class Eve(Parser):
    """`{"timestamp":…,"event_type":"flow",…}`."""

    name = "eve"

    def sniff(self, head: bytes) -> bool:
        """Whether one of the first lines is an event."""
        return any({"timestamp", "event_type"} <= names_in(line) for line in head.splitlines()[:20])

    def header(self, lines: bytes, header: str) -> str:
        """JSON needs none."""
        del lines
        return header

    def parse(self, lines: Lines, header: str) -> Parsed:
        """Every line by itself."""
        del header
        fields = Fields(lines, NAMES)
        read_json(fields)
        fields.require("event_type")
        kinds, known = _KINDS.look_up(fields.words("event_type"))
        fine = fields.status == 0
        flow, netflow = fine & (kinds[:, 0] == 1), fine & (kinds[:, 0] == 2)
        others = {
            f"eve_{name}": n
            for i, name in enumerate(OTHERS)
            if (n := int(np.count_nonzero(fine & (kinds[:, 0] == 3 + i))))
        }
        if n := int(np.count_nonzero(fine & ~known)):
            others["eve_other"] = n
        chosen = flow | netflow
        errors = Errors()
        errors.add_status(fields.status, lines.numbers)
        some = Fields(lines.where(chosen), NAMES)
        some.spans[:] = fields.spans[chosen]
        logged, oneway = _logged(some, netflow[chosen])
        errors.add_status(some.status, some.lines.numbers)
        told = eve_said.read(
            fields, {name: fine & (kinds[:, 0] == 3 + OTHERS.index(name)) for name in eve_said.KINDS}
        )
        return Parsed(logged, errors=errors, others=others, oneway=oneway, said=told)


def _logged(fields: Fields, oneway: NDArray[np.bool_]) -> tuple[Logged, NDArray[np.bool_]]:
    """Flows; lines that make no sense are marked."""
    fields.require("src_ip", "dest_ip", "proto")
    src_hi, src_lo = fields.addresses("src_ip")
    dst_hi, dst_lo = fields.addresses("dest_ip")
    v4 = is_v4(src_hi, src_lo)
    fields.mark(v4 != is_v4(dst_hi, dst_lo), "bad_address")
    proto, known = protocols(fields, "proto")
    fields.mark(~known, "bad_protocol")
    src_port, dst_port = fields.ports("src_port"), fields.ports("dest_port")
    flow, one = inside(fields, "flow", _FLOW), inside(fields, "netflow", _NETFLOW)
    flow.status[oneway] = one.status[~oneway] = 0

    def either(name: str, other: str) -> U64:
        return np.where(oneway, one.counts(other), flow.counts(name)).astype(np.uint64)

    src_packets, src_bytes = either("pkts_toserver", "pkts"), either("bytes_toserver", "bytes")
    nothing = np.zeros(len(v4), np.uint64)
    dst_packets, dst_bytes = (
        np.where(oneway, nothing, flow.counts(name)) for name in ("pkts_toclient", "bytes_toclient")
    )
    first = np.where(oneway, one.times("start"), flow.times("start"))
    last = np.where(oneway, one.times("end"), flow.times("end"))
    complain(fields, flow)
    complain(fields, one)
    said = fields.times("timestamp")
    first = np.where(first > 0, first, said)
    duration = np.maximum(last - first, 0)
    icmp = (proto == ICMP) | (proto == ICMPV6)
    flags = [np.where(proto == TCP, each, 0).astype(np.uint8) for each in _flags(fields, oneway)]
    header = header_bytes(proto, v4) + np.uint64(14)
    logged = Logged(
        fields.lines.numbers, first, duration, src_hi, src_lo, dst_hi, dst_lo,
        np.where(icmp, 0, src_port).astype(np.uint16), np.where(icmp, 0, dst_port).astype(np.uint16),
        proto, src_packets, dst_packets, src_bytes, dst_bytes,
        payload(src_packets, src_bytes, header), payload(dst_packets, dst_bytes, header), flags[0], flags[1],
        np.where(flags[0] & SYN, SYN, flags[0]).astype(np.uint8),
        np.where(icmp, fields.counts("icmp_type") & 255, 0).astype(np.uint8),
        np.where(icmp, fields.counts("icmp_code") & 255, 0).astype(np.uint8),
        _vlan(fields), nothing, nothing,
    )  # fmt: skip
    good = fields.status == 0
    return logged.where(good), oneway[good]


def payload(packets: U64, size: U64, header: U64) -> U64:
    """Payload bytes told from the usual headers of so many packets."""
    overhead = np.minimum(packets, np.uint64(1 << 40)) * header
    return (size - np.minimum(overhead, size)).astype(np.uint64)


def _flags(fields: Fields, oneway: NDArray[np.bool_]) -> tuple[U8s, U8s]:
    tcp = inside(fields, "tcp", _TCP)
    all_, src, dst = (_HEX.look_up(tcp.words(name))[0][:, 0].astype(np.uint8) for name in _TCP)
    return np.where(oneway, all_, src).astype(np.uint8), np.where(oneway, 0, dst).astype(np.uint8)


def _vlan(fields: Fields) -> NDArray[np.uint32]:
    """`[100]`; of stacked ones nothing is taken."""
    spans = fields.span_of("vlan").copy()
    long = spans[:, 1] - spans[:, 0] > 2
    spans[long] += np.array([1, -1])
    out, ok = np.zeros(len(spans), np.int64), np.zeros(len(spans), np.uint8)
    kernels.decimals(fields.lines.buffer, spans, 0, out, ok)
    return np.where((ok == kernels.GOOD) & (out > 0) & (out < 4096), out, 0).astype(np.uint32)
