"""Kernels of the flow-export decoders: datagrams in a byte buffer to sets, sets to records.

A record is read into u64 words, one a column (`SRC_HI` and so on), then made a row of HALF. Every offset is
checked against the end of its datagram before it is read.
"""

from __future__ import annotations

import numpy as np

from citywall.kernels import U8, bare_kernel, internal, load_be16, load_be32, load_be64

# Columns of a record.
SRC_HI, SRC_LO, DST_HI, DST_LO, SRC_PORT, DST_PORT, PROTO = 0, 1, 2, 3, 4, 5, 6
PACKETS, BYTES, OUT_PACKETS, OUT_BYTES, REV_PACKETS, REV_BYTES = 7, 8, 9, 10, 11, 12
FLAGS, REV_FLAGS, FIRST, LAST, ICMP, VLAN, SRC_MAC, DST_MAC = 13, 14, 15, 16, 17, 18, 19, 20
RATE, SAMPLER, EVENT, UP_FIRST, UP_LAST, DURATION, INIT = 21, 22, 23, 24, 25, 26, 27
#: Bit c is set where column c was in the record; whether it is a sampled packet.
PRESENT, SAMPLED = 28, 29
COLUMNS = 30

# How a field's bytes become a word.
UNSIGNED, ADDRESS4, ADDRESS6, SECONDS, MILLISECONDS, NTP, BEFORE_US, HIGH_BYTE, LOW_BYTE = range(9)

# Why a datagram, or a part of it, was refused (indices of `datagrams.REASONS`).
NONE, TOO_SHORT, VERSION, COUNT, LENGTH, SET_LENGTH, SAMPLE_LENGTH, VARIABLE = range(8)

# Kinds of sets.
DATA, TEMPLATES, OPTIONS = 0, 1, 2
V5, V9, IPFIX, SFLOW = 5, 9, 10, 105
#: The set id that stands for the records of NetFlow v5.
V5_SET = 65536

#: A datagram's header. `uptime` (ms) is -1 where it has none; `rate` is 0 where it tells none. Of its
#: `records`, `strange` are no IP flow and `created` only tell that one began.
HEAD = np.dtype(
    [("time", "i8"), ("uptime", "i8"), ("domain", "u8"), ("sequence", "u4"), ("rate", "u4"),
     ("records", "i4"), ("strange", "i4"), ("created", "i4"), ("version", "u2"), ("reason", "u1"),
     ("unknown", "u1")],
    align=True,
)  # fmt: skip
#: A set: the content of `buffer[start:end]`, in datagram `datagram`; its template, or -1.
SET = np.dtype(
    [("start", "i8"), ("end", "i8"), ("datagram", "i4"), ("id", "i4"), ("template", "i4"), ("kind", "i4")],
    align=True,
)
#: A layout: its operations are `ops[first:stop]`; `length` of a record (the least where `fixed` is 0). One
#: that is `plain` (1: IPv4, 2: IPv6) has nothing but what `reading.kernels` reads. One
#: that is `clocked` tells times of the exporter's own clock. One that is `straight` has them by kind, up to
#: `numbers`, `fours`, `sixes` and `stop`, and `present` always.
LAYOUT = np.dtype(
    [("present", "u8"), ("first", "i4"), ("stop", "i4"), ("numbers", "i4"), ("fours", "i4"), ("sixes", "i4"),
     ("length", "i4"), ("fixed", "u1"), ("useful", "u1"), ("option", "u1"), ("straight", "u1"),
     ("clocked", "u1"),
     ("plain", "u1")],
    align=True,
)  # fmt: skip
#: One field: where it is in a record of fixed length, its length (-1 is variable), column (-1 is none), kind.
#: `shift` puts eight bytes read there in place.
OPERATION = np.dtype(
    [("at", "i4"), ("length", "i4"), ("column", "i4"), ("kind", "i4"), ("shift", "i4")], align=True
)

#: Where a column of a plain layout is (-1: nowhere), and what puts eight bytes read there in place.
PLACE = np.dtype([("at", "i4"), ("shift", "i4")])

