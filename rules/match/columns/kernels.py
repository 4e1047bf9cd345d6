"""Columns of packets in one pass each: places of headers, numbers at places, sums and last packets."""

from __future__ import annotations

import numpy as np

from citywall.batches import FIN, FRAGMENT, IP, RST, SYN, TRANSPORT
from citywall.kernels import bare_kernel, copy_bytes, internal, load_be32

_TCP = 6
#: Bit of a mark: the packet is the first its way. Bit of FLOW["known"], for direction d shifted by it: its
#: sequence numbers count from FLOW["base"].
FIRST, BASED = 2, 4
#: Numbers of FLOW["tail"] for each direction: where the end of its stream is kept and how many bytes it has
#: (0: none), how many of them were looked at, how far the first is from where bytes began without a gap.
TAIL_AT, TAIL_SIZE, TAIL_LOOKED, TAIL_OFFSET = range(4)
TAIL = 4


@internal
def _extension(kind):
    """Whether behind a header of IPv6 another one stands."""
    return kind == 0 or kind == 43 or kind == 44 or kind == 51 or kind == 60 or kind == 135


@internal
def _behind(buffer, network, size):
    """How far behind an IPv6 header of `size` bytes with all that follows its extensions end."""
    kind = buffer[network + 6] if size > 6 else np.uint8(59)
    at = np.int64(40)
    while _extension(kind) and at + 8 <= size:
        step = (np.int64(buffer[network + at + 1]) + 1) * 8
        if kind == 44:
            step = np.int64(8)
        elif kind == 51:
            step = (np.int64(buffer[network + at + 1]) + 2) * 4
        kind = buffer[network + at]
        at += step
    return at


@bare_kernel
def headers(buffer, packets, network, transport):
    """Where each packet's IP header and its transport header begin in the buffer; -1 for none known."""
    for i in range(len(packets)):
        p = packets[i]
        network[i] = -1
        transport[i] = -1
        status = p["status"]
        if status != IP and status != FRAGMENT and status != TRANSPORT:
            continue
        start = np.int64(p["offset"])
        before = np.int64(p["payload_at"]) + np.int64(p["payload"]) - np.int64(p["ip_bytes"])
        at = start + before
        if before < 0:
            continue
        network[i] = at
        proto = p["proto"]
        known = proto == _TCP or proto == 17 or proto == 1 or proto == 58 or proto == 132
        if not known or status == FRAGMENT:
            continue
        if p["version"] == 6:
            size = min(start + np.int64(p["captured"]), at + np.int64(p["ip_bytes"])) - at
            transport[i] = at + (_behind(buffer, at, size) if at + size <= len(buffer) else 40)
        else:
            transport[i] = at + (np.int64(buffer[at]) & 15) * 4 if at < len(buffer) else at


@bare_kernel
def available(packets, out):
    """Bytes of payload of each packet that are there."""
    for i in range(len(packets)):
        p = packets[i]
        left = min(np.int64(p["captured"]) - np.int64(p["payload_at"]), np.int64(p["payload"]))
        out[i] = max(left, np.int64(0))


@bare_kernel
def numbers(buffer, at, size, out):
    """Numbers of `size` bytes, big endian, at places of the buffer; beyond it bytes are 0."""
    most = len(buffer)
    for i in range(len(at)):
        value = np.int64(0)
        for k in range(size):
            place = at[i] + k
            value = value << 8 | (np.int64(buffer[place]) if place >= 0 and place < most else np.int64(0))
        out[i] = value


@bare_kernel
def mark(packets, flow, side, frames, carried, at, flows, out):
    """What is known when packets come: which are the first their way, and which directions stop.

    Rows from `carried` on are new. `at`: by flow its row in `flows` (carry.FLOW). FIRST is added to `out`
    where nothing of the flow went that way before, or there is no flow.
    """
    for i in range(carried, len(packets)):
        if flow[i] < 0:
            out[i] |= FIRST
            continue
        row = flows[at[flow[i]]]
        d = side[i]
        bit = np.uint8(1 << d)
        if not row["known"] & bit:
            row["known"] |= bit
            out[i] |= FIRST
        flags = packets[i]["flags"]
        if packets[i]["proto"] == _TCP and flags & (FIN | RST):
            for k in range(2):
                if (k == d or flags & RST) and row["stop"][k] == 0:
                    row["stop"][k] = frames[i]


