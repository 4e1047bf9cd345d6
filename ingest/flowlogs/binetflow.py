"""Argus flows as the Stratosphere lab's `.binetflow` files have them: comma or tab, one header line.

Argus counts bytes with the link header; they are kept as logged. Payload is not logged: it is told from
the mean packet, for TCP only on a side that pushed. Without `SrcPkts` (CTU-13) packets are halved.
Times carry no zone and are taken for UTC.
"""

from __future__ import annotations

import re

import numpy as np
from numpy.typing import NDArray

from citywall.batches import ACK, FIN, ICMP, ICMPV6, PSH, RST, SYN, TCP
from ingest.flowlogs.fields import Fields, Vocabulary, cut
from ingest.flowlogs.lines import Errors, Lines
from ingest.flowlogs.parser import Parsed, Parser, together
from ingest.flowlogs.rows import U64, Logged, Resolutions, U8s, header_bytes, is_v4, protocols
from ingest.flowlogs.zeek import STATES as ZEEK_STATES

NAMES = (
    "StartTime", "Dur", "Proto", "SrcAddr", "Sport", "Dir", "DstAddr", "Dport", "State", "TotPkts",
    "TotBytes", "SrcPkts", "DstPkts", "SrcBytes", "DstBytes",
)  # fmt: skip
#: Other names that `ra` prints for the same.
SAME = {"runtime": "Dur", "duration": "Dur", "stime": "StartTime"}
_HEADER = re.compile(rb"^[ \t]{0,8}\"?StartTime\"?[,\t;|][^\n]*", re.MULTILINE | re.IGNORECASE)
#: How such a line begins behind at most so many blanks.
_BEGINNINGS = [
    a + b"StartTime" + b + c for a in (b"", b'"') for b in (b"", b'"') for c in (b",", b"\t", b";", b"|")
]
_BLANKS = 8
_LONGEST_HEADER = 1 << 16

_OPEN = SYN | ACK
#: Argus states of whole words (ra(1)): flags of both sides, ICMP type and code.
_STATES = Vocabulary(
    {
        "REQ": (SYN, 0, 0, 0), "ACC": (SYN, _OPEN, 0, 0), "EST": (_OPEN, _OPEN, 0, 0),
        "CON": (_OPEN, _OPEN, 0, 0), "FIN": (_OPEN | FIN, _OPEN | FIN, 0, 0),
        "CLO": (_OPEN | FIN, _OPEN | FIN, 0, 0), "RST": (SYN, RST | ACK, 0, 0), "TIM": (SYN, 0, 0, 0),
        "ECO": (0, 0, 8, 0), "ECR": (0, 0, 0, 0), "URN": (0, 0, 3, 0), "URH": (0, 0, 3, 1),
        "URO": (0, 0, 3, 2), "URP": (0, 0, 3, 3), "URF": (0, 0, 3, 4), "URS": (0, 0, 3, 5),
        "URFIL": (0, 0, 3, 13), "SRC": (0, 0, 4, 0), "RED": (0, 0, 5, 1), "TXD": (0, 0, 11, 0),
        "TIMS": (0, 0, 13, 0), "TST": (0, 0, 13, 0), "TSR": (0, 0, 14, 0), "MAS": (0, 0, 17, 0),
        "NRS": (0, 0, 133, 0), "NRA": (0, 0, 134, 0), "NNS": (0, 0, 135, 0), "NNA": (0, 0, 136, 0),
        "MHR": (0, 0, 143, 0),
    }
    | {state: (src, dst, 0, 0) for state, (src, dst, _) in ZEEK_STATES.items()}
)  # fmt: skip
_REVERSED = Vocabulary({"<-": (1,), "<?": (1,)})
_ARP = Vocabulary({"arp": (1,)})
_NOT_IP = Vocabulary(
    dict.fromkeys(
        ("arp", "rarp", "llc", "man", "ipx/spx", "ipx", "decnet", "lldp", "stp", "loop", "mpls", "ether",
         "wlan", "isis", "cdp", "unas", "eapol", "evt"), (1,),
    )
)  # fmt: skip


