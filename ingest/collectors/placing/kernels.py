"""Kernels that go once over datagrams, and once over sets, before records are read."""

from __future__ import annotations

import numpy as np

from citywall.batches import TRANSPORT, UDP
from citywall.kernels import U8, bare_kernel, hash_address, internal, mix64
from ingest.collectors.kernels import DATA, IPFIX

#: An exporter and what it calls its domain, as `slots` find it.
KEY = np.dtype([("hi", "u8"), ("lo", "u8"), ("domain", "u8"), ("version", "u8")])
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
