"""The walk over record headers: cuts a capture at record boundaries without touching payload.

A chain of headers is a chain of cache misses, so the walk of a block runs in lanes: candidate record
starts are searched at even distances, walked side by side with prefetch, and accepted only where each
lane ends exactly where the next began. Whatever does not join, or looks odd, is walked again in order by
the careful loop, so the result is always that of a plain walk from the front.
"""

from __future__ import annotations

import numpy as np

from citywall.kernels import U8, bare_kernel, internal, load_be32, load_le32, load_le64, prefetch
from ingest.decode.kernels import (
    PACKET_BLOCK,
    PACKET_BLOCK_SHORT,
    block_digest,
    digest_step,
    packet_block,
    word32,
)

# What ended a walk.
DONE, CORRUPT, SHORT, SECTION, INTERFACE_FOUND = 0, 1, 2, 3, 4

# Counters of `walk_pcapng`; the first place of what counter i counts is counter PLACES + i.
CLIPPED, BLOCK_SHORT, UNKNOWN, UNUSED_INTERFACE, PLACES, COUNTERS = 0, 1, 2, 3, 4, 8

#: Neighbouring records are taken to lie within this many seconds of each other.
NEAR = 86400
#: Records that must follow one another before a place counts as a record boundary.
CHAIN = 8
#: Bytes a pcapng packet block may hold beyond its packet (headers, padding, options).
BLOCK_SLACK = 65536

LANES = 16
_LANE_BYTES = 16384  # lanes shorter than this are not worth finding
_LANE_SEARCH = 65536
_LANE_CHAIN = 3
_BEGINNING = -(1 << 63)

# How a record header looks.
_FINE, _ODD, _BAD, _BEYOND = 0, 1, 2, 3

_SECTION_TYPE = 0x0A0D0D0A
_BYTE_ORDER = 0x1A2B3C4D


@internal
def _header(buffer, at, end, big, fraction_limit, max_record, seconds):
    """Judge the pcap record header at `at`; the caller has checked that 16 bytes are there.

    `seconds` is the neighbour's time, negative for none. Returns (_FINE, ..., offset after, seconds).
    """
    captured = word32(buffer, at + 8, big)
    wire = word32(buffer, at + 12, big)
    here = word32(buffer, at, big)
    after = at + 16 + captured
    if captured > max_record or (captured | wire) == 0:
        return _BAD, after, here
    if after > end:
        return _BEYOND, after, here
    if (
        captured > wire
        or wire > max_record
        or word32(buffer, at + 4, big) >= fraction_limit
        or (seconds >= 0 and (here - seconds > NEAR or seconds - here > NEAR))
    ):
        return _ODD, after, here
    return _FINE, after, here


@internal
def _chains(buffer, at, end, big, fraction_limit, max_record, seconds, wanted, strict):
    """True where records follow one another from `at`: `wanted` of them, or as many as the file has left.

    A last record cut short by the end of the file counts when two whole ones stand before it. Without
    `strict`, odd headers pass.
    """
    whole = 0
    while whole < wanted:
        if at == end:
            return whole > 0 or not strict
        if at + 16 > end:
            return whole >= 2 or not strict
        look, after, here = _header(buffer, at, end, big, fraction_limit, max_record, seconds)
        if look == _BAD or (strict and look == _ODD):
            return False
        if look == _BEYOND:
            return whole >= 2 or not strict
        whole += 1
        seconds = here
        at = after
    return True


@internal
def _search_pcap(buffer, at, stop, end, big, fraction_limit, max_record, seconds, wanted):
    """First offset in [at, stop) where a strict chain begins near `seconds`, or -1."""
    while at < stop and at + 16 <= end:
        captured = load_be32(buffer, at + 8) if big else load_le32(buffer, at + 8)
        if captured <= max_record and _chains(
            buffer, at, end, big, fraction_limit, max_record, seconds, wanted, True
        ):
            return at
        at += 1
    return np.int64(-1)