class Binetflow(Parser):
    """`StartTime,Dur,Proto,SrcAddr,Sport,Dir,DstAddr,Dport,State,…`."""

    name = "binetflow"

    def sniff(self, head: bytes) -> bool:
        """Whether the first line names start, protocol and both addresses."""
        match = _HEADER.match(head)
        if not match:
            return False
        names = {column.lower() for column in Columns(match.group().decode("utf-8", "replace")).names}
        return {"starttime", "proto", "srcaddr", "dstaddr"} <= names

    def header(self, lines: bytes, header: str) -> str:
        """The last header line."""
        found = [raw for raw in _HEADER.findall(lines) if len(raw) <= _LONGEST_HEADER]
        return found[-1].decode("utf-8", "replace").rstrip("\r") if found else header

    def parse(self, lines: Lines, header: str) -> Parsed:
        """Runs of lines between header lines, each by the header above it."""
        heading = _headings(lines)
        parts, at = [], 0
        for i in np.flatnonzero(heading):
            text = lines.text(int(i))
            if text != header and len(text) <= _LONGEST_HEADER:
                parts.append(_run(lines.part(at, int(i)), heading[at : int(i)], header))
                header, at = text, int(i)
        parts.append(_run(lines.part(at, len(lines)), heading[at:], header))
        return together(parts)


def _headings(lines: Lines) -> NDArray[np.bool_]:
    """Which lines `_HEADER` finds."""
    at = lines.starts.copy()
    for _ in range(_BLANKS):
        blank = np.isin(lines.buffer[np.minimum(at, lines.ends - 1)], (0x20, 0x09)) & (at < lines.ends)
        if not blank.any():
            break
        at += blank
    found = np.zeros(len(lines), np.bool_)
    some = np.flatnonzero(
        np.isin(lines.buffer[np.minimum(at, lines.ends - 1)], np.frombuffer(b'Ss"', np.uint8))
    )
    candidates = Lines(lines.buffer, at[some], lines.ends[some], lines.numbers[some])
    for beginning in _BEGINNINGS if len(some) else ():
        found[some] |= candidates.beginning(beginning)
    return found


class Columns:
    """Separator and names of a header line; names are as in NAMES where they mean the same."""

    def __init__(self, header: str) -> None:
        header = header.strip(" \t")
        match = re.match(r"\"?StartTime\"?([,\t;|])", header, re.IGNORECASE)
        self.separator = match[1] if match else ","
        names = [name.strip(' "') for name in header.split(self.separator)] if match else []
        self.names = [SAME.get(name.lower(), name) for name in names]
        self.label_last = bool(names) and names[-1].lower() == "label"


def _run(lines: Lines, heading: NDArray[np.bool_], header: str) -> Parsed:
    lines = lines.where(~heading)
    told = Columns(header)
    fields = Fields(lines, NAMES)
    if told.names:
        cut(fields, told.names, told.separator, quotes=True, spill=told.label_last, trim=True)
    else:
        fields.mark(np.ones(len(lines), np.bool_), "no_header")
    resolutions = _resolutions(fields)
    fields.mark(_NOT_IP.look_up(fields.words("Proto"))[1], "not_ip")
    logged = _logged(fields)
    errors = Errors()
    told_of = np.isin(lines.numbers, resolutions.line)
    errors.add_status(np.where(told_of, 0, fields.status).astype(np.uint8), lines.numbers)
    return Parsed(logged, resolutions, errors)


def _resolutions(fields: Fields) -> Resolutions:
    """ARP rows, read apart so that one that makes no sense is only not IP."""
    arp = _ARP.look_up(fields.words("Proto"))[1]
    if not arp.any():
        return Resolutions()
    some = Fields(fields.lines.where(arp), NAMES)
    some.spans[:], some.status[:] = fields.spans[arp], fields.status[arp]
    some.require("StartTime", "SrcAddr", "DstAddr")
    first = some.times("StartTime")
    src_hi, src_lo = some.addresses("SrcAddr")
    dst_hi, dst_lo = some.addresses("DstAddr")
    some.mark(~(is_v4(src_hi, src_lo) & is_v4(dst_hi, dst_lo)), "bad_address")
    answered = some.counts("TotPkts") > some.counts("SrcPkts")
    good = some.status == 0
    return Resolutions(
        some.lines.numbers[good], first[good], src_lo[good], dst_lo[good], (answered & _has_split(some))[good]
    )


def _has_split(fields: Fields) -> NDArray[np.bool_]:
    return fields.present("TotPkts") & fields.present("SrcPkts")


