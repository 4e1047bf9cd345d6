"""Fragments to datagrams, in one pass over packet rows (RFC 791 §3.2, RFC 815, RFC 8200 §4.5, RFC 5722).

Every fragment with the addresses, identification, protocol (IPv4) and VLAN of another is of its datagram. A
datagram is given up `timeout` ns after its first fragment came, by the times of the packets that come while
any is held; the oldest goes where there is no room. Nothing here allocates.
"""

from __future__ import annotations

import numpy as np

from citywall.batches import (
    FRAGMENT,
    FRAGMENT_IGNORED,
    FRAGMENT_LENGTH,
    FRAGMENT_OVERLAP,
    FRAGMENT_REPEAT,
    FRAGMENT_TINY,
    FRAGMENT_TOO_LARGE,
    FRAGMENTED,
    NOT_IP,
    REBUILT,
    TRANSPORT,
)
from citywall.kernels import bare_kernel, internal, load_be16, load_be32
from ingest.decode.kernels import decode_network
from ingest.fragments.holding.kernels import (
    CUT,
    FREE_PIECE,
    HELD,
    LIVE,
    OLDEST,
    PAGES_HELD,
    PIECES,
    abandon,
    begin,
    empty,
    fill,
    join,
    know,
    release,
    remove,
    slot,
    take_pages,
    tell,
)
from ingest.fragments.layout import META_AT, MOST_FRAGMENTS, PAGE
from ingest.fragments.rebuilding.kernels import LARGEST, complete, differs, rebuild

COUNT_SEEN = META_AT["seen"]
COUNT_REBUILT = META_AT["rebuilt"]
COUNT_OVERLAPS = META_AT["overlaps"]
COUNT_EXPIRED = META_AT["expired"]
COUNT_EVICTED = META_AT["evicted"]
COUNT_IGNORED = META_AT["ignored"]
COUNT_TRUNCATED = META_AT["truncated"]

_TCP = 6
#: RFC 791 has every network carry 68 bytes: 48 behind the longest everyday header with no need for fewer.
_SMALLEST = 48
#: Fragments that one is compared with, of those that it overlaps; from the others it is taken to differ.
_COMPARED = 8
_HEADERS = 16


@internal
def _fragment_header(buffer, start, captured, at, end):
    """Where the fragment header behind the IPv6 header at `at` is, and where the type that announces it.

    (-1, 0) where there is none within `captured` and `end`.
    """
    link = at + 6
    kind = np.int64(buffer[start + link])
    at += 40
    for _ in range(_HEADERS):
        if at + 8 > captured or at + 8 > end:
            break
        if kind == 44:
            return at, link
        if kind == 51:
            size = (np.int64(buffer[start + at + 1]) + 2) * 4
        elif kind == 0 or kind == 43 or kind == 60 or kind == 135 or kind == 139 or kind == 140:
            size = (np.int64(buffer[start + at + 1]) + 1) * 8
        else:
            break
        link = at
        kind = np.int64(buffer[start + at])
        at += size
    return np.int64(-1), np.int64(0)


@internal
def _behind(buffer, p):
    """Where IPv4's header ends or IPv6's fragment header begins, and where the type that announces that is.

    (-1, 0) where there is none: the headers are where the decoder found them, but `network` may have lost
    its high bits.
    """
    start = np.int64(p["offset"])
    captured = np.int64(p["captured"])
    at = np.int64(p["network"])
    end = at + np.int64(p["ip_bytes"])
    if p["version"] == 4:
        if at + 20 <= captured and buffer[start + at] >> 4 == 4:
            behind = at + (np.int64(buffer[start + at]) & 15) * 4
            if behind <= captured and behind <= end:
                return behind, np.int64(0)
    elif at + 40 <= captured and buffer[start + at] >> 4 == 6:
        return _fragment_header(buffer, start, captured, at, end)
    return np.int64(-1), np.int64(0)