@bare_kernel
def find_pcap(buffer, at, end, big, fraction_limit, max_record, seconds, budget):
    """Where records go on after a corrupt one: (offset or -1, look-ahead left).

    The first place at or after `at` from which CHAIN records follow, close in time to `seconds`. Where
    the first such chain is far from it in time, up to `budget` bytes more are searched for a near one.
    """
    loose = _search_pcap(buffer, at, end, end, big, fraction_limit, max_record, np.int64(-1), CHAIN)
    if loose < 0 or seconds < 0:
        return loose, budget
    here = word32(buffer, loose, big)
    if -NEAR <= here - seconds <= NEAR:
        return loose, budget
    stop = min(end, loose + budget)
    near = _search_pcap(buffer, loose + 1, stop, end, big, fraction_limit, max_record, seconds, CHAIN)
    if near >= 0:
        return near, budget - (near - loose)
    return loose, budget - (stop - loose)


@internal
def _block(buffer, at, end, big, max_record):
    """Judge the framing of the pcapng block at `at` (12 bytes are there).

    Returns (_FINE | _BAD | _BEYOND, type, length).
    """
    kind = word32(buffer, at, big)
    length = word32(buffer, at + 4, big)
    if length < 12 or length & 3:
        return _BAD, kind, length
    if (kind == 6 or kind == 3 or kind == 2) and length > max_record + BLOCK_SLACK:
        return _BAD, kind, length
    if at + length > end:
        return _BEYOND, kind, length
    if word32(buffer, at + length - 4, big) != length:
        return _BAD, kind, length
    return _FINE, kind, length


@internal
def _section_order(buffer, at):
    """Byte order of the section header at `at` (12 bytes are there): 1 big, 0 little, -1 neither."""
    if load_le32(buffer, at + 8) == _BYTE_ORDER:
        return 0
    if load_be32(buffer, at + 8) == _BYTE_ORDER:
        return 1
    return -1


@internal
def _blocks_follow(buffer, at, end, big, max_record, wanted):
    """True where `wanted` well-framed blocks of likely types follow, or as many as the file has left."""
    whole = 0
    while whole < wanted:
        if at == end:
            return whole > 0
        if at + 12 > end:
            return whole >= 2
        if load_le32(buffer, at) == _SECTION_TYPE:
            order = _section_order(buffer, at)
            if order < 0:
                return False
            look, kind, length = _block(buffer, at, end, order == 1, max_record)
            return look == _FINE and length >= 28
        look, kind, length = _block(buffer, at, end, big, max_record)
        if not (1 <= kind <= 10 or kind == 0xBAD or kind == 0x40000BAD):
            return False
        if look == _BEYOND:
            return whole >= 2
        if look != _FINE:
            return False
        whole += 1
        at += length
    return True


@bare_kernel
def find_pcapng(buffer, at, end, big, max_record):
    """First offset at or after `at` where blocks go on, or -1."""
    while at + 12 <= end:
        if _blocks_follow(buffer, at, end, big, max_record, _LANE_CHAIN):
            return at
        at += 1
    return np.int64(-1)


@internal
def _join(lanes, k, at, seconds):
    """Accept lanes from the first as long as each ends where the next begins.

    Returns (offset, packets, newest, digest, seconds, lanes accepted).
    """
    packets = np.int64(0)
    newest = np.int64(_BEGINNING)
    digest = U8(0)
    taken = 0
    for i in range(k):
        lane = lanes[i]
        if lane["start"] != at or (i > 0 and abs(lane["first"] - seconds) > NEAR):
            break
        at = lane["at"]
        packets += lane["packets"]
        newest = max(newest, lane["newest"])
        digest += lane["digest"]
        if lane["packets"] > 0:
            seconds = lane["seconds"]
        taken += 1
    return at, packets, newest, digest, seconds, taken


#: One lane of a walk.
LANE = np.dtype(
    [("start", "i8"), ("at", "i8"), ("limit", "i8"), ("packets", "i8"), ("newest", "i8"),
     ("digest", "u8"), ("seconds", "i8"), ("first", "i8")],
    align=True,
)  # fmt: skip


@internal
def _lay(lanes, k, start):
    """Begin lane `k` at `start`, ending the lane before there."""
    lane = lanes[k]
    lane["start"] = start
    lane["at"] = start
    lane["packets"] = 0
    lane["newest"] = _BEGINNING
    lane["digest"] = U8(0)
    lane["seconds"] = -1
    lane["first"] = 0
    if k > 0:
        lanes[k - 1]["limit"] = start