#: A record as a flow of one direction (of both, where it is `paired`), and what is made of two. `source`: the
#: exporter and domain it came from; `arrived`: its datagram until it is paired, then the clock when it came.
#: `sampling`: as of FLOW. `done`: 1 when it has gone out with its other half, LOST while its times are those
#: of an unknown clock.
HALF = np.dtype(
    [("src_hi", "u8"), ("src_lo", "u8"), ("dst_hi", "u8"), ("dst_lo", "u8"), ("first", "i8"), ("last", "i8"),
     ("src_packets", "u8"), ("dst_packets", "u8"), ("src_bytes", "u8"), ("dst_bytes", "u8"),
     ("src_mac", "u8"), ("dst_mac", "u8"), ("number", "i8"), ("arrived", "i8"), ("hash", "u8"),
     ("source", "i4"), ("vlan", "u4"), ("sampling", "u4"),
     ("src_port", "u2"), ("dst_port", "u2"), ("icmp", "u2"), ("proto", "u1"),
     ("src_flags", "u1"), ("dst_flags", "u1"), ("paired", "u1"), ("sampled", "u1"), ("done", "u1")],
    align=True,
)  # fmt: skip

#: Of `HALF.done`.
LOST = 2
#: What `tally` counts.
COUNTS = 6

V4_MAPPED = U8(0xFFFF_0000_0000)
#: No count or rate is believed beyond these, so that their product is one.
_MOST, _MOST_RATE = U8(1 << 40), U8(1 << 20)
#: Firewall events (RFC 8158, Cisco NSEL) that come again with counts when the flow ends.
_CREATED = 1
#: How far (ns) ahead of its export a flow may seem to end.
_AHEAD = 86_400_000_000_000
_MS = 1_000_000
_S = 1_000_000_000
#: Seconds from 1900, which NTP counts from, to 1970.
_NTP_EPOCH = 2_208_988_800


@bare_kernel
def walk(buffer, starts, ends, heads, sets):
    """Read headers of the datagrams `buffer[starts[i]:ends[i]]` into `heads` (HEAD[n]) and find their sets.

    `sets` is SET[k], k at least a quarter of all bytes plus the datagrams. Returns sets found. RFC 3954,
    RFC 7011; NetFlow v5 as Cisco describes it. sFlow's header is read, its samples are not sets.
    """
    n = 0
    for i in range(len(starts)):
        h = heads[i]
        at, end = starts[i], ends[i]
        size = end - at
        h["uptime"] = -1
        h["time"] = 0
        h["domain"] = 0
        h["sequence"] = 0
        h["rate"] = 0
        h["records"] = 0
        h["strange"] = 0
        h["created"] = 0
        h["unknown"] = 0
        h["version"] = 0
        h["reason"] = NONE
        if size < 4:
            h["reason"] = TOO_SHORT
            continue
        version = np.int64(load_be16(buffer, at))
        if version == 5:
            if size < 24:
                h["reason"] = TOO_SHORT
                continue
            h["version"] = V5
            count = np.int64(load_be16(buffer, at + 2))
            h["uptime"] = np.int64(load_be32(buffer, at + 4))
            h["time"] = np.int64(load_be32(buffer, at + 8)) * _S + np.int64(load_be32(buffer, at + 12))
            h["sequence"] = load_be32(buffer, at + 16)
            sampling = np.int64(load_be16(buffer, at + 22))
            h["domain"] = np.uint64(load_be16(buffer, at + 20))
            if sampling >> 14 != 0:
                h["rate"] = sampling & 0x3FFF
            if count == 0 or 24 + count * 48 > size:
                h["reason"] = COUNT
                continue
            s = sets[n]
            s["start"] = at + 24
            s["end"] = at + 24 + count * 48
            s["datagram"] = i
            s["id"] = V5_SET
            s["kind"] = DATA
            n += 1
            continue
        if version == 9 or version == 10:
            if size < (20 if version == 9 else 16):
                h["reason"] = TOO_SHORT
                continue
            h["version"] = version
            if version == 9:
                h["uptime"] = np.int64(load_be32(buffer, at + 4))
                h["time"] = np.int64(load_be32(buffer, at + 8)) * _S
                h["sequence"] = load_be32(buffer, at + 12)
                h["domain"] = np.uint64(load_be32(buffer, at + 16))
                at += 20
            else:
                length = np.int64(load_be16(buffer, at + 2))
                if length < 16 or length > size:
                    h["reason"] = LENGTH
                    continue
                end = at + length
                h["time"] = np.int64(load_be32(buffer, at + 4)) * _S
                h["sequence"] = load_be32(buffer, at + 8)
                h["domain"] = np.uint64(load_be32(buffer, at + 12))
                at += 16
            first_template, first_options = (0, 1) if version == 9 else (2, 3)
            while at + 4 <= end:
                kind = np.int64(load_be16(buffer, at))
                length = np.int64(load_be16(buffer, at + 2))
                if length < 4 or at + length > end:
                    h["reason"] = SET_LENGTH
                    break
                s = sets[n]
                s["start"] = at + 4
                s["end"] = at + length
                s["datagram"] = i
                s["id"] = kind
                if kind == first_template:
                    s["kind"] = TEMPLATES
                    n += 1
                elif kind == first_options:
                    s["kind"] = OPTIONS
                    n += 1
                elif kind >= 256:
                    s["kind"] = DATA
                    n += 1
                at += length
            continue
        if version == 0 and load_be32(buffer, at) == 5:
            h["version"] = SFLOW
            if size < 28:
                h["reason"] = TOO_SHORT
                continue
            kind = np.int64(load_be32(buffer, at + 4))
            more = 12 if kind == 2 else 0
            if (kind != 1 and kind != 2) or size < 28 + more:
                h["reason"] = TOO_SHORT if kind == 1 or kind == 2 else VERSION
                continue
            h["domain"] = np.uint64(load_be32(buffer, at + 12 + more))
            h["sequence"] = load_be32(buffer, at + 16 + more)
            h["uptime"] = np.int64(load_be32(buffer, at + 20 + more))
            continue
        h["reason"] = VERSION
    return n