@internal
def _said(buffer, p, behind):
    """What a fragment says: (identification, offset, whether more follow, protocol, bytes of its header)."""
    start = np.int64(p["offset"])
    if p["version"] == 4:
        at = start + np.int64(p["network"])
        word = np.int64(load_be16(buffer, at + 6))
        ident = np.int64(load_be16(buffer, at + 4))
        return ident, (word & 0x1FFF) * 8, word >> 13 & 1, np.int64(p["proto"]), np.int64(0)
    word = np.int64(load_be16(buffer, start + behind + 2))
    ident = np.int64(load_be32(buffer, start + behind + 4))
    return ident, word & 0xFFF8, word & 1, np.int64(0), np.int64(8)


@internal
def _find(p, src_hi, src_lo, dst_hi, dst_lo, ident, proto, datagrams, slots):
    """The datagram of a fragment, -1 where none is held."""
    k = np.int64(slots[slot(slots, src_hi, src_lo, dst_hi, dst_lo, ident, proto, p["vlan"])])
    while k >= 0:
        d = datagrams[k]
        if (
            d["src_lo"] == src_lo
            and d["dst_lo"] == dst_lo
            and d["src_hi"] == src_hi
            and d["dst_hi"] == dst_hi
            and d["ident"] == ident
            and d["proto"] == proto
            and d["version"] == p["version"]
            and d["vlan"] == p["vlan"]
        ):
            break
        k = np.int64(d["chain"])
    return k


@internal
def _compare(d, source, buffer, offset, stop, pieces, pages, following):
    """A fragment beside those held: (which is before it, how many it overlaps, is it one again, or other)."""
    before = np.int64(-1)
    overlaps = np.int64(0)
    repeats = False
    other = False
    at = np.int64(d["least"])
    while at >= 0:
        piece = pieces[at]
        if piece["start"] >= stop:
            break
        if piece["start"] <= offset:
            before = at
        if piece["end"] > offset:
            overlaps += 1
            same = piece["start"] == offset and piece["end"] == stop
            unlike = overlaps > _COMPARED or differs(buffer, source, offset, stop, piece, pages, following)
            if same and not unlike:
                repeats = True
            elif not same or unlike:
                other = True
        at = np.int64(piece["next"])
    return before, overlaps, repeats, other


@internal
def _new_piece(d, p, frame, offset, stop, before, pieces, waiting, meta):
    """A piece in its datagram's two orders, by place and by age; its number."""
    at = meta[FREE_PIECE]
    if at >= 0:
        meta[FREE_PIECE] = np.int64(pieces[at]["next"])
    else:
        at = meta[PIECES]
        meta[PIECES] = at + 1
    meta[HELD] += 1
    piece = pieces[at]
    waiting[at] = p
    piece["frame"] = frame
    piece["start"] = offset
    piece["end"] = stop
    if before >= 0:
        piece["next"] = pieces[before]["next"]
        pieces[before]["next"] = at
    else:
        piece["next"] = d["least"]
        d["least"] = at
    piece["later"] = -1
    if d["newest"] >= 0:
        pieces[np.int64(d["newest"])]["later"] = at
    else:
        d["oldest"] = at
    d["newest"] = at
    d["count"] += 1
    return at


@internal
def _keep(d, at, buffer, network, header, data, length, need, pieces, pages, following, meta):
    """The bytes of piece `at`: those of its headers where it is the first, then its own."""
    piece = pieces[at]
    piece["page"] = take_pages(need, following, meta)
    page = np.int64(piece["page"])
    used = np.int64(0)
    piece["header"] = 0
    if piece["start"] == 0:
        piece["header"] = header
        page, used = fill(buffer, network, header, page, used, pages, following)
        if d["first"] < 0:
            d["first"] = at
    fill(buffer, data, length, page, used, pages, following)