@internal
def _pcap_lanes(buffer, at, stop, end, big, multiply, fraction_limit, max_record, seconds, lanes):
    """Walk [at, stop) in lanes; fills `lanes` and returns how many there are."""
    step = (stop - at) // LANES
    _lay(lanes, 0, at)
    lanes[0]["seconds"] = seconds
    k = 1
    for i in range(1, LANES):
        prefetch(buffer, at + i * step)
        prefetch(buffer, at + i * step + 64)
    for i in range(1, LANES):
        target = at + i * step
        start = _search_pcap(
            buffer, target, target + min(step, _LANE_SEARCH), end, big, fraction_limit, max_record,
            np.int64(-1), _LANE_CHAIN,
        )  # fmt: skip
        if start > lanes[k - 1]["start"]:
            _lay(lanes, k, start)
            k += 1
    lanes[k - 1]["limit"] = stop
    running = k
    while running > 0:
        running = 0
        for i in range(k):
            lane = lanes[i]
            p = lane["at"]
            if p >= lane["limit"]:
                continue
            if p + 16 > end:
                lane["limit"] = p
                continue
            look, after, here = _header(buffer, p, end, big, fraction_limit, max_record, lane["seconds"])
            if look != _FINE:
                lane["limit"] = p
                continue
            prefetch(buffer, after)
            prefetch(buffer, after + 15)
            if lane["packets"] == 0:
                lane["first"] = here
            lane["packets"] += 1
            lane["seconds"] = here
            lane["newest"] = max(lane["newest"], here * 1_000_000_000 + word32(buffer, p + 4, big) * multiply)
            lane["digest"] = digest_step(lane["digest"], p, load_le64(buffer, p), load_le64(buffer, p + 8))
            lane["at"] = after
            running += 1
    return k


@internal
def _neighbour(buffer, after, end, big, seconds, here):
    """The time that the record at `after` is compared with: of the one before, unless that alone leapt."""
    if seconds >= 0 and after + 16 <= end:
        there = word32(buffer, after, big)
        if here - seconds > NEAR or seconds - here > NEAR:
            if -NEAR <= there - seconds <= NEAR:
                return seconds
    return here


@bare_kernel
def walk_pcap(buffer, at, stop, end, big, multiply, fraction_limit, max_record, seconds, lanes):
    """Walk pcap records from `at` until one begins at or after `stop`; `end` is the end of the file.

    `seconds` is the time that the record is compared with (-1: none). `lanes` is scratch (LANE[LANES]), or
    empty to walk plainly, which is better where something odd is near. Returns (what ended the walk, offset,
    records, newest time ns, digest, seconds). CORRUPT and SHORT point at the record that is wrong or
    longer than the file.
    """
    packets = np.int64(0)
    newest = np.int64(_BEGINNING)
    digest = U8(0)
    if len(lanes) == LANES and min(stop, end) - at >= LANES * _LANE_BYTES:
        k = _pcap_lanes(
            buffer, at, min(stop, end), end, big, multiply, fraction_limit, max_record, seconds, lanes
        )
        at, packets, newest, digest, seconds, _ = _join(lanes, k, at, seconds)
    while at < stop and at < end:
        if at + 16 > end:
            return SHORT, at, packets, newest, digest, seconds
        look, after, here = _header(buffer, at, end, big, fraction_limit, max_record, seconds)
        if look == _ODD and not _chains(
            buffer, after, end, big, fraction_limit, max_record, np.int64(-1), 4, False
        ):
            look = _BAD
        if look == _BAD:
            return CORRUPT, at, packets, newest, digest, seconds
        if look == _BEYOND:
            return SHORT, at, packets, newest, digest, seconds
        prefetch(buffer, after)
        packets += 1
        seconds = _neighbour(buffer, after, end, big, seconds, here)
        newest = max(newest, here * 1_000_000_000 + word32(buffer, at + 4, big) * multiply)
        digest = digest_step(digest, at, load_le64(buffer, at), load_le64(buffer, at + 8))
        at = after
    return DONE, at, packets, newest, digest, seconds


