"""The kernel of what is held: old connections that carry next to nothing, and large answers to calls.

A slow flood holds a server's places with connections that never finish what they ask. There is no table of
flows here: a report of a connection that is old and nearly empty marks a bit of its id, so that one
connection counts once however often it is reported. Nearly all reports fail the first comparisons and touch
no record.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from citywall.kernels import bare_kernel, internal, mix64
from detectors.features.kernels import (
    ACK,
    FAR_FUTURE,
    SECOND,
    SOURCE_HASH,
    SYN,
    TARGET_HASH,
    TCP,
    U8,
    claim,
    domain_of,
    duration,
    lookup,
    many,
    pair_hash,
    receiver_share,
    significant,
)
from detectors.holding.records import CALLER, DIRECTORY, LINES, SERVICE, TICKETS, WATCHED
from detectors.relations.kernels import keep_first, turned
from detectors.sketches.kernels import note_bit

MOST = 1 << 40
DYNAMIC = 1024  # procedures are called at ports from here on
CALL_HEAD = U8(0x0500)  # DCE/RPC: version 5.0
CLOCK, META = 3, 4  # in meta, behind what the one table needs


class Tables(NamedTuple):
    """State: records, their slots, and what stands beside a record."""

    held: Any
    slots: Any
    lines: Any  # u8[held, MARKS]: linear counter of connections that carry next to nothing
    mute: Any  # u8[held, MARKS]: of those that were never answered
    meta: Any  # i8[META]


class Holds(NamedTuple):
    """What the kernel must know of the detectors' parameters; times in ns."""

    window: Any
    age: Any  # from which a connection is old
    few: Any  # bytes of payload that are next to nothing,
    rate: Any  # and so many more for each second of its age
    gate: Any  # bits of a counter from which a record is shown
    call_window: Any
    call_bytes: Any
    ports: Any  # u1[65536]: classes of TCP ports
    prefix_v4: Any
    prefix_v6: Any
    partition: Any
    partitions: Any


class Output(NamedTuple):
    """Copies of records as of the row named beside each."""

    held: Any
    rows: Any
    lines: Any
    mute: Any
    n: Any  # i8[1]


@internal
def meagre(row, holds):
    """Whether a connection that was made properly is old and carries next to nothing."""
    if np.int64(row["first_flags"]) & (SYN | ACK) != SYN or np.int64(row["dst_flags"]) & SYN == 0:
        return False
    lasted = duration(row)
    if lasted < holds.age:
        return False
    carried = min(row["src_payload"], U8(MOST)) + min(row["dst_payload"], U8(MOST))
    return np.int64(carried) <= holds.few + lasted // SECOND * holds.rate


@internal
def record_of(tables, level, a, b, port, row, time):
    """The record of a level, made where there is none."""
    salt = (U8(48 + level) << U8(40)) | U8(port)
    h, g = pair_hash(a, b, salt), pair_hash(b, a, salt + U8(1))
    i = lookup(tables.slots, tables.held, h, g)
    if i < 0:
        i = claim(tables.slots, tables.held, tables.meta, 0, h, g)
        fresh = tables.held[i]
        fresh["dst_hi"] = row["dst_hi"]
        fresh["dst_lo"] = row["dst_lo"]
        fresh["dst_domain"] = domain_of(row["domain"], row["dst_hi"], row["dst_lo"])
        if level == LINES or level == CALLER:
            fresh["src_hi"] = row["src_hi"]
            fresh["src_lo"] = row["src_lo"]
            fresh["src_domain"] = domain_of(row["domain"], row["src_hi"], row["src_lo"])
        fresh["port"] = port
        fresh["level"] = level
        fresh["known"] = time
        fresh["window"] = -np.int64(FAR_FUTURE)
    held = tables.held[i]
    held["last"] = time
    held["keep"] = time
    return i


@internal
def show(tables, output, i, n):
    """Hand out a copy of a record."""
    k = output.n[0]
    output.held[k] = tables.held[i]
    output.rows[k] = n
    for j in range(tables.lines.shape[1]):
        output.lines[k, j] = tables.lines[i, j]
        output.mute[k, j] = tables.mute[i, j]
    output.n[0] = k + 1