@internal
def _unsigned(buffer, at, length):
    """Big-endian word of 1 to 8 bytes."""
    if length == 4:
        return U8(load_be32(buffer, at))
    if length == 2:
        return U8(load_be16(buffer, at))
    if length == 1:
        return U8(buffer[at])
    if length == 8:
        return U8(load_be64(buffer, at))
    word = U8(0)
    for i in range(length):
        word = (word << U8(8)) | U8(buffer[at + i])
    return word


@internal
def _field(buffer, at, length, column, kind, time, row):
    """Put the field of `length` (1 or more) bytes at `at` into its column; True where it is understood."""
    if kind == UNSIGNED:
        if length > 8:
            return False
        row[column] = _unsigned(buffer, at, length)
        return True
    if kind == ADDRESS4:
        if length != 4:
            return False
        row[column] = U8(0)
        row[column + 1] = V4_MAPPED | U8(load_be32(buffer, at))
        return True
    if kind == ADDRESS6:
        if length != 16:
            return False
        hi, lo = U8(load_be64(buffer, at)), U8(load_be64(buffer, at + 8))
        if hi == U8(0) and lo == U8(0) and row[column + 1] != U8(0):
            return False  # of a record with room for both families
        row[column] = hi
        row[column + 1] = lo
        return True
    if length > 8:
        return False
    word = _unsigned(buffer, at, length)
    if kind == SECONDS:
        row[column] = word * U8(_S) if word < U8(1 << 33) else U8(0)
    elif kind == MILLISECONDS:
        row[column] = word * U8(_MS) if word < U8(1 << 43) else U8(0)
    elif kind == NTP:
        if length != 8:
            return False
        seconds = np.int64(word >> U8(32)) - _NTP_EPOCH
        if seconds < 0:
            seconds += 1 << 32  # the era that begins in 2036
        row[column] = U8(seconds * _S) + (((word & U8(0xFFFF_FFFF)) * U8(_S)) >> U8(32))
    elif kind == BEFORE_US:
        back = np.int64(word & U8(0xFFFF_FFFF)) * 1000
        row[column] = U8(max(time - back, 0))
    elif kind == HIGH_BYTE:
        row[column] |= (word & U8(255)) << U8(8)
    elif kind == LOW_BYTE:
        row[column] |= word & U8(255)
    return True


@internal
def _uptime(up, uptime, time):
    """The time (ns) at which a clock of 32 bits showed `up` that shows `uptime` (ms) at `time`."""
    back = (uptime - np.int64(up)) & 0xFFFF_FFFF
    if back >= 0x8000_0000:
        back -= 0x1_0000_0000
    return time - back * _MS


