"""VPC flow logs as AWS writes them: blanks between columns, a header line or the columns of version 2.

A line is one direction of a flow within a capture window; the reader joins them.
"""

from __future__ import annotations

import re

import numpy as np
from numpy.typing import NDArray

from citywall.batches import ICMP, ICMPV6, SYN, TCP
from ingest.flowlogs.eve import payload
from ingest.flowlogs.fields import Fields, Vocabulary, cut
from ingest.flowlogs.lines import Errors, Lines
from ingest.flowlogs.parser import Parsed, Parser, together
from ingest.flowlogs.rows import Logged, header_bytes, is_v4, protocols

#: The columns of version 2, where no header names them.
VERSION_2 = (
    "version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action "
    "log-status"
)
NAMES = (
    "srcaddr", "dstaddr", "srcport", "dstport", "protocol", "packets", "bytes", "start", "end", "log-status",
    "tcp-flags",
)  # fmt: skip
_HEADER = re.compile(rb"^(?:[a-z][a-z0-9-]* )*srcaddr(?: [a-z0-9-]+)*$", re.MULTILINE)
_LINE = re.compile(rb"^2 (\d{12}|unknown) eni-\S+ (\S+ ){10}(OK|NODATA|SKIPDATA)\s*$", re.MULTILINE)
#: What a line says that tells of no flow.
NO_DATA = "vpc_no_data"
_SILENT = Vocabulary({"NODATA": (1,), "SKIPDATA": (1,)})


class Vpc(Parser):
    """`2 123456789012 eni-0a1b 10.0.0.5 10.0.1.9 49152 443 6 10 840 1620140661 1620140721 ACCEPT OK`."""

    name = "vpc"

    def sniff(self, head: bytes) -> bool:
        """Whether the first line names the columns, or looks like one of version 2."""
        first = head.split(b"\n", 1)[0].rstrip(b"\r")
        match = _HEADER.match(first)
        if match:
            return {b"srcaddr", b"dstaddr", b"protocol", b"start"} <= set(first.split())
        return _LINE.match(first) is not None

    def header(self, lines: bytes, header: str) -> str:
        """The last header line."""
        found = _HEADER.findall(lines)
        return found[-1].decode("ascii") if found else header

    def parse(self, lines: Lines, header: str) -> Parsed:
        """Runs of lines between header lines, each by the header above it."""
        heading = np.zeros(len(lines), np.bool_)
        for i in np.flatnonzero(_naming(lines)).tolist():
            heading[i] = _HEADER.fullmatch(lines.text(i).encode()) is not None
        parts, at = [], 0
        for i in np.flatnonzero(heading).tolist():
            parts.append(_run(lines.part(at, i), header))
            header, at = lines.text(i), i + 1
        parts.append(_run(lines.part(at, len(lines)), header))
        joined = together(parts)
        for part in parts:
            for name, n in part.others.items():
                joined.others[name] = joined.others.get(name, 0) + n
        joined.oneway = np.ones(len(joined.logged.line), np.bool_)
        return joined


def _naming(lines: Lines) -> NDArray[np.bool_]:
    """Lines that begin with a letter: where columns are, `version` is a number or an address."""
    return (lines.buffer[lines.starts] >= ord("a")) & (lines.buffer[lines.starts] <= ord("z"))


def _run(lines: Lines, header: str) -> Parsed:
    fields = Fields(lines, NAMES)
    cut(fields, (header or VERSION_2).split(), " ", absent=("-", ""))
    silent = (fields.status == 0) & _SILENT.look_up(fields.words("log-status"))[1]
    logged = _logged(fields, silent)
    errors = Errors()
    errors.add_status(fields.status, lines.numbers)
    others = {NO_DATA: int(np.count_nonzero(silent))} if silent.any() else {}
    return Parsed(logged, errors=errors, others=others)


def _logged(fields: Fields, silent: NDArray[np.bool_]) -> Logged:
    for name in ("srcaddr", "dstaddr", "protocol", "start"):
        fields.mark(~fields.present(name) & ~silent, "missing_field")
    src_hi, src_lo = fields.addresses("srcaddr")
    dst_hi, dst_lo = fields.addresses("dstaddr")
    v4 = is_v4(src_hi, src_lo)
    fields.mark((v4 != is_v4(dst_hi, dst_lo)) & ~silent, "bad_address")
    proto, known = protocols(fields, "protocol")
    fields.mark(~known & ~silent, "bad_protocol")
    src_port, dst_port = fields.ports("srcport"), fields.ports("dstport")
    first, last = fields.times("start"), fields.times("end")
    packets, size = fields.counts("packets"), fields.counts("bytes")
    tcp, icmp = proto == TCP, (proto == ICMP) | (proto == ICMPV6)
    flags = np.where(tcp, fields.counts("tcp-flags") & 255, 0).astype(np.uint8)
    nothing = np.zeros(len(v4), np.uint64)
    none = nothing.astype(np.uint8)
    begun = np.where(flags & SYN, SYN, flags).astype(np.uint8)
    return Logged(
        fields.lines.numbers, first, np.maximum(last - first, 0), src_hi, src_lo, dst_hi, dst_lo,
        np.where(icmp, 0, src_port).astype(np.uint16), np.where(icmp, 0, dst_port).astype(np.uint16),
        proto, packets, nothing, size, nothing, payload(packets, size, header_bytes(proto, v4)), nothing,
        flags, none, begun, none, none, nothing.astype(np.uint32), nothing, nothing,
    ).where((fields.status == 0) & ~silent)  # fmt: skip