def _logged(fields: Fields) -> Logged:
    fields.require("StartTime", "Proto", "SrcAddr", "DstAddr")
    first, duration = fields.times("StartTime"), fields.durations("Dur")
    a_hi, a_lo = fields.addresses("SrcAddr")
    b_hi, b_lo = fields.addresses("DstAddr")
    v4 = is_v4(a_hi, a_lo)
    fields.mark(v4 != is_v4(b_hi, b_lo), "bad_address")
    proto, known = protocols(fields, "Proto")
    fields.mark(~known, "bad_protocol")
    proto = np.where((proto == ICMP) & ~v4, ICMPV6, proto).astype(np.uint8)
    a_port, b_port = fields.ports("Sport"), fields.ports("Dport")
    icmp = (proto == ICMP) | (proto == ICMPV6)
    meant, word = _STATES.look_up(fields.words("State"))
    icmp_type, icmp_code = _icmp(fields, a_port, b_port, meant)
    a_flags, b_flags = _tcp_flags(fields, meant, word)
    a_count, b_count, a_bytes, b_bytes = _volume(fields)
    header = header_bytes(proto, v4) + np.uint64(14)
    a_load = _payload(a_count, a_bytes, header, (proto != TCP) | (a_flags & PSH > 0))
    b_load = _payload(b_count, b_bytes, header, (proto != TCP) | (b_flags & PSH > 0))
    tcp = proto == TCP
    nothing = np.zeros(len(first), np.uint64)
    logged = Logged(
        fields.lines.numbers, first, duration, a_hi, a_lo, b_hi, b_lo,
        np.where(icmp, 0, a_port).astype(np.uint16), np.where(icmp, 0, b_port).astype(np.uint16),
        proto, a_count, b_count, a_bytes, b_bytes, a_load, b_load,
        np.where(tcp, a_flags, 0).astype(np.uint8), np.where(tcp, b_flags, 0).astype(np.uint8),
        nothing.astype(np.uint8), np.where(icmp, icmp_type, 0).astype(np.uint8),
        np.where(icmp, icmp_code, 0).astype(np.uint8), nothing.astype(np.uint32), nothing, nothing,
    )  # fmt: skip
    _turn(logged, _REVERSED.look_up(fields.words("Dir"))[1])
    starts = logged.src_flags
    logged.first_flags = np.where(starts & SYN, SYN, starts & (0xFF & ~(FIN | RST))).astype(np.uint8)
    return logged.where(fields.status == 0)


def _turn(logged: Logged, mask: NDArray[np.bool_]) -> None:
    """Change sides where the target was the one that sent."""
    for name in ("hi", "lo", "port", "packets", "bytes", "payload", "flags"):
        src, dst = getattr(logged, f"src_{name}"), getattr(logged, f"dst_{name}")
        setattr(logged, f"src_{name}", np.where(mask, dst, src))
        setattr(logged, f"dst_{name}", np.where(mask, src, dst))


def _icmp(
    fields: Fields, a_port: NDArray[np.uint16], b_port: NDArray[np.uint16], meant: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Type and code: `0x0303` holds code and type, decimals stand in the two ports, else by state."""
    both = fields.hexadecimal("Sport")
    there = fields.present("Sport")
    kind = np.where(there, a_port & 0xFF, meant[:, 2])
    code = np.where(both, a_port >> 8, np.where(there, b_port & 0xFF, meant[:, 3]))
    return kind.astype(np.int64), code.astype(np.int64)


def _tcp_flags(fields: Fields, meant: NDArray[np.int64], word: NDArray[np.bool_]) -> tuple[U8s, U8s]:
    src, dst, letters = fields.states("State")
    by_word = word & ~letters
    return (
        np.where(by_word, meant[:, 0], src).astype(np.uint8),
        np.where(by_word, meant[:, 1], dst).astype(np.uint8),
    )


def _volume(fields: Fields) -> tuple[U64, U64, U64, U64]:
    """Packets and bytes of both sides from whichever of total, source and target the log has."""
    one, two = np.uint64(1), np.uint64(2)
    total, size = fields.counts("TotPkts"), fields.counts("TotBytes")
    src, src_size = fields.counts("SrcPkts"), fields.counts("SrcBytes")
    dst, dst_size = fields.counts("DstPkts"), fields.counts("DstBytes")
    src_size = np.where(fields.present("SrcBytes"), src_size, size - np.minimum(dst_size, size))
    dst_size = np.where(fields.present("DstBytes"), dst_size, size - np.minimum(src_size, size))
    total = np.where(fields.present("TotPkts"), total, src + dst)
    half = np.where(dst_size > 0, np.minimum((total + one) // two, total), total)
    src = np.where(
        fields.present("SrcPkts"),
        src,
        np.where(fields.present("DstPkts"), total - np.minimum(dst, total), half),
    )
    dst = np.where(fields.present("DstPkts"), dst, total - np.minimum(src, total))
    return src, dst, src_size, dst_size


def _payload(packets: U64, size: U64, header: U64, pushed: NDArray[np.bool_]) -> U64:
    most = np.uint64(1) << np.uint64(48)  # products above would wrap: such counts are nonsense anyway
    overhead = np.minimum(packets, most // header) * header
    return np.where(pushed & (size > overhead), size - np.minimum(overhead, size), 0).astype(np.uint64)
