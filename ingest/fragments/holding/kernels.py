"""Datagrams whose fragments are held: found by their key, in order of age, with the bytes they have so far.

Pieces and pages are in chains; nothing here allocates.
"""

from __future__ import annotations

import numpy as np

from citywall.batches import DATAGRAM_ABANDONED
from citywall.kernels import U8, copy_bytes, internal
from ingest.decode.kernels import flow_hash
from ingest.fragments.layout import META_AT, PAGE

DATAGRAMS = META_AT["datagrams"]
FREE_DATAGRAM = META_AT["free_datagram"]
OLDEST = META_AT["oldest"]
NEWEST = META_AT["newest"]
LIVE = META_AT["live"]
PIECES = META_AT["pieces"]
FREE_PIECE = META_AT["free_piece"]
HELD = META_AT["held"]
PAGES = META_AT["pages"]
FREE_PAGE = META_AT["free_page"]
PAGES_HELD = META_AT["pages_held"]

#: DATAGRAM.broken: the capture cut a fragment, for which nobody is to blame.
CUT = 2


@internal
def slot(slots, src_hi, src_lo, dst_hi, dst_lo, ident, proto, vlan):
    """The hash slot of a datagram's key."""
    h = flow_hash(src_hi, src_lo, dst_hi, dst_lo, np.int64(ident), np.int64(proto), np.int64(vlan))
    return np.int64(h >> U8(32)) & np.int64(len(slots) - 1)


@internal
def slot_of(slots, d):
    """The same of a datagram that is held."""
    return slot(slots, d["src_hi"], d["src_lo"], d["dst_hi"], d["dst_lo"], d["ident"], d["proto"], d["vlan"])


@internal
def free_pages(page, following, meta):
    """Give back a chain of pages."""
    while page >= 0:
        after = np.int64(following[page])
        following[page] = meta[FREE_PAGE]
        meta[FREE_PAGE] = page
        meta[PAGES_HELD] -= 1
        page = after


@internal
def empty(d, pieces, following, meta):
    """Let go of what a datagram holds, but of the datagram."""
    at = np.int64(d["oldest"])
    while at >= 0:
        piece = pieces[at]
        after = np.int64(piece["later"])
        free_pages(np.int64(piece["page"]), following, meta)
        piece["next"] = meta[FREE_PIECE]
        meta[FREE_PIECE] = at
        meta[HELD] -= 1
        at = after
    d["count"] = 0
    d["first"] = -1
    d["least"] = -1
    d["oldest"] = -1
    d["newest"] = -1


@internal
def remove(k, datagrams, pieces, following, slots, meta):
    """Forget datagram `k`."""
    d = datagrams[k]
    empty(d, pieces, following, meta)
    h = slot_of(slots, d)
    at = np.int64(slots[h])
    if at == k:
        slots[h] = d["chain"]
    else:
        while datagrams[at]["chain"] != k:
            at = np.int64(datagrams[at]["chain"])
        datagrams[at]["chain"] = d["chain"]
    older = np.int64(d["older"])
    newer = np.int64(d["newer"])
    if older >= 0:
        datagrams[older]["newer"] = newer
    else:
        meta[OLDEST] = newer
    if newer >= 0:
        datagrams[newer]["older"] = older
    else:
        meta[NEWEST] = older
    d["chain"] = meta[FREE_DATAGRAM]
    meta[FREE_DATAGRAM] = k
    meta[LIVE] -= 1


@internal
def release(d, pieces, waiting, rows, frames, n):
    """Tell the rows of a datagram that wait, as of its flow where that is known; rows told by now."""
    at = np.int64(d["oldest"])
    while at >= 0:
        piece = pieces[at]
        if piece["waiting"] != 0:
            piece["waiting"] = 0
            rows[n] = waiting[at]
            rows[n]["captured"] = 0  # its bytes may be gone: nobody shall read them
            frames[n] = piece["frame"]
            if d["known"] != 0:
                join(d, rows[n])
            n += 1
        at = np.int64(piece["later"])
    return n


