"""sFlow v5: flow samples found in datagrams, and sampled packets made flows."""

from __future__ import annotations

import numpy as np

from citywall.kernels import U8, bare_kernel, internal, load_be32, load_be64
from ingest.collectors.kernels import (
    BYTES,
    COLUMNS,
    DST_HI,
    DST_LO,
    DST_PORT,
    FLAGS,
    ICMP,
    NONE,
    PACKETS,
    PROTO,
    RATE,
    SAMPLE_LENGTH,
    SAMPLED,
    SFLOW,
    SRC_HI,
    SRC_LO,
    SRC_PORT,
    V4_MAPPED,
    VLAN,
    halve,
)
from ingest.decode.kernels import decode_record

#: A sampled packet: header bytes `buffer[start:start+captured]`, `wire` bytes long, of link type `link`.
SAMPLE = np.dtype(
    [("start", "i8"), ("captured", "i8"), ("wire", "i8"), ("rate", "i8"), ("link", "i4"), ("datagram", "i4"),
     ("vlan", "i4")],
    align=True,
)  # fmt: skip
_LINK_ETHERNET, _LINK_RAW, _NO_LINK = 1, 101, -1
#: sFlow's header protocols to link types.
_ETHERNET, _IPV4, _IPV6 = 1, 11, 12
#: `SAMPLE.link` of a sample that gives addresses and no header.
ADDRESSES4, ADDRESSES6 = -4, -6


@bare_kernel
def samples(buffer, starts, ends, heads, out):
    """Find the flow samples of sFlow v5 datagrams: SAMPLE[k] (k a twenty-fourth of all bytes), how many.

    Samples and records of unknown kinds are passed over by their length (sFlow v5, §5.3).
    """
    n = 0
    for i in range(len(starts)):
        h = heads[i]
        if h["version"] != SFLOW or h["reason"] != NONE:
            continue
        end = ends[i]
        at = starts[i] + (40 if load_be32(buffer, starts[i] + 4) == 2 else 28)
        left = np.int64(load_be32(buffer, at - 4))
        while left > 0:
            left -= 1
            if at + 8 > end:
                h["reason"] = SAMPLE_LENGTH
                break
            kind = np.int64(load_be32(buffer, at))
            length = np.int64(load_be32(buffer, at + 4))
            at += 8
            stop = at + length
            if stop > end:
                h["reason"] = SAMPLE_LENGTH
                break
            h["records"] += 1
            if kind == 1 or kind == 3:
                before = 32 if kind == 1 else 44
                if length < before:
                    h["reason"] = SAMPLE_LENGTH
                else:
                    rate = np.int64(load_be32(buffer, at + (8 if kind == 1 else 12)))
                    count = np.int64(load_be32(buffer, at + before - 4))
                    n = _flow_sample(buffer, at + before, stop, count, rate, i, h, out, n)
            at = stop
    return n


@internal
def _flow_sample(buffer, at, stop, count, rate, i, h, out, n):
    """The records of one flow sample: at most one row, its header before its addresses."""
    found = False
    vlan = np.int64(0)
    while count > 0:
        count -= 1
        if at + 8 > stop:
            h["reason"] = SAMPLE_LENGTH
            break
        kind = np.int64(load_be32(buffer, at))
        length = np.int64(load_be32(buffer, at + 4))
        at += 8
        if at + length > stop:
            h["reason"] = SAMPLE_LENGTH
            break
        link = np.int64(_NO_LINK)
        start, captured, wire = at, np.int64(0), np.int64(0)
        if kind == 1 and length >= 16:
            protocol = np.int64(load_be32(buffer, at))
            wire = np.int64(load_be32(buffer, at + 4))
            captured = np.int64(load_be32(buffer, at + 12))
            start = at + 16
            if captured > length - 16:
                h["reason"] = SAMPLE_LENGTH
            elif protocol == _ETHERNET:
                link = np.int64(_LINK_ETHERNET)
            elif protocol == _IPV4 or protocol == _IPV6:
                link = np.int64(_LINK_RAW)
        elif kind == 3 and length >= 32 and not found:
            link, wire = np.int64(ADDRESSES4), np.int64(load_be32(buffer, at))
        elif kind == 4 and length >= 56 and not found:
            link, wire = np.int64(ADDRESSES6), np.int64(load_be32(buffer, at))
        elif kind == 1001 and length >= 16:
            vlan = np.int64(load_be32(buffer, at)) & 0xFFF
        if link != _NO_LINK and n < len(out):
            s = out[n - 1] if found else out[n]
            s["start"] = start
            s["captured"] = captured
            s["wire"] = wire
            s["rate"] = max(rate, 1)
            s["link"] = link
            s["datagram"] = i
            if not found:
                n += 1
            found = True
        at += length
    if found:
        out[n - 1]["vlan"] = vlan
    return n


