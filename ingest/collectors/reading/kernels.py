"""Sets of records to flows of one direction, each by the quickest way that its template allows.

Most templates are plain: what they tell is read straight into the flow. Others go by a row of words, filled
field by field, quickly where every field has a fixed place (`straight`), else one after the other.
"""

from __future__ import annotations

import numpy as np

from citywall.kernels import U8, bare_kernel, helper, internal, load_be32, load_be64, prefetch
from ingest.collectors.kernels import (
    BYTES,
    COLUMNS,
    DATA,
    DST_HI,
    DST_MAC,
    DST_PORT,
    DURATION,
    FIRST,
    FLAGS,
    ICMP,
    LAST,
    LOST,
    OUT_BYTES,
    OUT_PACKETS,
    PACKETS,
    PRESENT,
    PROTO,
    SRC_HI,
    SRC_MAC,
    SRC_PORT,
    UP_FIRST,
    UP_LAST,
    V4_MAPPED,
    V5_SET,
    VARIABLE,
    VLAN,
    halve,
    rate_of,
    record,
    scaled,
    span,
    told_of,
)
from ingest.collectors.straight.kernels import BEHIND, fill, milliseconds

#: Bytes that are brought near before their turn.
_AHEAD = 1024


@internal
def _word(buffer, at, place):
    """The number at a place of the record at `at`, 0 where it has none."""
    if place["at"] < 0:
        return U8(0)
    return U8(load_be64(buffer, at + place["at"])) >> U8(place["shift"])


@internal
def _is_four(hi, lo):
    return hi == U8(0) and lo >> U8(32) == U8(0xFFFF)


@internal
def _told(first, other):
    return first if first != U8(0) else other


@internal
def _counted(buffer, at, places, rate, h):
    """Packets, bytes, flags and ports."""
    packets = _told(_word(buffer, at, places[PACKETS]), _word(buffer, at, places[OUT_PACKETS]))
    size = _told(_word(buffer, at, places[BYTES]), _word(buffer, at, places[OUT_BYTES]))
    if packets == U8(0) and size > U8(0):
        packets = U8(1)
    h["sampling"] = told_of(rate)
    h["src_packets"] = scaled(packets, rate)
    h["src_bytes"] = scaled(size, rate)
    h["dst_packets"] = U8(0)
    h["dst_bytes"] = U8(0)
    proto = np.int64(h["proto"])
    h["src_flags"] = _word(buffer, at, places[FLAGS]) & U8(255) if proto == 6 else U8(0)
    h["dst_flags"] = U8(0)
    to = _word(buffer, at, places[DST_PORT])
    if proto == 1 or proto == 58:
        told = _word(buffer, at, places[ICMP]) if places[ICMP]["at"] >= 0 else to
        h["icmp"] = np.uint16(told & U8(0xFFFF))
        h["src_port"] = 0
        h["dst_port"] = 0
    else:
        h["icmp"] = 0
        h["src_port"] = np.uint16(_word(buffer, at, places[SRC_PORT]) & U8(0xFFFF))
        h["dst_port"] = np.uint16(to & U8(0xFFFF))


@internal
def _plain(buffer, at, end, layout, places, head, source, datagram, rates, samplers, out, n):
    """Records of a plain layout from `at` on, as `halve` has them. Returns where it ended, and the flows."""
    rate = rate_of(U8(0), U8(0), head, source, rates, samplers)
    exported, uptime = np.int64(head["time"]), np.int64(head["uptime"])
    least, four = np.int64(layout["length"]), layout["plain"] == 1
    src, dst = np.int64(places[SRC_HI]["at"]), np.int64(places[DST_HI]["at"])
    up_from, up_to = places[UP_FIRST]["at"] >= 0, places[UP_LAST]["at"] >= 0
    last_one = min(end, len(buffer) - BEHIND) - least
    count, strange = np.int64(0), np.int64(0)
    while at <= last_one and n < len(out):
        h = out[n]
        prefetch(buffer, at + _AHEAD)
        proto = _word(buffer, at, places[PROTO])
        if four:
            h["src_hi"] = U8(0)
            h["src_lo"] = V4_MAPPED | U8(load_be32(buffer, at + src))
            h["dst_hi"] = U8(0)
            h["dst_lo"] = V4_MAPPED | U8(load_be32(buffer, at + dst))
            odd = proto > U8(255)
        else:
            h["src_hi"] = U8(load_be64(buffer, at + src))
            h["src_lo"] = U8(load_be64(buffer, at + src + 8))
            h["dst_hi"] = U8(load_be64(buffer, at + dst))
            h["dst_lo"] = U8(load_be64(buffer, at + dst + 8))
            odd = proto > U8(255) or _is_four(h["src_hi"], h["src_lo"]) != _is_four(h["dst_hi"], h["dst_lo"])
        count += 1
        if odd:
            strange += 1
            at += least
            continue
        h["proto"] = np.uint8(proto)
        _counted(buffer, at, places, rate, h)
        h["src_mac"] = _word(buffer, at, places[SRC_MAC])
        h["dst_mac"] = _word(buffer, at, places[DST_MAC])
        h["vlan"] = np.uint32(_word(buffer, at, places[VLAN]) & U8(0xFF_FFFF))
        h["paired"] = 0
        h["sampled"] = 0
        h["source"] = source
        h["arrived"] = datagram
        h["number"] = 0
        h["hash"] = U8(0)
        h["done"] = 0
        span(
            np.int64(milliseconds(_word(buffer, at, places[FIRST]))),
            np.int64(milliseconds(_word(buffer, at, places[LAST]))), up_from,
            _word(buffer, at, places[UP_FIRST]), up_to, _word(buffer, at, places[UP_LAST]),
            _word(buffer, at, places[DURATION]), exported, uptime, h,
        )  # fmt: skip
        n += 1
        at += least
    head["records"] += count
    head["strange"] += strange
    return at, n


