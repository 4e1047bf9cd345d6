"""Headers of rules against endpoints: addresses by binary search, ports by range, remembered by pair."""

from __future__ import annotations

import numpy as np

from citywall.batches import TRANSPORT
from citywall.kernels import bare_kernel, internal, load_le64

# Columns of HEADS, the demands of a header.
PROTOCOL, VERSION, SOURCE, SOURCE_PORTS, TARGET, TARGET_PORTS, BOTH, BARE = range(8)
# Columns of RULES, what else a rule demands of a packet before its bytes are looked at.
HEAD, DIRECTION, ESTABLISHED, WHERE, DSIZE_LOW, DSIZE_HIGH = range(6)
#: RULES[WHERE]: on packets, on packets that are of no stream, on streams (see candidates.py), on them alone.
ON_PACKETS, ON_LOOSE, ON_STREAMS, STREAMS_ALONE = 0, 1, 2, 3
#: Bits of a packet: it has payload that is there, is of no stream, goes one way of a flow, is of an
#: established connection or not, is the first its way; from FLAGS on what rules want of the flags of TCP.
FULL, LOOSE, SERVERWARD, CLIENTWARD, STANDS, STANDS_NOT, FIRST = (1 << i for i in range(7))
FLAGS = 7
_ICMP, _ICMP6, _TCP = 1, 58, 6
#: What is known of a header and endpoints, below a stamp: a multiple of STEP under the mask STAMP.
AGREES, NOT = 1, 2
STEP, STAMP = 4, 0xFC
_ONE, _ALL = np.uint64(1), np.uint64((1 << 64) - 1)


@internal
def _inside(hi, lo, which, first, low_hi, low_lo, high_hi, high_lo):
    """Whether an address is in one of a list's ranges, which are in order and apart."""
    left, right = np.int64(first[which]), np.int64(first[which + 1])
    begin = left
    while left < right:
        middle = (left + right) >> 1
        if low_hi[middle] < hi or (low_hi[middle] == hi and low_lo[middle] <= lo):
            left = middle + 1
        else:
            right = middle
    at = left - 1
    if at < begin:
        return False
    return hi < high_hi[at] or (hi == high_hi[at] and lo <= high_lo[at])


@internal
def _port_inside(port, which, first, low, high):
    for i in range(first[which], first[which + 1]):
        if low[i] <= port and port <= high[i]:
            return True
    return False


@internal
def _way(head, h, s_hi, s_lo, s_port, t_hi, t_lo, t_port, sets, bounds, port_sets, port_low, port_high):
    if not _port_inside(s_port, head[h, SOURCE_PORTS], port_sets, port_low, port_high):
        return False
    if not _port_inside(t_port, head[h, TARGET_PORTS], port_sets, port_low, port_high):
        return False
    if not _inside(s_hi, s_lo, head[h, SOURCE], sets, bounds[0], bounds[1], bounds[2], bounds[3]):
        return False
    return _inside(t_hi, t_lo, head[h, TARGET], sets, bounds[0], bounds[1], bounds[2], bounds[3])


@bare_kernel
def head_agrees(h, e, head, sets, bounds, port_sets, port_low, port_high, addresses, numbers, memo):
    """Whether header `h` agrees with endpoints `e`.

    `addresses` (u8[4, n]): words of source and target; `numbers` (i8[5, n]): ports of source and target,
    protocol, version, whether there is a network layer. `memo` (u1[n + 1, heads]) keeps answers: those that
    begin with its stamp, which stands first in the row behind the last endpoints; others are of before.
    """
    stamp = memo[memo.shape[0] - 1, 0]
    known = memo[e, h]
    if known & np.uint8(STAMP) == stamp:
        return known - stamp == AGREES
    protocol = head[h, PROTOCOL]
    fits = protocol == 0 or protocol == numbers[2, e] or (protocol == _ICMP and numbers[2, e] == _ICMP6)
    fits = fits and (head[h, VERSION] == 0 or head[h, VERSION] == numbers[3, e])
    fits = fits and (head[h, BARE] != 0 or numbers[4, e] != 0)
    if fits:
        s_hi, s_lo, t_hi, t_lo = addresses[0, e], addresses[1, e], addresses[2, e], addresses[3, e]
        s_port, t_port = numbers[0, e], numbers[1, e]
        fits = _way(
            head, h, s_hi, s_lo, s_port, t_hi, t_lo, t_port, sets, bounds, port_sets, port_low, port_high
        )
        if not fits and head[h, BOTH]:
            fits = _way(
                head, h, t_hi, t_lo, t_port, s_hi, s_lo, s_port, sets, bounds, port_sets, port_low, port_high
            )
    memo[e, h] = stamp + np.uint8(AGREES if fits else NOT)
    return fits