@internal
def _reaches(buffer, p, transport):
    """The sequence number of a packet, and the one behind it."""
    seq = np.int64(load_be32(buffer, transport + 4))
    return seq, seq + np.int64(p["payload"]) + (1 if p["flags"] & SYN else 0)


@internal
def _numbered(buffer, p, transport):
    """Whether a packet has a sequence number."""
    there = transport >= 0 and transport + 8 <= len(buffer)
    return p["proto"] == _TCP and p["status"] == TRANSPORT and there


@bare_kernel
def tally(buffer, packets, transport, flow, side, carried, at, flows, last):
    """Add packets to their flows: numbers, bytes, how far each direction got.

    `last` (i8[flows of the scene, 2], -1 at first): the last row of each direction.
    """
    for i in range(carried, len(packets)):
        f = flow[i]
        if f < 0:
            continue
        p = packets[i]
        d = side[i]
        row = flows[at[f]]
        row["pkts"][d] += 1
        row["bytes"][d] += np.int64(p["wire"])
        if row["first"] == 0:
            row["first"] = p["time"]
        last[f, d] = i
        if _numbered(buffer, p, transport[i]):
            seq, end = _reaches(buffer, p, transport[i])
            bit = np.uint8(BASED << d)
            if not row["known"] & bit:
                row["known"] |= bit
                row["base"][d] = seq
            row["top"][d] = max(np.int64(row["top"][d]), end - np.int64(row["base"][d]))


@bare_kernel
def remember(
    buffer, packets, rows, frames, marks, left, places, last, at, flows, bytes_of, sizes, kept,
):  # fmt: skip
    """Keep the rows `last` (i8[flows of the scene, 2], -1: none) and the first `kept` bytes of their packets.

    `rows`: the bytes of `packets`, of which each has `sizes[0]`; `bytes_of`: the bytes of `flows`
    (carry.FLOW), of which each has `sizes[1]`: packets' rows from `sizes[2]` on, their bytes from `sizes[3]`.
    """
    size, whole = sizes[0], sizes[1]
    for f in range(len(at)):
        for d in range(2):
            i = last[f, d]
            if i < 0:
                continue
            flow = flows[at[f]]
            flow["frame"][d] = frames[i]
            flow["mark"][d] = marks[i]
            flow["left"][d] = left[i]
            flow["place"][d] = places[i]
            begin = at[f] * whole
            copy_bytes(bytes_of, begin + sizes[2] + d * size, rows, i * size, size)
            start = np.int64(packets[i]["offset"])
            there = max(np.int64(0), min(np.int64(kept), len(buffer) - start))
            copy_bytes(bytes_of, begin + sizes[3] + d * kept, buffer, start, there)
            for k in range(there, kept):
                bytes_of[begin + sizes[3] + d * kept + k] = 0


@bare_kernel
def recall(bytes_of, sizes, kept, at, side, packets, buffer, used):
    """The rows and bytes that were kept, `at` which flow and of which side: see `remember`.

    Rows go to `packets` (their bytes), packets' bytes to `buffer` from `used` on, one behind the other.
    """
    size, whole = sizes[0], sizes[1]
    for i in range(len(at)):
        begin = at[i] * whole
        copy_bytes(packets, i * size, bytes_of, begin + sizes[2] + side[i] * size, size)
        copy_bytes(buffer, used + i * kept, bytes_of, begin + sizes[3] + side[i] * kept, kept)