@internal
def record(buffer, at, end, layout, ops, time, row, write):
    """Read one record at `at` by its layout. Returns (offset behind it or -1, columns there)."""
    present = U8(0)
    variable = layout["fixed"] == 0
    for k in range(layout["first"], layout["stop"]):
        op = ops[k]
        length = np.int64(op["length"])
        if variable:
            if length < 0:
                if at >= end:
                    return np.int64(-1), present
                length = np.int64(buffer[at])
                at += 1
                if length == 255:
                    if at + 2 > end:
                        return np.int64(-1), present
                    length = np.int64(load_be16(buffer, at))
                    at += 2
            if at + length > end:
                return np.int64(-1), present
            place = at
            at += length
        else:
            place = at + np.int64(op["at"])
        column = np.int64(op["column"])
        if write and column >= 0 and length > 0:
            if _field(buffer, place, length, column, op["kind"], time, row):
                present |= U8(1) << U8(column)
    if not variable:
        at += layout["length"]
    return at, present


@internal
def _there(present, column):
    return (present >> U8(column)) & U8(1) != U8(0)


@internal
def rate_of(told, sampler, head, source, rates, samplers):
    """How many packets a counted one stands for: as the record, its datagram or its source's options say."""
    if told > U8(0):
        return min(told, _MOST_RATE)
    if head["rate"] > 1:
        return U8(head["rate"])
    first, stop = 0, len(samplers)
    while first < stop:  # they are in the order of their sources
        middle = (first + stop) // 2
        if samplers[middle, 0] < source:
            first = middle + 1
        else:
            stop = middle
    while first < len(samplers) and samplers[first, 0] == source:
        if U8(samplers[first, 1]) == sampler:
            return min(U8(samplers[first, 2]), _MOST_RATE)
        first += 1
    return min(U8(max(rates[source], 1)), _MOST_RATE)


@internal
def told_of(rate):
    """FLOW.sampling of a rate (at most `_MOST_RATE`): 0 where every packet is looked at."""
    return np.uint32(rate if rate > U8(1) else U8(0))


@internal
def scaled(count, rate):
    """What a count stands for."""
    return count if rate == U8(1) else min(count, _MOST) * rate