@internal
def _agrees(h, e, stamp, head, sets, bounds, port_sets, port_low, port_high, addresses, numbers, memo):
    """`head_agrees`, without a call where it is known: so many columns are dear to hand over."""
    known = memo[e, h]
    if known & np.uint8(STAMP) == stamp:
        return known - stamp == AGREES
    return head_agrees(h, e, head, sets, bounds, port_sets, port_low, port_high, addresses, numbers, memo)


@bare_kernel
def all_heads(
    h, head, sets, bounds, port_sets, port_low, port_high, addresses, numbers, memo, out
):  # fmt: skip
    """One header against all endpoints."""
    stamp = memo[memo.shape[0] - 1, 0]
    for e in range(len(out)):
        out[e] = _agrees(
            h, e, stamp, head, sets, bounds, port_sets, port_low, port_high, addresses, numbers, memo
        )


@bare_kernel
def some_heads(
    h, of_row, head, sets, bounds, port_sets, port_low, port_high, addresses, numbers, memo, out
):  # fmt: skip
    """One header against the endpoints of some packets."""
    stamp = memo[memo.shape[0] - 1, 0]
    for i in range(len(of_row)):
        out[i] = _agrees(
            h, of_row[i], stamp, head, sets, bounds, port_sets, port_low, port_high, addresses, numbers, memo
        )


@bare_kernel
def open_to(
    orders, flows, ways, of_side, heads_of, head, sets, bounds, port_sets, port_low, port_high, addresses,
    numbers, memo, out,
):  # fmt: skip
    """Whether a rule's header agrees with a flow in one of some directions, or it is not known.

    `ways`: by rule, bit d for direction d. `of_side`: by twice the flow and the direction its endpoints, -1
    where they are not known.
    """
    stamp = memo[memo.shape[0] - 1, 0]
    for i in range(len(orders)):
        order = orders[i]
        found = False
        for d in range(2):
            if found or not ways[order] >> d & 1:
                continue
            e = of_side[2 * flows[i] + d]
            found = e < 0 or _agrees(
                heads_of[order], e, stamp, head, sets, bounds, port_sets, port_low, port_high, addresses,
                numbers, memo,
            )  # fmt: skip
        out[i] = found


@bare_kernel
def gate(
    items, literals, begin, first, orders, of_packet, direction, established, streamed, sizes, of_end, rules,
    streams, head, sets, bounds, port_sets, port_low, port_high, addresses, numbers, memo, out_item,
    out_order,
):  # fmt: skip
    """Pairs (item, rule) of pairs (item, literal) whose rule a packet can be of at all.

    `first`, `orders`: rules by literal. `of_packet`: by item its packet row (-1: none); what follows is by
    row. `streams`: items are windows of streams, not packets. Stops where the outputs may be too small:
    returns (pairs told, next pair of the input).
    """
    told = 0
    stamp = memo[memo.shape[0] - 1, 0]
    for k in range(begin, len(items)):
        literal = literals[k]
        if told + first[literal + 1] - first[literal] > len(out_item):
            return told, np.int64(k)
        row = of_packet[items[k]]
        if row < 0:
            continue
        for i in range(first[literal], first[literal + 1]):
            order = orders[i]
            place = rules[order, WHERE]
            if streams:
                if place == ON_PACKETS:
                    continue
            elif place == STREAMS_ALONE or (place == ON_STREAMS and streamed[row]):
                continue
            wanted = rules[order, DIRECTION]
            if wanted and direction[row] != wanted - 1:
                continue
            if rules[order, ESTABLISHED] >= 0 and established[row] != rules[order, ESTABLISHED]:
                continue
            if sizes[row] < rules[order, DSIZE_LOW] or sizes[row] > rules[order, DSIZE_HIGH]:
                continue
            if _agrees(
                rules[order, HEAD], of_end[row], stamp, head, sets, bounds, port_sets, port_low, port_high,
                addresses, numbers, memo,
            ):  # fmt: skip
                out_item[told] = items[k]
                out_order[told] = order
                told += 1
    return told, np.int64(len(items))