@bare_kernel
def sampled(buffer, rows, packets, heads, sources, rates, samplers, reasons, row, out):
    """Sampled packets (SAMPLE[n]) as flows of one packet times the rate: rows of `out` (HALF[n]), how many.

    `packets` is PACKET[n], room to decode; `reasons` (i8) counts headers that are of no IP packet; the others
    are as `records` has them.
    """
    n = 0
    for i in range(len(rows)):
        s = rows[i]
        for c in range(COLUMNS):
            row[c] = U8(0)
        start = np.int64(s["start"])
        datagram = np.int64(s["datagram"])
        time = np.int64(heads[datagram]["time"])
        row[RATE] = U8(s["rate"])
        row[PACKETS] = U8(1)
        row[BYTES] = U8(s["wire"])
        row[VLAN] = U8(s["vlan"])
        row[SAMPLED] = U8(1)
        if s["link"] == ADDRESSES4 or s["link"] == ADDRESSES6:
            row[PROTO] = U8(load_be32(buffer, start + 4)) & U8(255)
            if s["link"] == ADDRESSES4:
                row[SRC_LO] = V4_MAPPED | U8(load_be32(buffer, start + 8))
                row[DST_LO] = V4_MAPPED | U8(load_be32(buffer, start + 12))
                at = start + 16
            else:
                row[SRC_HI], row[SRC_LO] = load_be64(buffer, start + 8), load_be64(buffer, start + 16)
                row[DST_HI], row[DST_LO] = load_be64(buffer, start + 24), load_be64(buffer, start + 32)
                at = start + 40
            row[SRC_PORT] = U8(load_be32(buffer, at)) & U8(0xFFFF)
            row[DST_PORT] = U8(load_be32(buffer, at + 4)) & U8(0xFFFF)
            row[FLAGS] = U8(load_be32(buffer, at + 8)) & U8(255)
        else:
            p = packets[i]
            reason = decode_record(buffer, start, s["captured"], s["wire"], time, np.int64(s["link"]), p)
            if p["status"] < 3:  # no IP
                reasons[reason] += 1
                continue
            turned = p["reversed"] == 1
            ports = U8(p["ports"])
            high, low = ports >> U8(16), ports & U8(0xFFFF)
            row[SRC_HI], row[SRC_LO] = (p["b_hi"], p["b_lo"]) if turned else (p["a_hi"], p["a_lo"])
            row[DST_HI], row[DST_LO] = (p["a_hi"], p["a_lo"]) if turned else (p["b_hi"], p["b_lo"])
            row[SRC_PORT], row[DST_PORT] = (low, high) if turned else (high, low)
            row[PROTO] = U8(p["proto"])
            row[FLAGS] = U8(p["flags"])
            row[BYTES] = U8(p["ip_bytes"])
            row[ICMP] = U8(p["icmp_type"]) << U8(8) | U8(p["icmp_code"])
            if p["vlan"] != 0:
                row[VLAN] = U8(p["vlan"])
        if halve(row, heads[datagram], np.int64(sources[datagram]), datagram, rates, samplers, out[n]):
            n += 1
    return n
