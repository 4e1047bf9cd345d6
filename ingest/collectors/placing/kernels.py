"""Kernels that go once over datagrams, and once over sets, before records are read."""

from __future__ import annotations

import numpy as np

from citywall.batches import TRANSPORT, UDP
from citywall.kernels import U8, bare_kernel, hash_address, internal, mix64
from ingest.collectors.kernels import DATA, IPFIX, V5_SET

#: An exporter and what it calls its domain, as `slots` find it.
KEY = np.dtype([("hi", "u8"), ("lo", "u8"), ("domain", "u8"), ("version", "u8")])
#: What a data set's (source, id) stands for: `pair` is source << 20 | id; -1 where its template is withdrawn.
TEMPLATE = np.dtype([("pair", "i8"), ("layout", "i4"), ("telling", "u1")], align=True)
#: What `place` writes for datagrams that are of no version, and for those of exporters beyond the most.
NONE, REFUSED = -1, -2


@internal
def _home(hi, lo, domain, version):
    return mix64(hash_address(hi, lo, U8(domain)) + U8(version))


@bare_kernel
def enter(keys, slots, index):
    """Have the key with this index found; `slots` (i4, a power of two, -1 where empty) has room."""
    mask = len(slots) - 1
    key = keys[index]
    at = np.int64(_home(key["hi"], key["lo"], key["domain"], key["version"]) & U8(mask))
    while slots[at] >= 0:
        at = (at + 1) & mask
    slots[at] = index


@bare_kernel
def place(hi, lo, heads, keys, slots, begin, full, out):
    """Write the index of each datagram's exporter and domain from `begin` on; returns the first that is new.

    Where the table is `full`, new ones are REFUSED and the rest goes on.
    """
    mask = len(slots) - 1
    for i in range(begin, len(heads)):
        head = heads[i]
        domain, version = head["domain"], U8(head["version"])
        if version == U8(0):
            out[i] = NONE
            continue
        at = np.int64(_home(hi[i], lo[i], domain, version) & U8(mask))
        found = np.int64(REFUSED)
        while slots[at] >= 0:
            key = keys[slots[at]]
            if (
                key["lo"] == lo[i]
                and key["hi"] == hi[i]
                and key["domain"] == domain
                and key["version"] == version
            ):
                found = np.int64(slots[at])
                break
            at = (at + 1) & mask
        if found == REFUSED and not full:
            return i
        out[i] = found
    return len(heads)


@internal
def _found(templates, slots, pair):
    """The slot of a pair, and its row; where it is not known the slot that it would have, and -1."""
    mask = len(slots) - 1
    at = np.int64(mix64(U8(pair)) & U8(mask))
    while slots[at] >= 0 and templates[slots[at]]["pair"] != pair:
        at = (at + 1) & mask
    return at, np.int64(slots[at])


@bare_kernel
def tell(templates, slots, count, pair, layout, telling):
    """Have a pair stand for a layout from now on; both tables have room. Returns how many are known."""
    at, row = _found(templates, slots, pair)
    if row < 0:
        row, count = count, count + 1
        slots[at] = row
    templates[row]["pair"] = pair
    templates[row]["layout"] = layout
    templates[row]["telling"] = telling
    return count


@bare_kernel
def resolve(sets, sources, templates, slots, five, found):
    """Put each data set to its layout: `five` is that of NetFlow v5, -1 stands for none.

    `templates` (TEMPLATE[n]) are found by `slots` (i4, a power of two, -1 where empty). `found` (i8, one for
    each) takes the sets that may change how others are read, how many is returned.
    """
    n, last, layout, telling = 0, np.int64(-1), np.int64(-1), False
    for s in range(len(sets)):
        one = sets[s]
        if one["kind"] != DATA:
            one["template"] = -1
            found[n] = s
            n += 1
            continue
        if one["id"] == V5_SET:
            one["template"] = five
            continue
        pair = np.int64(sources[s]) << 20 | np.int64(one["id"])
        if pair != last:
            _, row = _found(templates, slots, pair)
            last, layout, telling = pair, np.int64(-1), False
            if row >= 0:
                layout, telling = np.int64(templates[row]["layout"]), templates[row]["telling"] == 1
        one["template"] = layout
        if telling:
            found[n] = s
            n += 1
    return n


@bare_kernel
def measure(sets, layouts, heads):
    """How many flows the data sets may hold that have a template, and how many sets have none.

    And how many of the former tell times of a clock that nothing is known of.
    """
    flows, missing, strange = np.int64(0), np.int64(0), np.int64(0)
    for s in range(len(sets)):
        one = sets[s]
        if one["kind"] != DATA:
            continue
        if one["template"] < 0:
            missing += 1
            continue
        layout = layouts[one["template"]]
        if layout["useful"] == 1:
            flows += (np.int64(one["end"]) - np.int64(one["start"])) // max(np.int64(layout["length"]), 1)
            head = heads[one["datagram"]]
            if layout["clocked"] == 1 and head["version"] == IPFIX and head["uptime"] < 0:
                strange += 1
    return flows, missing, strange


@bare_kernel
def exported(packets, starts, ends, hi, lo, times):
    """Where the content of UDP packets (PACKET[n]) is as far as it was captured, who sent it, and when.

    Returns how many there are; the others are passed over.
    """
    n = 0
    for i in range(len(packets)):
        p = packets[i]
        left = min(np.int64(p["captured"]) - np.int64(p["payload_at"]), np.int64(p["payload"]))
        if p["status"] != TRANSPORT or p["proto"] != UDP or left <= 0:
            continue
        starts[n] = np.int64(p["offset"]) + np.int64(p["payload_at"])
        ends[n] = starts[n] + left
        turned = p["reversed"] == 1
        hi[n] = p["b_hi"] if turned else p["a_hi"]
        lo[n] = p["b_lo"] if turned else p["a_lo"]
        times[n] = p["time"]
        n += 1
    return n