@helper
def some_records(buffer, sets, s, at, layouts, ops, places, heads, sources, rates, samplers, row, out):
    """Decode data sets from set `s` on, there from offset `at` (-1: its beginning), until `out` is full.

    Returns the set and the offset to go on at, how many flows there are in `out`, and how many of them have
    times of an unknown clock. The rest is as `records` has it.
    """
    n, lost = 0, 0
    while s < len(sets):
        row_of = sets[s]
        datagram = np.int64(row_of["datagram"])
        head = heads[datagram]
        if row_of["kind"] != DATA or row_of["template"] < 0:
            if row_of["kind"] == DATA:
                head["unknown"] = 1
            s, at = s + 1, np.int64(-1)
            continue
        layout = layouts[row_of["template"]]
        at, end = np.int64(row_of["start"]) if at < 0 else at, np.int64(row_of["end"])
        time, source = np.int64(head["time"]), np.int64(sources[datagram])
        least = np.int64(layout["length"])
        useful = layout["useful"] == 1
        if not useful and layout["fixed"] == 1:
            count = (end - at) // least
            head["records"] += count
            if row_of["id"] != V5_SET and layout["option"] == 0:
                head["strange"] += count
            s, at = s + 1, np.int64(-1)
            continue
        if useful:
            for c in range(COLUMNS):
                row[c] = U8(0)
        if layout["plain"] != 0 and (layout["clocked"] == 0 or head["uptime"] >= 0):
            at, n = _plain(
                buffer, at, end, layout, places[row_of["template"]], head, source, datagram, rates, samplers,
                out, n,
            )  # fmt: skip
        elif layout["straight"] == 1:
            row[PRESENT] = layout["present"]
            straight = min(end, len(buffer) - BEHIND)
            count = np.int64(0)
            while at + least <= straight and n < len(out):
                fill(buffer, at, layout, ops, row)
                at += least
                count += 1
                if halve(row, head, source, datagram, rates, samplers, out[n]):
                    lost += out[n]["done"] == LOST
                    n += 1
            head["records"] += count
        while at + least <= end:
            if n == len(out):
                return s, at, n, lost
            if useful:
                for c in range(COLUMNS):
                    row[c] = U8(0)
            at, present = record(buffer, at, end, layout, ops, time, row, useful)
            if at < 0:
                head["reason"] = VARIABLE
                break
            head["records"] += 1
            if useful:
                row[PRESENT] = present
                if halve(row, head, source, datagram, rates, samplers, out[n]):
                    lost += out[n]["done"] == LOST
                    n += 1
            elif layout["option"] == 0:
                head["strange"] += 1
        s, at = s + 1, np.int64(-1)
    return s, at, n, lost


@bare_kernel
def records(buffer, sets, layouts, ops, places, heads, sources, rates, samplers, row, out):
    """Decode the data sets that have a template into flows: rows of `out` (HALF[n], one more than there are).

    Returns how many there are, and how many of them have times of an unknown clock.

    `places` is PLACE[layouts, COLUMNS], `sources` (i4, one a datagram) numbers exporters and domains, `rates`
    (i8) are their sampling rates, `samplers` (i8[k, 3]) those of (source, sampler), in the order of sources.
    `row` is u8[COLUMNS], room for a record. `heads` takes the number of records of each datagram, whether or
    not they are flows; 'unknown' is set where a set had no template.
    """
    _, _, n, lost = some_records(
        buffer, sets, 0, np.int64(-1), layouts, ops, places, heads, sources, rates, samplers, row, out
    )
    return n, lost