@bare_kernel
def grown(buffer, packets, transport, flow, side, first, upto, wanted, direction, row):
    """How far one direction of a flow reached up to a packet; `row`: the flow before packet `first`."""
    based = row["known"] & np.uint8(BASED << direction) != 0
    base = np.int64(row["base"][direction])
    top = np.int64(row["top"][direction])
    for i in range(first, upto + 1):
        if flow[i] == wanted and side[i] == direction and _numbered(buffer, packets[i], transport[i]):
            seq, end = _reaches(buffer, packets[i], transport[i])
            if not based:
                based = True
                base = seq
            top = max(top, end - base)
    return top


@bare_kernel
def source(packets, reverse, high, low, ports):
    """Words of each packet's sender and its port; of its receiver where `reverse`."""
    for i in range(len(packets)):
        p = packets[i]
        b = (p["reversed"] == 1) != reverse
        high[i] = p["b_hi"] if b else p["a_hi"]
        low[i] = p["b_lo"] if b else p["a_lo"]
        ports[i] = np.int64(p["ports"]) & 0xFFFF if b else np.int64(p["ports"]) >> 16


@bare_kernel
def rows_of(by_flow, frames, flow, direction, known, out):
    """The last packet of a flow's direction up to a frame, else its first; -1 for none, or where flow is -1.

    `by_flow` (i8, sorted): flow and direction above the row, of every packet; `frames`: of packets, sorted.
    """
    for i in range(len(flow)):
        base = (flow[i] * 2 + direction[i]) << 32
        upto = base | np.searchsorted(frames, known[i], "right")
        at = np.searchsorted(by_flow, upto)
        out[i] = -1
        if at > 0 and by_flow[at - 1] >> 32 == base >> 32:
            out[i] = by_flow[at - 1] & 0xFFFFFFFF
        elif at < len(by_flow) and by_flow[at] >> 32 == base >> 32:
            out[i] = by_flow[at] & 0xFFFFFFFF


@bare_kernel
def endpoints(flow, side, known, rows, of_row):
    """Number distinct endpoints: a direction of a flow, or a packet of none. Returns how many there are.

    `known` (i8, -1 at first): by twice the flow and direction; `rows`: the first packet of each endpoint;
    `of_row`: the endpoint of each packet.
    """
    n = np.int64(0)
    for i in range(len(flow)):
        key = flow[i] * 2 + side[i]
        found = known[key] if flow[i] >= 0 else np.int64(-1)
        if found < 0:
            found = n
            rows[n] = i
            n += 1
            if flow[i] >= 0:
                known[key] = found
        of_row[i] = found
    return n


@bare_kernel
def keep_tails(flows, at, sides, spans, data, room, used):
    """Copy ends of streams behind the first `used` bytes of `room`, and note them with their flows.

    `sides` (twice the flow and the direction), `at` and `spans` are as `tails.Tails.keep` has them. Returns
    (bytes of the room that are used then, how many more bytes flows speak of).
    """
    grown = np.int64(0)
    for g in range(len(sides)):
        tail = flows[at[sides[g] >> 1]]["tail"]
        first = (sides[g] & 1) * TAIL
        start, end = spans[g, 0], spans[g, 1]
        grown += end - start - tail[first + TAIL_SIZE]
        copy_bytes(room, used, data, start, end - start)
        tail[first + TAIL_AT] = used
        tail[first + TAIL_SIZE] = end - start
        tail[first + TAIL_LOOKED] = spans[g, 2] if end > start else 0
        tail[first + TAIL_OFFSET] = spans[g, 3] if end > start else 0
        used += end - start
    return used, grown


@bare_kernel
def together(room, at, sizes):
    """Move pieces of a room, in the order in which they lie there, to its begin, one behind the other."""
    to = np.int64(0)
    for i in range(len(at)):
        if to + sizes[i] <= at[i]:
            copy_bytes(room, to, room, at[i], sizes[i])
        elif at[i] != to:
            for k in range(sizes[i]):  # to the front, so nothing is written that is still to be read
                room[to + k] = room[at[i] + k]
        to += sizes[i]
