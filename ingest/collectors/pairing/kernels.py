"""Records of one direction into flows of both."""

from __future__ import annotations

import numpy as np

from citywall.kernels import U8, bare_kernel, hash_address, internal, mix64


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


@bare_kernel
def pair(rows, clocks, wait, slack, slots, waiting, state, out):
    """Join records (HALF[n], in order of arrival) with their other direction, into `out` (HALF[n + m]).

    `waiting` is a ring of HALF[m] and `slots` (i4[4 * m], -1 where empty) finds halves in it; both are
    powers of two. `state` (i8[3]) is the oldest of the ring, its end and the newest clock. A half waits until
    the clock (`clocks`, i8[n]) is `wait` ns past its arrival, and matches one that begins no more than
    `slack` ns outside of its span. Returns flows written. What is given out depends on the records alone.
    """
    n = 0
    size = len(waiting)
    mask = len(slots) - 1
    oldest, end, clock = state[0], state[1], state[2]
    for i in range(len(rows)):
        clock = max(clock, clocks[i])
        while oldest < end and waiting[oldest & (size - 1)]["arrived"] + wait < clock:
            n = _release(slots, waiting, oldest, out, n)
            oldest += 1
        r = rows[i]
        if r["paired"] == 1:
            out[n] = r
            n += 1
            continue
        ports = (U8(r["src_port"]) << U8(16)) | U8(r["dst_port"])
        h = _half_hash(r["src_hi"], r["src_lo"], r["dst_hi"], r["dst_lo"], ports, r["proto"], r["source"])
        at = np.int64(h & U8(mask))
        done = False
        while slots[at] >= 0:
            w = waiting[slots[at]]
            if w["hash"] == h and r["first"] <= w["last"] + slack and w["first"] <= r["last"] + slack:
                if _same(w, r, True):
                    _join(w, r, True)
                    done = True
                elif w["sampled"] == 1 and r["sampled"] == 1 and _same(w, r, False):
                    _join(w, r, False)
                    done = True
                if done:
                    if w["sampled"] == 0:
                        w["done"] = 1
                        out[n] = w
                        n += 1
                        _forget(slots, waiting, at)
                    break
            at = (at + 1) & mask
        if done:
            continue
        if end - oldest == size:
            n = _release(slots, waiting, oldest, out, n)
            oldest += 1
        k = end & (size - 1)
        waiting[k] = r
        w = waiting[k]
        w["hash"] = h
        w["arrived"] = clock
        w["done"] = 0
        end += 1
        at = np.int64(h & U8(mask))
        while slots[at] >= 0:
            at = (at + 1) & mask
        slots[at] = k
    state[0], state[1], state[2] = oldest, end, clock
    return n


@internal
def _join(w, r, turned):
    """Add a record to a waiting half; whoever began is its source."""
    if not turned:
        w["src_packets"] += r["src_packets"]
        w["src_bytes"] += r["src_bytes"]
        w["src_flags"] |= r["src_flags"]
        w["last"] = max(w["last"], r["last"])
        w["first"] = min(w["first"], r["first"])
        return
    w["dst_packets"] += r["src_packets"]
    w["dst_bytes"] += r["src_bytes"]
    w["dst_flags"] |= r["src_flags"]
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