@internal
def bits_in(marks, i):
    """How many bits of a counter are set."""
    count = np.int64(0)
    for j in range(marks.shape[1]):
        word = marks[i, j]
        while word != U8(0):
            word &= word - U8(1)
            count += 1
    return count


@internal
def hold_line(tables, holds, output, level, a, b, row, n, time):
    """Note a connection that is held, for its source and service or for the service alone."""
    i = record_of(tables, level, a, b, np.int64(row["dst_port"]), row, time)
    held = tables.held[i]
    if time - held["window"] > holds.window:
        held["window"] = time
        keep_first(held, row)
        for j in range(tables.lines.shape[1]):
            tables.lines[i, j] = U8(0)
            tables.mute[i, j] = U8(0)
    h = mix64(U8(row["flow_id"]))
    fresh = note_bit(tables.lines, i, h)
    if row["src_payload"] > U8(0) and row["dst_payload"] == U8(0) and note_bit(tables.mute, i, h):
        fresh = True
    if fresh:
        lines, mute = bits_in(tables.lines, i), bits_in(tables.mute, i)
        if lines >= holds.gate and (
            significant(lines) != significant(lines - 1)
            or significant(mute) != significant(max(mute - 1, np.int64(0)))
        ):
            show(tables, output, i, n)


@internal
def directory_of(tables, b):
    """The record of a host that was seen to answer as a directory server does; -1 of any other."""
    salt = U8(48 + DIRECTORY) << U8(40)
    return lookup(tables.slots, tables.held, pair_hash(b, b, salt), pair_hash(b, b, salt + U8(1)))


@internal
def hear_answer(tables, holds, output, d, a, b, row, n, time):
    """Note what the directory server of record `d` answers to the calls of a host."""
    tables.held[d]["keep"] = time
    i = record_of(tables, CALLER, a, b, np.int64(0), row, time)
    if i == d:  # a table so full that the one took the other's place
        return
    held, directory = tables.held[i], tables.held[d]
    if time - held["window"] > holds.call_window:
        held["most"] = max(held["most"], held["bytes"])
        directory["most"] = max(directory["most"], held["bytes"])
        held["window"] = time
        held["bytes"] = 0
        keep_first(held, row)
    before = held["bytes"]
    held["bytes"] += np.int64(min(row["dst_bytes_delta"], U8(MOST)))
    if held["bytes"] >= holds.call_bytes and significant(held["bytes"]) != significant(before):
        held["usual"] = directory["most"]
        held["known"] = directory["known"]
        show(tables, output, i, n)


@bare_kernel
def observe_flows(reports, ends, tables, holds, output):
    """Take in FLOW `reports`, in order; `output` must have room for two copies a report."""
    output.n[0] = 0
    clock = tables.meta[CLOCK]
    for n in range(reports.shape[0]):
        row = reports[n]
        clock = max(clock, min(row["time"], np.int64(FAR_FUTURE)))
        if row["proto"] != TCP:
            continue
        kind = np.int64(holds.ports[row["dst_port"]])
        slow = kind & WATCHED != 0 and meagre(row, holds)
        answered = row["dst_payload"] > U8(0)
        tickets = answered and kind & TICKETS != 0
        calls = answered and row["dst_port"] >= DYNAMIC and row["src_head"] >> U8(48) == CALL_HEAD
        if not (slow or tickets or calls):
            continue
        if row["report"] != 0 and row["src_packets_delta"] == 0 and row["dst_packets_delta"] == 0:
            continue
        hi, lo = row["dst_hi"], row["dst_lo"]
        if many(hi, lo) or turned(row):
            continue
        if (
            holds.partitions > 1
            and receiver_share(domain_of(row["domain"], hi, lo), hi, lo, holds) != holds.partition
        ):
            continue
        a, b = ends[n, SOURCE_HASH], ends[n, TARGET_HASH]
        if slow:
            hold_line(tables, holds, output, LINES, a, b, row, n, clock)
            hold_line(tables, holds, output, SERVICE, U8(0), b, row, n, clock)
        if tickets:
            record_of(tables, DIRECTORY, b, b, np.int64(0), row, clock)
            continue
        d = directory_of(tables, b) if calls else np.int64(-1)
        if d >= 0:
            hear_answer(tables, holds, output, d, a, b, row, n, clock)
    tables.meta[CLOCK] = clock
