"""Records of one direction into flows of both."""

from __future__ import annotations

import numpy as np

from citywall.kernels import U8, bare_kernel, hash_address, internal, mix64, prefetch

#: What finds a waiting half. A table is asked for any place of it at each record: a small one stays near.
SLOT = np.int16
#: Records that are looked at before their turn.
_AHEAD = 16
#: More packets than this are not believed where their headers are taken off.
_MOST = U8(1 << 48)
# citywall.batches, whose values kernels must freeze
_FIN, _SYN, _RST = 1, 2, 4
_ICMP, _TCP, _UDP, _ICMPV6 = 1, 6, 17, 58


@internal
def _half_hash(a_hi, a_lo, b_hi, b_lo, ports, proto, source):
    """Of a key with the direction left out: the sum of what each end hashes to."""
    one = hash_address(a_hi, a_lo, ports >> U8(16))
    two = hash_address(b_hi, b_lo, ports & U8(0xFFFF))
    return mix64(one + two + (U8(source) << U8(8)) + U8(proto)) | U8(1)


@internal
def _same(h, r, turned):
    """Whether a waiting half has the key of a record, with its ends exchanged or not."""
    if h["proto"] != r["proto"] or h["source"] != r["source"]:
        return False
    if turned:
        return (
            h["src_lo"] == r["dst_lo"] and h["dst_lo"] == r["src_lo"] and h["src_port"] == r["dst_port"]
            and h["dst_port"] == r["src_port"] and h["src_hi"] == r["dst_hi"] and h["dst_hi"] == r["src_hi"]
        )  # fmt: skip
    return (
        h["src_lo"] == r["src_lo"] and h["dst_lo"] == r["dst_lo"] and h["src_port"] == r["src_port"]
        and h["dst_port"] == r["dst_port"] and h["src_hi"] == r["src_hi"] and h["dst_hi"] == r["dst_hi"]
    )  # fmt: skip


@internal
def _turn(h):
    """Change the sides of a flow."""
    h["src_hi"], h["dst_hi"] = h["dst_hi"], h["src_hi"]
    h["src_lo"], h["dst_lo"] = h["dst_lo"], h["src_lo"]
    h["src_port"], h["dst_port"] = h["dst_port"], h["src_port"]
    h["src_packets"], h["dst_packets"] = h["dst_packets"], h["src_packets"]
    h["src_bytes"], h["dst_bytes"] = h["dst_bytes"], h["src_bytes"]
    h["src_flags"], h["dst_flags"] = h["dst_flags"], h["src_flags"]
    h["src_mac"], h["dst_mac"] = h["dst_mac"], h["src_mac"]


@internal
def _slot_of(slots, waiting, h):
    """Where the waiting half with index h stands in `slots`, or -1."""
    mask = len(slots) - 1
    at = np.int64(waiting[h]["hash"] & U8(mask))
    while slots[at] >= 0:
        if slots[at] == h:
            return at
        at = (at + 1) & mask
    return np.int64(-1)


@internal
def _forget(slots, waiting, at):
    """Empty a slot, moving back what probed past it."""
    mask = len(slots) - 1
    hole = at
    i = (at + 1) & mask
    while slots[i] >= 0:
        home = np.int64(waiting[slots[i]]["hash"] & U8(mask))
        if ((i - home) & mask) >= ((i - hole) & mask):
            slots[hole] = slots[i]
            hole = i
        i = (i + 1) & mask
    slots[hole] = -1


@internal
def _release(slots, waiting, oldest, out, n):
    """Give out the oldest waiting half, unless it was done."""
    h = oldest & (len(waiting) - 1)
    if waiting[h]["done"] == 0:
        _forget(slots, waiting, _slot_of(slots, waiting, h))
        out[n] = waiting[h]
        return n + 1
    return n


@internal
def _foresee(rows, count, i, clocks, by_datagram, clock, slots):
    """Hash the next few records, write when they came, and have the slots that they will ask for near.

    What is written here is written long before rows are copied: what was just written in pieces would have to
    be waited for. Returns the clock.
    """
    mask = U8(len(slots) - 1)
    for j in range(i, min(i + _AHEAD, count)):
        r = rows[j]
        ports = (U8(r["src_port"]) << U8(16)) | U8(r["dst_port"])
        h = _half_hash(r["src_hi"], r["src_lo"], r["dst_hi"], r["dst_lo"], ports, r["proto"], r["source"])
        r["hash"] = h
        clock = max(clock, clocks[r["arrived"]] if by_datagram else clocks[j])
        r["arrived"] = clock
        prefetch(slots, np.int64(h & mask) * slots.itemsize)
    return clock