@internal
def know(d, p):
    """The flow of a datagram is that of this row."""
    d["known"] = 1
    d["ports"] = p["ports"]
    d["hash"] = p["hash"]
    d["flow_proto"] = p["proto"]
    d["reversed"] = p["reversed"]


@internal
def join(d, row):
    """Make a later fragment's row one of its datagram's flow."""
    row["ports"] = d["ports"]
    row["hash"] = d["hash"]
    row["proto"] = d["flow_proto"]
    row["reversed"] = d["reversed"]


@internal
def tell(kind, time, offset, frame, d, events, told):
    """One EVENT row of a datagram; rows told by now."""
    e = events[told]
    e["time"] = time
    e["src_hi"] = d["src_hi"]
    e["src_lo"] = d["src_lo"]
    e["dst_hi"] = d["dst_hi"]
    e["dst_lo"] = d["dst_lo"]
    e["src_mac"] = U8(0)
    e["dst_mac"] = U8(0)
    e["offset"] = offset
    e["frame"] = frame
    e["domain"] = 0
    e["vlan"] = d["vlan"]
    e["kind"] = kind
    return told + 1


@internal
def abandon(k, time, datagrams, pieces, waiting, following, slots, meta, rows, frames, n, events, told):
    """Give a datagram up: (rows, events) told by now."""
    d = datagrams[k]
    n = release(d, pieces, waiting, rows, frames, n)
    if d["broken"] != CUT:
        told = tell(DATAGRAM_ABANDONED, time, d["offset"], d["frame"], d, events, told)
    remove(k, datagrams, pieces, following, slots, meta)
    return n, told


@internal
def begin(p, frame, src_hi, src_lo, dst_hi, dst_lo, ident, proto, datagrams, slots, meta):
    """A new datagram; there is room for it."""
    k = meta[FREE_DATAGRAM]
    if k >= 0:
        meta[FREE_DATAGRAM] = np.int64(datagrams[k]["chain"])
    else:
        k = meta[DATAGRAMS]
        meta[DATAGRAMS] = k + 1
    d = datagrams[k]
    d["src_hi"] = src_hi
    d["src_lo"] = src_lo
    d["dst_hi"] = dst_hi
    d["dst_lo"] = dst_lo
    d["hash"] = p["hash"]
    d["begun"] = p["time"]
    d["offset"] = p["offset"]
    d["frame"] = frame
    d["ident"] = ident
    d["vlan"] = p["vlan"]
    d["ports"] = 0
    d["total"] = -1
    d["count"] = 0
    d["first"] = -1
    d["least"] = -1
    d["oldest"] = -1
    d["newest"] = -1
    d["proto"] = proto
    d["version"] = p["version"]
    d["flow_proto"] = 0
    d["known"] = 0
    d["mute"] = 0
    d["broken"] = 0
    d["mixed"] = 0
    h = slot_of(slots, d)
    d["chain"] = slots[h]
    slots[h] = k
    newest = meta[NEWEST]
    d["older"] = newest
    d["newer"] = -1
    if newest >= 0:
        datagrams[newest]["newer"] = k
    else:
        meta[OLDEST] = k
    meta[NEWEST] = k
    meta[LIVE] += 1
    return k


@internal
def fill(buffer, source, n, page, filled, pages, following):
    """Copy `n` bytes to a chain of pages of which `filled` are taken; (page, bytes taken in it)."""
    while n > 0:
        if filled == PAGE:
            page = np.int64(following[page])
            filled = np.int64(0)
        part = min(n, PAGE - filled)
        copy_bytes(pages, page * PAGE + filled, buffer, source, part)
        source += part
        filled += part
        n -= part
    return page, filled


@internal
def take_pages(count, following, meta):
    """A chain of `count` pages; there are as many."""
    first = np.int64(-1)
    for _ in range(count):
        page = meta[FREE_PAGE]
        if page >= 0:
            meta[FREE_PAGE] = np.int64(following[page])
        else:
            page = meta[PAGES]
            meta[PAGES] = page + 1
        following[page] = first
        first = page
    meta[PAGES_HELD] += count
    return first