@internal
def _take(
    buffer, p, frame, w, clock, behind, link, policy, datagrams, pieces, waiting, pages, following, slots,
    owner, meta, rows, frames, tail, events, n, filled, told,
):  # fmt: skip
    """Take a fragment whose headers are sound: (rows, bytes of `tail`, events) told by now."""
    start = np.int64(p["offset"])
    captured = np.int64(p["captured"])
    network = np.int64(p["network"])
    end = network + np.int64(p["ip_bytes"])
    ident, offset, more, proto, own = _said(buffer, p, behind)
    header = behind - network  # the fragment header of IPv6 goes
    data = behind + own
    if p["reversed"] != 0:
        src_hi, src_lo, dst_hi, dst_lo = p["b_hi"], p["b_lo"], p["a_hi"], p["a_lo"]
    else:
        src_hi, src_lo, dst_hi, dst_lo = p["a_hi"], p["a_lo"], p["b_hi"], p["b_lo"]
    k = _find(p, src_hi, src_lo, dst_hi, dst_lo, ident, proto, datagrams, slots)
    if k < 0:
        if meta[LIVE] >= len(datagrams):
            meta[COUNT_EVICTED] += 1
            n, told = abandon(
                meta[OLDEST], clock, datagrams, pieces, waiting, following, slots, meta, rows, frames, n,
                events, told,
            )  # fmt: skip
        k = begin(p, frame, src_hi, src_lo, dst_hi, dst_lo, ident, proto, datagrams, slots, meta)
    d = datagrams[k]
    length = end - data
    stop = offset + length

    # To which flow it counts.
    waits = False
    if offset == 0 and p["status"] != FRAGMENT:
        rows[n] = p
        frames[n] = frame
        n += 1
        if d["known"] == 0:
            know(d, p)
            d["mute"] = 1 if p["proto"] == _TCP and data + 14 > min(end, captured) else 0
            n = release(d, pieces, waiting, rows, frames, n)
    elif d["known"] != 0:
        rows[n] = p
        frames[n] = frame
        join(d, rows[n])
        n += 1
    else:
        waits = True

    # What is odd about it.
    large = stop + (20 if p["version"] == 4 else 0) > LARGEST
    if large:
        told = tell(FRAGMENT_TOO_LARGE, clock, start, frame, d, events, told)
    elif more != 0 and length < _SMALLEST:
        told = tell(FRAGMENT_TINY, clock, start, frame, d, events, told)
    if more != 0 and length & 7:
        told = tell(FRAGMENT_LENGTH, clock, start, frame, d, events, told)
    keep = not large and length > 0 and d["broken"] == 0
    if keep and data + length > captured:
        meta[COUNT_TRUNCATED] += 1
        d["broken"] = CUT
        keep = False
    before = np.int64(-1)
    overlaps = np.int64(0)
    if keep:
        before, overlaps, repeats, other = _compare(
            d, start + data, buffer, offset, stop, pieces, pages, following
        )
        if overlaps != 0:
            meta[COUNT_OVERLAPS] += 1
            kind = FRAGMENT_REPEAT if repeats and not other else FRAGMENT_OVERLAP
            told = tell(kind, clock, start, frame, d, events, told)
        if repeats:
            keep = False  # it is here already

    # Whether there is room for it.
    need = (header * (1 if offset == 0 else 0) + length + PAGE - 1) // PAGE
    if keep:
        while (meta[HELD] >= len(pieces) or meta[PAGES_HELD] + need > len(following)) and meta[OLDEST] != k:
            meta[COUNT_EVICTED] += 1
            n, told = abandon(
                meta[OLDEST], clock, datagrams, pieces, waiting, following, slots, meta, rows, frames, n,
                events, told,
            )  # fmt: skip
        full = meta[HELD] >= len(pieces) or meta[PAGES_HELD] + need > len(following)
        if d["count"] >= MOST_FRAGMENTS or full:
            meta[COUNT_IGNORED] += 1
            told = tell(FRAGMENT_IGNORED, clock, start, frame, d, events, told)
            n = release(d, pieces, waiting, rows, frames, n)
            empty(d, pieces, following, meta)
            d["broken"] = 1
            keep = False
    if waits:
        rows[n] = p
        frames[n] = frame
        if keep:
            rows[n]["status"] = NOT_IP  # its time passes, but it counts later
        n += 1
    if not keep:
        return n, filled, told

    at = _new_piece(d, p, frame, offset, stop, before, pieces, waiting, meta)
    piece = pieces[at]
    piece["link"] = link - network if p["version"] == 6 else 0
    piece["following"] = buffer[start + behind] if p["version"] == 6 else 0
    piece["waiting"] = 1 if waits else 0
    _keep(d, at, buffer, start + network, header, start + data, length, need, pieces, pages, following, meta)
    if overlaps != 0:
        d["mixed"] = 1
    if more == 0 and d["total"] < 0:
        d["total"] = stop
    if complete(d, pieces):
        size = rebuild(d, pieces, pages, following, owner, policy, tail, filled)
        if size >= 0:
            meta[COUNT_REBUILT] += 1
            n_row = n - 1 if n > 0 and frames[n - 1] == frame else np.int64(-1)
            _read(d, p, w, rows, n_row, tail, filled, size)
            filled += size
        n = release(d, pieces, waiting, rows, frames, n)
        remove(k, datagrams, pieces, following, slots, meta)
    return n, filled, told