@bare_kernel
def pair(rows, count, clocks, by_datagram, wait, slack, slots, waiting, state, out):
    """Join `count` records (HALF[n], in order of arrival) with their other direction, into HALF[n + m] `out`.

    `waiting` is a ring of HALF[m] and `slots` (SLOT[2 * m], -1 where empty) finds halves in it; both are
    powers of two. `state` (i8[3]) is the oldest of the ring, its end and the newest clock. A half waits until
    the clock is `wait` ns past its arrival, and matches one that begins no more than `slack` ns outside of
    its span. `clocks` (i8) are those of the rows, or, `by_datagram`, of what their `arrived` names, which
    becomes the clock; the rows' hashes are written, and their `done` is 0. Returns flows written. What is
    given out depends on the records alone.
    """
    n = 0
    size = len(waiting)
    mask = len(slots) - 1
    oldest, end, clock = state[0], state[1], state[2]
    for i in range(count):
        if i % _AHEAD == 0:
            clock = _foresee(rows, count, i, clocks, by_datagram, clock, slots)
        r = rows[i]
        while oldest < end and waiting[oldest & (size - 1)]["arrived"] + wait < r["arrived"]:
            n = _release(slots, waiting, oldest, out, n)
            oldest += 1
        if r["paired"] == 1:
            out[n] = r
            n += 1
            continue
        h = r["hash"]
        at = np.int64(h & U8(mask))
        done = False
        while slots[at] >= 0:
            w = waiting[slots[at]]
            if w["hash"] == h and r["first"] <= w["last"] + slack and w["first"] <= r["last"] + slack:
                if _same(w, r, True):
                    done = True
                    if w["sampled"] == 1:
                        _join(w, r)
                    else:
                        # Copied first: what was just written by halves would have to be waited for.
                        out[n] = w
                        _join(out[n], r)
                        n += 1
                        w["done"] = 1
                        _forget(slots, waiting, at)
                        while oldest < end and waiting[oldest & (size - 1)]["done"] == 1:
                            oldest += 1
                        if oldest == end:  # begin anew, in memory that is at hand
                            oldest = 0
                            end = 0
                elif w["sampled"] == 1 and r["sampled"] == 1 and _same(w, r, False):
                    _add(w, r)
                    done = True
                if done:
                    break
            at = (at + 1) & mask
        if done:
            continue
        if end - oldest == size:
            n = _release(slots, waiting, oldest, out, n)
            oldest += 1
        k = end & (size - 1)
        waiting[k] = r
        end += 1
        at = np.int64(h & U8(mask))
        while slots[at] >= 0:
            at = (at + 1) & mask
        slots[at] = k
    state[0], state[1], state[2] = oldest, end, clock
    return n


@internal
def _add(w, r):
    """Add a record of the same direction to a waiting half."""
    w["src_packets"] += r["src_packets"]
    w["src_bytes"] += r["src_bytes"]
    w["src_flags"] |= r["src_flags"]
    w["sampling"] = max(w["sampling"], r["sampling"])
    w["last"] = max(w["last"], r["last"])
    w["first"] = min(w["first"], r["first"])


@internal
def _join(w, r):
    """Add a record of the other direction; whoever began is the source."""
    w["dst_packets"] += r["src_packets"]
    w["dst_bytes"] += r["src_bytes"]
    w["dst_flags"] |= r["src_flags"]
    w["sampling"] = max(w["sampling"], r["sampling"])
    if w["dst_mac"] == U8(0):
        w["dst_mac"] = r["src_mac"]
    begun = r["first"] < w["first"] or (
        r["first"] == w["first"] and r["src_port"] > r["dst_port"] and w["dst_packets"] == r["src_packets"]
    )
    w["last"] = max(w["last"], r["last"])
    w["first"] = min(w["first"], r["first"])
    if begun:
        _turn(w)
        w["icmp"] = r["icmp"]


@bare_kernel
def drain(slots, waiting, state, out):
    """The end: everything that waits, oldest first. Returns flows written."""
    n = 0
    for k in range(state[0], state[1]):
        n = _release(slots, waiting, k, out, n)
    state[0] = state[1]
    return n


@bare_kernel
def columns(
    flows, count, at, first, duration, src_hi, src_lo, dst_hi, dst_lo, src_port, dst_port, proto, src_packets,
    dst_packets, src_bytes, dst_bytes, src_payload, dst_payload, src_flags, dst_flags, first_flags, icmp_type,
    icmp_code, vlan, src_mac, dst_mac, sampling,
):  # fmt: skip
    """Write `count` flows (HALF[n]) into the columns of a flow log from `at` on (`rows.Logged` less line)."""
    for j in range(count):
        f = flows[j]
        i = at + j
        first[i] = f["first"]
        duration[i] = f["last"] - f["first"]
        src_hi[i] = f["src_hi"]
        src_lo[i] = f["src_lo"]
        dst_hi[i] = f["dst_hi"]
        dst_lo[i] = f["dst_lo"]
        src_port[i] = f["src_port"]
        dst_port[i] = f["dst_port"]
        p = np.int64(f["proto"])
        proto[i] = p
        header = U8(20 if f["src_hi"] == U8(0) and f["src_lo"] >> U8(32) == U8(0xFFFF) else 40)
        if p == _TCP:
            header += U8(32)  # with its timestamps option, as `rows.header_bytes` has it
        elif p == _UDP or p == _ICMP or p == _ICMPV6:
            header += U8(8)
        src_packets[i] = f["src_packets"]
        dst_packets[i] = f["dst_packets"]
        src_bytes[i] = f["src_bytes"]
        dst_bytes[i] = f["dst_bytes"]
        src_payload[i] = f["src_bytes"] - min(min(f["src_packets"], _MOST) * header, f["src_bytes"])
        dst_payload[i] = f["dst_bytes"] - min(min(f["dst_packets"], _MOST) * header, f["dst_bytes"])
        flags = np.int64(f["src_flags"])
        src_flags[i] = flags
        dst_flags[i] = f["dst_flags"]
        first_flags[i] = _SYN if flags & _SYN else flags & (0xFF & ~(_FIN | _RST))
        icmp_type[i] = f["icmp"] >> 8
        icmp_code[i] = f["icmp"] & 0xFF
        vlan[i] = f["vlan"]
        src_mac[i] = f["src_mac"]
        dst_mac[i] = f["dst_mac"]
        sampling[i] = f["sampling"]