@internal
def _times(row, present, head, h):
    """First and last, from whatever the record tells; the export's time where it tells nothing."""
    exported, uptime = np.int64(head["time"]), np.int64(head["uptime"])
    h["done"] = 0
    if _there(present, INIT) and row[INIT] < U8(1 << 43):
        uptime = max(exported // _MS - np.int64(row[INIT]), 0)
    first, last = np.int64(row[FIRST]), np.int64(row[LAST])
    if first == 0 and last == 0 and _there(present, UP_LAST) and uptime < 0:
        h["first"] = np.int64(row[UP_FIRST] & U8(0xFFFF_FFFF))
        h["last"] = np.int64(row[UP_LAST] & U8(0xFFFF_FFFF))
        h["done"] = LOST
        return
    span(
        first, last, _there(present, UP_FIRST), row[UP_FIRST], _there(present, UP_LAST), row[UP_LAST],
        row[DURATION], exported, uptime, h,
    )  # fmt: skip


@internal
def span(first, last, up_from, up_first, up_to, up_last, lasted, exported, uptime, h):
    """First and last of a flow from times (ns), clocks (ms) where these are told, and its length (ms)."""
    if first == 0 and last == 0 and up_to:
        last = _uptime(up_last & U8(0xFFFF_FFFF), uptime, exported)
        if up_from:
            first = _uptime(up_first & U8(0xFFFF_FFFF), uptime, exported)
    duration = np.int64(min(lasted, U8(1 << 32))) * _MS
    if last <= 0:
        last = first + duration if first > 0 else exported
    if first <= 0:
        first = last - duration
    if first < 0 or last < 0 or last > exported + _AHEAD:
        first = exported
        last = exported
    h["first"] = min(first, last)
    h["last"] = last


@internal
def halve(row, head, source, datagram, rates, samplers, h):
    """Make a record a flow; False where it is none."""
    present = row[PRESENT]
    sampled = row[SAMPLED] != U8(0)
    four = row[SRC_HI] == U8(0) and row[SRC_LO] >> U8(32) == U8(0xFFFF)
    other = row[DST_HI] == U8(0) and row[DST_LO] >> U8(32) == U8(0xFFFF)
    both = sampled or (_there(present, SRC_HI) and _there(present, DST_HI))
    if not both or four != other or row[PROTO] > U8(255):
        head["strange"] += 1
        return False
    if row[EVENT] == U8(_CREATED):
        head["created"] += 1
        return False
    rate = rate_of(row[RATE], row[SAMPLER], head, source, rates, samplers)
    h["src_hi"] = row[SRC_HI]
    h["src_lo"] = row[SRC_LO]
    h["dst_hi"] = row[DST_HI]
    h["dst_lo"] = row[DST_LO]
    packets = row[PACKETS] if row[PACKETS] != U8(0) else row[OUT_PACKETS]
    size = row[BYTES] if row[BYTES] != U8(0) else row[OUT_BYTES]
    if packets == U8(0) and size > U8(0):
        packets = U8(1)
    h["sampling"] = told_of(rate)
    h["src_packets"] = scaled(packets, rate)
    h["src_bytes"] = scaled(size, rate)
    h["dst_packets"] = scaled(row[REV_PACKETS], rate)
    h["dst_bytes"] = scaled(row[REV_BYTES], rate)
    h["src_mac"] = row[SRC_MAC]
    h["dst_mac"] = row[DST_MAC]
    h["vlan"] = np.uint32(row[VLAN] & U8(0xFF_FFFF))
    proto = np.int64(row[PROTO])
    h["proto"] = proto
    h["src_flags"] = row[FLAGS] & U8(255) if proto == 6 else U8(0)
    h["dst_flags"] = row[REV_FLAGS] & U8(255) if proto == 6 else U8(0)
    if proto == 1 or proto == 58:
        told = sampled or _there(present, ICMP)
        h["icmp"] = np.uint16((row[ICMP] if told else row[DST_PORT]) & U8(0xFFFF))
        h["src_port"] = 0
        h["dst_port"] = 0
    else:
        h["icmp"] = 0
        h["src_port"] = np.uint16(row[SRC_PORT] & U8(0xFFFF))
        h["dst_port"] = np.uint16(row[DST_PORT] & U8(0xFFFF))
    h["paired"] = 1 if _there(present, REV_PACKETS) or _there(present, REV_BYTES) else 0
    h["sampled"] = 1 if sampled else 0
    h["source"] = source
    h["arrived"] = datagram
    h["number"] = 0
    h["hash"] = U8(0)
    _times(row, present, head, h)
    return True


@bare_kernel
def timed(heads, times, clocks):
    """Write when each datagram came by the clock of who received it (`times`, i8), else by its exporter's.

    sFlow tells no time: it gets that in which it came. Returns how many of them there are.
    """
    samples = np.int64(0)
    for i in range(len(heads)):
        h = heads[i]
        if h["version"] == SFLOW:
            samples += 1
            h["time"] = times[i]
        clocks[i] = times[i] if times[i] > 0 else h["time"]
    return samples


@bare_kernel
def tally(heads, sources, expected, known, counts):
    """Follow sequence numbers: `sources` (i8[n], -1 for none) name a slot of `expected` (u4), `known` (u1).

    `counts` (i8[COUNTS]) takes numbers missing, datagrams out of order, restarts; and what heads say: flows
    that were only created, datagrams refused, records that are no flows of IP. Version 5 and IPFIX number
    records, the others datagrams.
    """
    for i in range(len(heads)):
        h = heads[i]
        counts[3] += h["created"]
        counts[4] += h["reason"] != NONE
        counts[5] += h["strange"]
        s = sources[i]
        if s < 0:
            continue
        version = h["version"]
        step = np.int64(h["records"]) if version == V5 or version == IPFIX else 1
        sequence = np.int64(h["sequence"])
        if known[s] == 1:
            ahead = (sequence - np.int64(expected[s])) & 0xFFFF_FFFF
            if ahead >= 0x8000_0000:
                back = 0x1_0000_0000 - ahead
                if back < 100_000 and sequence + step > 1000:
                    counts[1] += 1
                    continue
                counts[2] += 1
            elif ahead > 0x100_0000:
                counts[2] += 1
            else:
                counts[0] += ahead
        expected[s] = np.uint32((sequence + step) & 0xFFFF_FFFF)
        known[s] = 0 if h["unknown"] == 1 and version == IPFIX else 1
