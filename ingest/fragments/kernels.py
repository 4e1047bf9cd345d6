"""Fragments to datagrams, in one pass over packet rows (RFC 791 §3.2, RFC 815, RFC 8200 §4.5, RFC 5722).

Every fragment with the addresses, identification, protocol (IPv4) and VLAN of another is of its datagram. A
datagram is given up `timeout` ns after its first fragment came, by the times of the packets that come while
any is held; the oldest goes where there is no room. Nothing here allocates.
"""

from __future__ import annotations

import numpy as np

from citywall.batches import (
    DATAGRAM_ABANDONED,
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
from citywall.kernels import U8, bare_kernel, copy_bytes, internal, load_be16, load_be32
from ingest.decode.kernels import decode_network, flow_hash
from ingest.fragments.layout import META_AT, MOST_FRAGMENTS, PAGE

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
COUNT_SEEN = META_AT["seen"]
COUNT_REBUILT = META_AT["rebuilt"]
COUNT_OVERLAPS = META_AT["overlaps"]
COUNT_EXPIRED = META_AT["expired"]
COUNT_EVICTED = META_AT["evicted"]
COUNT_IGNORED = META_AT["ignored"]
COUNT_TRUNCATED = META_AT["truncated"]

_TCP = 6
_LARGEST = 65535
#: RFC 791 has every network carry 68 bytes: 48 behind the longest everyday header with no need for fewer.
_SMALLEST = 48
#: Fragments that one is compared with, of those that it overlaps; from the others it is taken to differ.
_COMPARED = 8
_HEADERS = 16


@internal
def new_wins(policy, new_start, new_end, old_start, old_end):
    """Whether the bytes of the fragment that came later stand where two overlap (Novak, 2005)."""
    if policy == 1:
        return False
    if policy == 2:
        return True
    if policy == 3:
        return new_start <= old_start
    if policy == 4:
        return new_start < old_start and new_end > old_end
    if policy == 5:
        return new_start < old_start and new_end >= old_end
    if policy == 6:
        return new_start >= old_start
    return new_start < old_start


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
def _slot(slots, src_hi, src_lo, dst_hi, dst_lo, ident, proto, vlan):
    """The hash slot of a datagram's key."""
    h = flow_hash(src_hi, src_lo, dst_hi, dst_lo, np.int64(ident), np.int64(proto), np.int64(vlan))
    return np.int64(h >> U8(32)) & np.int64(len(slots) - 1)


@internal
def _slot_of(slots, d):
    """The same of a datagram that is held."""
    return _slot(slots, d["src_hi"], d["src_lo"], d["dst_hi"], d["dst_lo"], d["ident"], d["proto"], d["vlan"])


@internal
def _free_pages(page, following, meta):
    """Give back a chain of pages."""
    while page >= 0:
        after = np.int64(following[page])
        following[page] = meta[FREE_PAGE]
        meta[FREE_PAGE] = page
        meta[PAGES_HELD] -= 1
        page = after


@internal
def _empty(d, pieces, following, meta):
    """Let go of what a datagram holds, but of the datagram."""
    at = np.int64(d["oldest"])
    while at >= 0:
        piece = pieces[at]
        after = np.int64(piece["later"])
        _free_pages(np.int64(piece["page"]), following, meta)
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
def _remove(k, datagrams, pieces, following, slots, meta):
    """Forget datagram `k`."""
    d = datagrams[k]
    _empty(d, pieces, following, meta)
    h = _slot_of(slots, d)
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
def _release(d, pieces, waiting, rows, frames, n):
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
                _join(d, rows[n])
            n += 1
        at = np.int64(piece["later"])
    return n


@internal
def _know(d, p):
    """The flow of a datagram is that of this row."""
    d["known"] = 1
    d["ports"] = p["ports"]
    d["hash"] = p["hash"]
    d["flow_proto"] = p["proto"]
    d["reversed"] = p["reversed"]


@internal
def _join(d, row):
    """Make a later fragment's row one of its datagram's flow."""
    row["ports"] = d["ports"]
    row["hash"] = d["hash"]
    row["proto"] = d["flow_proto"]
    row["reversed"] = d["reversed"]


@internal
def _tell(kind, time, offset, frame, d, events, told):
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
def _abandon(k, time, datagrams, pieces, waiting, following, slots, meta, rows, frames, n, events, told):
    """Give a datagram up: (rows, events) told by now."""
    d = datagrams[k]
    n = _release(d, pieces, waiting, rows, frames, n)
    told = _tell(DATAGRAM_ABANDONED, time, d["offset"], d["frame"], d, events, told)
    _remove(k, datagrams, pieces, following, slots, meta)
    return n, told


@internal
def _begin(p, frame, src_hi, src_lo, dst_hi, dst_lo, ident, proto, datagrams, slots, meta):
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
    h = _slot_of(slots, d)
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
def _differs(buffer, source, start, end, piece, pages, following):
    """Whether a fragment's bytes `start` to `end`, at `buffer[source]`, are other than a piece's there."""
    low = max(start, np.int64(piece["start"]))
    high = min(end, np.int64(piece["end"]))
    at = np.int64(piece["header"]) + low - np.int64(piece["start"])
    page = np.int64(piece["page"])
    for _ in range(at // PAGE):
        page = np.int64(following[page])
    at %= PAGE
    for i in range(low, high):
        if at == PAGE:
            page = np.int64(following[page])
            at = np.int64(0)
        if buffer[source + i - start] != pages[page * PAGE + at]:
            return True
        at += 1
    return False


@internal
def _write(buffer, source, n, page, filled, pages, following):
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
def _take_pages(count, following, meta):
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


@internal
def _complete(d, pieces):
    """Whether every byte of a datagram is here."""
    total = np.int64(d["total"])
    if total < 0 or d["first"] < 0 or d["broken"] != 0:
        return False
    reached = np.int64(0)
    at = np.int64(d["least"])
    while at >= 0 and reached < total:
        piece = pieces[at]
        if piece["start"] > reached:
            return False
        reached = max(reached, np.int64(piece["end"]))
        at = np.int64(piece["next"])
    return reached >= total


@internal
def _paint(d, pieces, pages, following, owner, policy, out, base):
    """Write the bytes of a datagram to `out[base:]`, where fragments overlap by the policy."""
    total = np.int64(d["total"])
    mixed = d["mixed"] != 0
    if mixed:
        for i in range(total):
            owner[i] = -1
    at = np.int64(d["oldest"])
    while at >= 0:
        piece = pieces[at]
        start = np.int64(piece["start"])
        end = min(np.int64(piece["end"]), total)
        place = np.int64(piece["header"])
        page = np.int64(piece["page"])
        for _ in range(place // PAGE):
            page = np.int64(following[page])
        place %= PAGE
        i = start
        while i < end:
            if place == PAGE:
                page = np.int64(following[page])
                place = np.int64(0)
            part = min(end - i, PAGE - place)
            if not mixed:
                copy_bytes(out, base + i, pages, page * PAGE + place, part)
            else:
                for j in range(part):
                    old = np.int64(owner[i + j])
                    if old < 0 or new_wins(
                        policy, start, np.int64(piece["end"]),
                        np.int64(pieces[old]["start"]), np.int64(pieces[old]["end"]),
                    ):  # fmt: skip
                        owner[i + j] = at
                        out[base + i + j] = pages[page * PAGE + place + j]
            i += part
            place += part
        at = np.int64(piece["later"])


@internal
def _put16(out, at, value):
    out[at] = np.uint8(value >> 8 & 0xFF)
    out[at + 1] = np.uint8(value & 0xFF)


@internal
def _rebuild(d, pieces, pages, following, owner, policy, out, base):
    """Write a complete datagram with its headers to `out[base:]`; its length, -1 where it is too long."""
    first = pieces[np.int64(d["first"])]
    header = np.int64(first["header"])
    total = np.int64(d["total"])
    if d["version"] == 4 and header + total > _LARGEST:
        return np.int64(-1)
    page = np.int64(first["page"])
    done = np.int64(0)
    while done < header:
        part = min(header - done, PAGE)
        copy_bytes(out, base + done, pages, page * PAGE, part)
        page = np.int64(following[page])
        done += part
    _paint(d, pieces, pages, following, owner, policy, out, base + header)
    if d["version"] == 4:
        _put16(out, base + 2, header + total)
        _put16(out, base + 6, np.int64(load_be16(out, base + 6)) & 0x4000)
        _put16(out, base + 10, 0)
        check = np.int64(0)
        for i in range(header >> 1):
            check += np.int64(load_be16(out, base + 2 * i))
        while check >> 16:
            check = (check & 0xFFFF) + (check >> 16)
        _put16(out, base + 10, ~check & 0xFFFF)
    else:
        length = header - 40 + total
        _put16(out, base + 4, length if length <= _LARGEST else 0)
        out[base + np.int64(first["link"])] = first["following"]
    return header + total


@bare_kernel
def assemble(
    buffer, packets, first_frame, clock, policy, timeout, datagrams, pieces, waiting, pages, following, slots,
    owner, meta, rows, frames, whole, tail, events, told_at,
):  # fmt: skip
    """Take PACKET rows; row i is frame `first_frame + i`, its bytes are in `buffer`.

    `rows` (PACKET[2 n + pieces held]) takes the rows to be counted to flows, `frames` their frames: fragments
    as of their datagram's flow; those that come before its first one say NOT_IP, and come again behind that.
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
            n, told = _abandon(
                meta[OLDEST],
                clock,
                datagrams,
                pieces,
                waiting,
                following,
                slots,
                meta,
                rows,
                frames,
                n,
                events,
                told,
            )
        rows[n] = p
        frames[n] = first_frame + i
        if p["marks"] & FRAGMENTED == 0 or p["marks"] & REBUILT != 0:
            n += 1
            continue
        meta[COUNT_SEEN] += 1
        frame = first_frame + i
        w = whole[i]
        w["status"] = FRAGMENT
        w["reason"] = 0
        w["ports"] = 0
        w["flags"] = 0
        w["payload_at"] += w["payload"]
        w["payload"] = 0
        start = np.int64(p["offset"])
        captured = np.int64(p["captured"])
        at = np.int64(p["network"])
        end = at + np.int64(p["ip_bytes"])
        # Where the decoder found the headers they are; `network` may have lost its high bits.
        if p["version"] == 4:
            sound = at + 20 <= captured and buffer[start + at] >> 4 == 4
            behind = at
            link = np.int64(0)
            if sound:
                behind = at + (np.int64(buffer[start + at]) & 15) * 4
                sound = behind <= captured and behind <= end
        else:
            sound = at + 40 <= captured and buffer[start + at] >> 4 == 6
            behind = np.int64(-1)
            link = np.int64(0)
            if sound:
                behind, link = _fragment_header(buffer, start, captured, at, end)
                sound = behind >= 0
        if not sound:
            n += 1
            continue
        q = start + behind
        if p["version"] == 4:
            word = np.int64(load_be16(buffer, start + at + 6))
            ident = np.int64(load_be16(buffer, start + at + 4))
            offset = (word & 0x1FFF) * 8
            more = word >> 13 & 1
            proto = np.int64(p["proto"])
            header = behind - at
            data = behind
        else:
            word = np.int64(load_be16(buffer, q + 2))
            ident = np.int64(load_be32(buffer, q + 4))
            offset = word & 0xFFF8
            more = word & 1
            proto = np.int64(0)
            header = behind - at  # the fragment header goes
            data = behind + 8
        if p["reversed"] != 0:
            src_hi, src_lo, dst_hi, dst_lo = p["b_hi"], p["b_lo"], p["a_hi"], p["a_lo"]
        else:
            src_hi, src_lo, dst_hi, dst_lo = p["a_hi"], p["a_lo"], p["b_hi"], p["b_lo"]
        k = np.int64(slots[_slot(slots, src_hi, src_lo, dst_hi, dst_lo, ident, proto, p["vlan"])])
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
        if k < 0:
            if meta[LIVE] >= len(datagrams):
                meta[COUNT_EVICTED] += 1
                n, told = _abandon(
                    meta[OLDEST],
                    clock,
                    datagrams,
                    pieces,
                    waiting,
                    following,
                    slots,
                    meta,
                    rows,
                    frames,
                    n,
                    events,
                    told,
                )
            k = _begin(p, frame, src_hi, src_lo, dst_hi, dst_lo, ident, proto, datagrams, slots, meta)
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
                _know(d, p)
                d["mute"] = 1 if p["proto"] == _TCP and data + 14 > min(end, captured) else 0
                n = _release(d, pieces, waiting, rows, frames, n)
        elif d["known"] != 0:
            rows[n] = p
            frames[n] = frame
            _join(d, rows[n])
            n += 1
        else:
            waits = True

        # What is odd about it.
        large = stop + (20 if p["version"] == 4 else 0) > _LARGEST
        if large:
            told = _tell(FRAGMENT_TOO_LARGE, clock, start, frame, d, events, told)
        elif more != 0 and length < _SMALLEST:
            told = _tell(FRAGMENT_TINY, clock, start, frame, d, events, told)
        if more != 0 and length & 7:
            told = _tell(FRAGMENT_LENGTH, clock, start, frame, d, events, told)
        keep = not large and length > 0 and d["broken"] == 0
        if keep and data + length > captured:
            meta[COUNT_TRUNCATED] += 1
            d["broken"] = 1
            keep = False
        before = np.int64(-1)
        overlaps = np.int64(0)
        repeats = False
        other = False
        if keep:
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
                    differs = overlaps > _COMPARED or _differs(
                        buffer, start + data, offset, stop, piece, pages, following
                    )
                    if same and not differs:
                        repeats = True
                    elif not same or differs:
                        other = True
                at = np.int64(piece["next"])
            if overlaps != 0:
                meta[COUNT_OVERLAPS] += 1
                told = _tell(
                    FRAGMENT_REPEAT if repeats and not other else FRAGMENT_OVERLAP,
                    clock, start, frame, d, events, told,
                )  # fmt: skip
            if repeats:
                keep = False  # it is here already
        if keep:
            need = (header * (1 if offset == 0 else 0) + length + PAGE - 1) // PAGE
            while (meta[HELD] >= len(pieces) or meta[PAGES_HELD] + need > len(following)) and meta[
                OLDEST
            ] != k:
                meta[COUNT_EVICTED] += 1
                n, told = _abandon(
                    meta[OLDEST],
                    clock,
                    datagrams,
                    pieces,
                    waiting,
                    following,
                    slots,
                    meta,
                    rows,
                    frames,
                    n,
                    events,
                    told,
                )
            if (
                d["count"] >= MOST_FRAGMENTS
                or meta[HELD] >= len(pieces)
                or meta[PAGES_HELD] + need > len(following)
            ):
                meta[COUNT_IGNORED] += 1
                told = _tell(FRAGMENT_IGNORED, clock, start, frame, d, events, told)
                n = _release(d, pieces, waiting, rows, frames, n)
                _empty(d, pieces, following, meta)
                d["broken"] = 1
                keep = False
        if waits:
            rows[n] = p
            frames[n] = frame
            if keep:
                rows[n]["status"] = NOT_IP  # its time passes, but it counts later
            n += 1
        if not keep:
            continue

        # It is kept.
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
        piece["header"] = header if offset == 0 else 0
        piece["link"] = link - np.int64(p["network"]) if p["version"] == 6 else 0
        piece["following"] = buffer[q] if p["version"] == 6 else 0
        piece["waiting"] = 1 if waits else 0
        piece["page"] = _take_pages(need, following, meta)
        page = np.int64(piece["page"])
        used = np.int64(0)
        if offset == 0:
            page, used = _write(buffer, start + np.int64(p["network"]), header, page, used, pages, following)
            if d["first"] < 0:
                d["first"] = at
        _write(buffer, start + data, length, page, used, pages, following)
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
        if overlaps != 0:
            d["mixed"] = 1
        if more == 0 and d["total"] < 0:
            d["total"] = stop
        if not _complete(d, pieces):
            continue
        size = _rebuild(d, pieces, pages, following, owner, policy, tail, filled)
        if size >= 0:
            meta[COUNT_REBUILT] += 1
            decode_network(
                tail, filled, size, size, time, np.int64(0),
                np.int64(0x0800 if d["version"] == 4 else 0x86DD), np.int64(p["vlan"]), w,
            )  # fmt: skip
            w["marks"] = w["marks"] | REBUILT
            filled += size
            if d["known"] == 0 and w["status"] == TRANSPORT:
                _know(d, w)
            if d["mute"] != 0 and w["status"] == TRANSPORT and n > 0 and frames[n - 1] == frame:
                rows[n - 1]["flags"] = w["flags"]  # only now they are there
        n = _release(d, pieces, waiting, rows, frames, n)
        _remove(k, datagrams, pieces, following, slots, meta)
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
        n, told = _abandon(
            meta[OLDEST],
            time,
            datagrams,
            pieces,
            waiting,
            following,
            slots,
            meta,
            rows,
            frames,
            n,
            events,
            told,
        )
    return n, told