@bare_kernel
def alone(
    packets, begin, flow, side, established, first_its_way, streamed, sizes, of_end, buffer, payload_at,
    of_protocol, flag_bits, sections, needs, first, orders, most, beginnings, rules, head, sets, bounds,
    port_sets, port_low, port_high, addresses, numbers, memo, out_row, out_order,
):  # fmt: skip
    """Pairs (row, rule) of rules without a literal, rows from `begin` on, for what groups of rules need.

    Groups of section s are `sections[s] : sections[s + 1]`, by IP protocol `of_protocol` says which; group g
    needs the bits `needs[g]`, its rules are `orders[first[g] : first[g + 1]]`, `most` in a section at most.
    `flag_bits`: bits by flags of TCP. `beginnings` (u8[2, rules], see `reach.beginning`): what a rule wants
    of the first eight bytes of the payload, in the buffer, behind which eight more follow. Stops where the
    outputs may be too small: (pairs told, next row).
    """
    told = 0
    stamp = memo[memo.shape[0] - 1, 0]
    for i in range(begin, len(packets)):
        if told + most > len(out_row):
            return told, np.int64(i)
        p = packets[i]
        bits = np.int64(FULL if sizes[i] > 0 else 0) | np.int64(0 if streamed[i] else LOOSE)
        bits |= np.int64(STANDS if established[i] else STANDS_NOT)
        bits |= np.int64(FIRST if first_its_way[i] else 0)
        if flow[i] >= 0:
            bits |= np.int64(CLIENTWARD if side[i] else SERVERWARD)
        if p["proto"] == _TCP and p["status"] >= TRANSPORT:
            bits |= flag_bits[p["flags"]]
        word, there = np.uint64(0), np.uint64(0)
        if sizes[i] > 0:
            word = load_le64(buffer, payload_at[i])
            there = _ALL if sizes[i] >= 8 else (_ONE << np.uint64(8 * sizes[i])) - _ONE
        section = of_protocol[p["proto"]]
        for g in range(sections[section], sections[section + 1]):
            if bits & needs[g] != needs[g]:
                continue
            for k in range(first[g], first[g + 1]):
                order = orders[k]
                mask = beginnings[0, order]
                if word & mask != beginnings[1, order] or mask & ~there:
                    continue
                if sizes[i] < rules[order, DSIZE_LOW] or sizes[i] > rules[order, DSIZE_HIGH]:
                    continue
                if _agrees(
                    rules[order, HEAD], of_end[i], stamp, head, sets, bounds, port_sets, port_low, port_high,
                    addresses, numbers, memo,
                ):  # fmt: skip
                    out_row[told] = i
                    out_order[told] = order
                    told += 1
    return told, np.int64(len(packets))


@bare_kernel
def look_up(
    ends, side, near, others, wide, segments, first, orders, heads_of, head, sets, bounds, port_sets,
    port_low, port_high, addresses, numbers, memo, begin, out_end, out_order,
):  # fmt: skip
    """Pairs (endpoints, rule) for rules that name addresses of a side: of IPv4 those of the segment it is in.

    `near`: by the first two bytes of an address whether any rule names one like it. `others`: rules that are
    asked for every other address that is in one of the ranges `wide` (u8[4, n], in order and apart). Of what
    has no network layer none is told.
    """
    told = 0
    stamp = memo[memo.shape[0] - 1, 0]
    all_wide = (np.int64(0), np.int64(wide.shape[1]))
    for k in range(begin, len(ends)):
        e = ends[k]
        if numbers[4, e] == 0:
            continue
        hi, lo = addresses[2 * side, e], addresses[2 * side + 1, e]
        four = hi == np.uint64(0) and lo >> np.uint64(32) == np.uint64(0xFFFF)
        number = np.int64(lo & np.uint64(0xFFFFFFFF))
        i, stop = np.int64(0), np.int64(len(others))
        if four:
            if not near[number >> 16]:
                continue
            left, right = np.int64(0), np.int64(len(segments))
            while left < right:
                middle = (left + right) >> 1
                if segments[middle] <= number:
                    left = middle + 1
                else:
                    right = middle
            if left == 0:
                continue
            i, stop = first[left - 1], first[left]
        elif not _inside(hi, lo, 0, all_wide, wide[0], wide[1], wide[2], wide[3]):
            continue
        if told + stop - i > len(out_end):
            return told, np.int64(k)
        while i < stop:
            order = orders[i] if four else others[i]
            i += 1
            if _agrees(
                heads_of[order], e, stamp, head, sets, bounds, port_sets, port_low, port_high, addresses,
                numbers, memo,
            ):  # fmt: skip
                out_end[told] = e
                out_order[told] = order
                told += 1
    return told, np.int64(len(ends))