@internal
def _pcapng_lanes(buffer, at, stop, end, big, max_record, interfaces, known, lanes):
    """`_pcap_lanes` for pcapng: a lane stops at whatever is not a plain enhanced packet block."""
    step = (stop - at) // LANES
    _lay(lanes, 0, at)
    k = 1
    for i in range(1, LANES):
        prefetch(buffer, at + i * step)
        prefetch(buffer, at + i * step + 64)
    for i in range(1, LANES):
        start = at + i * step
        limit = start + min(step, _LANE_SEARCH)
        while start < limit and start + 12 <= end:
            if word32(buffer, start, big) == 6 and _blocks_follow(buffer, start, end, big, max_record, 2):
                break
            start += 1
        if start < limit and start + 12 <= end and start > lanes[k - 1]["start"]:
            _lay(lanes, k, start)
            k += 1
    lanes[k - 1]["limit"] = stop
    running = k
    while running > 0:
        running = 0
        for i in range(k):
            lane = lanes[i]
            p = lane["at"]
            if p >= lane["limit"]:
                continue
            if p + 12 > end:
                lane["limit"] = p
                continue
            look, kind, length = _block(buffer, p, end, big, max_record)
            if look != _FINE or kind != 6:
                lane["limit"] = p
                continue
            found, interface, time, _, _, _, clipped = packet_block(
                buffer, p, kind, length, big, interfaces, known
            )
            if found != PACKET_BLOCK or clipped or interface < 0:
                lane["limit"] = p
                continue
            # The next header came with this block's trailer; fetch the next trailer and what follows it.
            after = p + length
            if after + 8 <= end:
                after += word32(buffer, after + 4, big)
            prefetch(buffer, after - 4)
            prefetch(buffer, after + 27)
            lane["packets"] += 1
            lane["newest"] = max(lane["newest"], time)
            lane["digest"] = block_digest(buffer, p, kind, lane["digest"])
            lane["at"] = p + length
            running += 1
    return k


@internal
def _count(counters, which, at):
    """Count something met at `at`, and keep the first place."""
    if counters[which] == 0:
        counters[PLACES + which] = at
    counters[which] += 1


@bare_kernel
def walk_pcapng(buffer, at, stop, end, big, max_record, interfaces, known, max_interfaces, counters, lanes):
    """Walk pcapng blocks of one section; like `walk_pcap`, with the section's INTERFACE rows.

    Also ends at a section header (SECTION) or interface description (INTERFACE_FOUND), which stand whole
    at the offset returned; once `max_interfaces` are known, more are only counted. `counters`
    (i8[COUNTERS]) is added to. Returns (what ended the walk, offset,
    packet blocks, newest time ns, digest).
    """
    packets = np.int64(0)
    newest = np.int64(_BEGINNING)
    digest = U8(0)
    if len(lanes) == LANES and min(stop, end) - at >= LANES * _LANE_BYTES:
        k = _pcapng_lanes(buffer, at, min(stop, end), end, big, max_record, interfaces, known, lanes)
        at, packets, newest, digest, _, _ = _join(lanes, k, at, np.int64(0))
    while at < stop and at < end:
        if at + 12 > end:
            return SHORT, at, packets, newest, digest
        if load_le32(buffer, at) == _SECTION_TYPE:
            return SECTION, at, packets, newest, digest
        look, kind, length = _block(buffer, at, end, big, max_record)
        if look == _BAD:
            return CORRUPT, at, packets, newest, digest
        if look == _BEYOND:
            return SHORT, at, packets, newest, digest
        if kind == 1 and known < max_interfaces:
            return INTERFACE_FOUND, at, packets, newest, digest
        prefetch(buffer, at + length)
        found, _, time, _, _, _, clipped = packet_block(buffer, at, kind, length, big, interfaces, known)
        if found == PACKET_BLOCK:
            packets += 1
            newest = max(newest, time)
            if clipped:
                _count(counters, CLIPPED, at)
            digest = block_digest(buffer, at, kind, digest)
        elif found == PACKET_BLOCK_SHORT:
            _count(counters, BLOCK_SHORT, at)
        elif kind == 1:
            _count(counters, UNUSED_INTERFACE, at)
        elif not (4 <= kind <= 10 or kind == 0xBAD or kind == 0x40000BAD):
            _count(counters, UNKNOWN, at)
        at += length
    return DONE, at, packets, newest, digest
