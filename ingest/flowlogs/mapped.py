"""Logs of any kind, read by a mapping file."""

from __future__ import annotations

import msgspec
import numpy as np
from numpy.typing import NDArray

from citywall.batches import ICMP, ICMPV6, SYN, TCP
from ingest.flowlogs import said
from ingest.flowlogs.eve import payload
from ingest.flowlogs.fields import Fields, cut, read_json, read_pairs
from ingest.flowlogs.lines import Errors, Lines
from ingest.flowlogs.mapping import FIELDS, Mapping
from ingest.flowlogs.parser import Parsed, Parser
from ingest.flowlogs.rows import Logged, header_bytes, is_v4, nothing, protocols
from ingest.flowlogs.said import Said

_LONGEST_HEADER = 1 << 16


class Mapped(Parser):
    """The header in force is the mapping, and behind it the line that names the columns of a CSV file."""

    name = "mapped"

    def __init__(self, mapping: Mapping | None = None) -> None:
        self._mapping = mapping
        self.initial = "" if mapping is None else msgspec.json.encode(mapping).decode()

    def sniff(self, head: bytes) -> bool:
        """Whether one of the first lines has the text that its mapping looks for."""
        if self._mapping is None:
            return False
        wanted = self._mapping.recognise.encode()
        return any(wanted in line for line in head.splitlines()[:20])

    def header(self, lines: bytes, header: str) -> str:
        """The first line of a CSV file that has names."""
        told, _, columns = header.partition("\n")
        if not told or columns:
            return header
        mapping = msgspec.json.decode(told, type=Mapping)
        if mapping.format != "csv" or mapping.columns:
            return header
        first = lines.lstrip(b"\r\n").split(b"\n", 1)[0].rstrip(b"\r")[:_LONGEST_HEADER]
        return f"{told}\n{first.decode('utf-8', 'replace')}" if first else header

    def parse(self, lines: Lines, header: str) -> Parsed:
        """Every line by itself."""
        rules, _, columns = header.partition("\n")
        mapping = msgspec.json.decode(rules, type=Mapping)
        names = list(mapping.columns)
        if mapping.format == "csv" and not names:
            if not columns and len(lines):
                columns, lines = lines.text(0), lines.part(1, len(lines))
            names = [name.strip(' "') for name in columns.split(mapping.separator)]
        back = {ours: theirs for ours, theirs in mapping.fields.items() if ours in FIELDS}
        fields = _Renamed(lines, back)
        if mapping.format == "csv":
            cut(fields, names, mapping.separator, quotes=True, trim=True)
        elif mapping.format == "json":
            read_json(fields)
        else:
            read_pairs(fields)
        told = Said()
        if mapping.kind == "flow":
            logged = _logged(fields)
        else:
            told, logged = said.accounts(fields, mapping.kind), nothing()
        errors = Errors()
        errors.add_status(fields.status, lines.numbers)
        oneway = np.full(len(logged.line), mapping.oneway) if mapping.oneway else np.zeros(0, np.bool_)
        return Parsed(logged, errors=errors, oneway=oneway, said=told)


class _Renamed(Fields):
    """Fields of the log, asked for by our names; what is not mapped is absent everywhere."""

    def __init__(self, lines: Lines, names: dict[str, str]) -> None:
        theirs = sorted(set(names.values()))
        super().__init__(lines, theirs)
        self._ours = names
        self.spans = np.zeros((len(lines), len(theirs) + 1, 2), np.int64)

    def _slot(self, name: str) -> int:
        return self.names[self._ours[name]] if name in self._ours else -1  # the last is never filled

    def span_of(self, name: str) -> NDArray[np.int64]:
        """Spans of the field's text."""
        return np.where((self.status == 0)[:, None], self.spans[:, self._slot(name)], 0)

    def present(self, name: str) -> NDArray[np.bool_]:
        """Where the field has text."""
        spans = self.spans[:, self._slot(name)]
        present: NDArray[np.bool_] = spans[:, 1] > spans[:, 0]
        return present


def _logged(fields: Fields) -> Logged:
    fields.require("event.start", "source.ip", "destination.ip", "network.transport")
    src_hi, src_lo = fields.addresses("source.ip")
    dst_hi, dst_lo = fields.addresses("destination.ip")
    v4 = is_v4(src_hi, src_lo)
    fields.mark(v4 != is_v4(dst_hi, dst_lo), "bad_address")
    proto, known = protocols(fields, "network.transport")
    fields.mark(~known, "bad_protocol")
    first, last = fields.times("event.start"), fields.times("event.end")
    nanoseconds = np.minimum(fields.counts("event.duration"), np.uint64(1 << 60)).astype(np.int64)
    told = np.where(fields.present("duration"), fields.durations("duration"), nanoseconds)
    duration = np.where(last > first, last - first, told)
    src_port, dst_port = fields.ports("source.port"), fields.ports("destination.port")
    src_packets, dst_packets = fields.counts("source.packets"), fields.counts("destination.packets")
    src_bytes, dst_bytes = fields.counts("source.bytes"), fields.counts("destination.bytes")
    one = np.uint64(1)
    src_packets = np.where(fields.present("source.packets"), src_packets, one)
    dst_packets = np.where(fields.present("destination.packets"), dst_packets, np.minimum(dst_bytes, one))
    tcp, icmp = proto == TCP, (proto == ICMP) | (proto == ICMPV6)
    flags = np.where(tcp, fields.counts("tcp.flags") & np.uint64(255), 0).astype(np.uint8)
    header = header_bytes(proto, v4)
    nothing = np.zeros(len(v4), np.uint64)
    none = nothing.astype(np.uint8)
    vlan = fields.ports("network.vlan.id", "bad_number")
    fields.mark(vlan > 4095, "bad_number")
    begun = np.where(flags & SYN, SYN, flags).astype(np.uint8)
    return Logged(
        fields.lines.numbers, first, duration, src_hi, src_lo, dst_hi, dst_lo,
        np.where(icmp, 0, src_port).astype(np.uint16), np.where(icmp, 0, dst_port).astype(np.uint16),
        proto, src_packets, dst_packets, src_bytes, dst_bytes, payload(src_packets, src_bytes, header),
        payload(dst_packets, dst_bytes, header), flags, none, begun, none, none, vlan.astype(np.uint32),
        nothing, nothing,
    ).where(fields.status == 0)  # fmt: skip