@internal
def _read(d, p, w, rows, row, tail, at, size):
    """The row to be read is the datagram at `tail[at:]`; `row`, its first fragment's or -1, has its flags."""
    ether = np.int64(0x0800 if d["version"] == 4 else 0x86DD)
    decode_network(tail, at, size, size, np.int64(p["time"]), np.int64(0), ether, np.int64(p["vlan"]), w)
    w["marks"] = w["marks"] | REBUILT
    if w["status"] == TRANSPORT:
        if d["known"] == 0:
            know(d, w)
        if d["mute"] != 0 and row >= 0:
            rows[row]["flags"] = w["flags"]  # only now they are there


@bare_kernel
def assemble(
    buffer, packets, first_frame, clock, policy, timeout, datagrams, pieces, waiting, pages, following, slots,
    owner, meta, rows, frames, whole, tail, events, told_at,
):  # fmt: skip
    """Take PACKET rows; row i is frame `first_frame + i`, its bytes are in `buffer`.

    `rows` (PACKET[n + fragments among them + pieces held]) takes the rows to be counted to flows, `frames`
    their frames: fragments as of their datagram's flow; those that come before its first one say NOT_IP, and
    come again behind that.
    `whole` (PACKET[n], a copy of `packets`) takes the rows to be read: the row that completes a datagram
    becomes that datagram, with its bytes in `tail` at its offset, the other fragments say FRAGMENT. `events`
    takes EVENT rows, as of the clock, which stood at `clock` before (their domain is the caller's), `told_at`
    the packet at which each was told. Returns (rows, bytes of `tail`, events).
    """
    n = np.int64(0)
    filled = np.int64(0)
    told = np.int64(0)
    noted = np.int64(0)
    for i in range(len(packets)):
        p = packets[i]
        time = np.int64(p["time"])
        clock = max(clock, time)
        while noted < told:
            told_at[noted] = i - 1
            noted += 1
        while meta[OLDEST] >= 0 and time - np.int64(datagrams[meta[OLDEST]]["begun"]) > timeout:
            meta[COUNT_EXPIRED] += 1
            n, told = abandon(
                meta[OLDEST], clock, datagrams, pieces, waiting, following, slots, meta, rows, frames, n,
                events, told,
            )  # fmt: skip
        frame = first_frame + i
        rows[n] = p
        frames[n] = frame
        if p["marks"] & FRAGMENTED == 0 or p["marks"] & REBUILT != 0:
            n += 1
            continue
        meta[COUNT_SEEN] += 1
        w = whole[i]
        w["status"] = FRAGMENT
        w["reason"] = 0
        w["ports"] = 0
        w["flags"] = 0
        w["payload_at"] += w["payload"]
        w["payload"] = 0
        behind, link = _behind(buffer, p)
        if behind < 0:
            n += 1
            continue
        n, filled, told = _take(
            buffer, p, frame, w, clock, behind, link, policy, datagrams, pieces, waiting, pages, following,
            slots, owner, meta, rows, frames, tail, events, n, filled, told,
        )  # fmt: skip
    while noted < told:
        told_at[noted] = len(packets) - 1
        noted += 1
    return n, filled, told


@bare_kernel
def abandon_all(time, datagrams, pieces, waiting, following, slots, meta, rows, frames, events):
    """The input is over: every datagram is given up, the oldest first. Returns (rows, events)."""
    n = np.int64(0)
    told = np.int64(0)
    while meta[OLDEST] >= 0:
        meta[COUNT_EXPIRED] += 1
        n, told = abandon(
            meta[OLDEST], time, datagrams, pieces, waiting, following, slots, meta, rows, frames, n,
            events, told,
        )  # fmt: skip
    return n, told
