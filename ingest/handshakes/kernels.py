"""Handshakes put together, packet by packet, where nothing is missing between.

A direction is waited for from the packet on that begins with a hello, as long as its next bytes come in
order: what was sent twice is passed over, a hole ends it. So memory is bounded and nothing is put in order.
"""

from __future__ import annotations

import numpy as np

from citywall.batches import TRANSPORT
from citywall.kernels import bare_kernel, copy_bytes, helper, internal, load_be16, load_be32
from ingest.handshakes.layout import META_AT, NEAR, ROOM, SETS, WAYS

U8 = np.uint64
LIVE, LOOKED = META_AT["live"], META_AT["looked"]
GAPS, TOO_LONG, EVICTED = META_AT["gaps"], META_AT["too_long"], META_AT["evicted"]
_TCP = 6
_TLS = 2  # what `ingest.sightings.kernels.find` takes a hello for
_HANDSHAKE, _CLIENT_HELLO, _SERVER_HELLO, _CERTIFICATE = 22, 1, 2, 11
_ALERT, _WARNING = 21, 7  # a server may warn before its hello
_MOST_RECORD = 16_384 + 2048
_VERSIONS, _TLS13 = 43, 0x0304
_SEQUENCE = 0xFFFFFFFF


@helper
def transport_at(buffer, start, net, version):
    """Offset from `start` of the TCP header behind the network header at `net`, -1 where it is not found.

    The row was decoded, so every header up to the transport is there.
    """
    if version == 4:
        return net + (np.int64(buffer[start + net]) & 15) * 4
    kind = np.int64(buffer[start + net + 6])
    at = net + 40
    for _ in range(16):
        if kind == _TCP:
            return at
        size = (np.int64(buffer[start + at + 1]) + 1) * 8
        if kind == 51:
            size = (np.int64(buffer[start + at + 1]) + 2) * 4
        elif kind == 44:
            size = np.int64(8)
        kind = np.int64(buffer[start + at])
        at += size
    return np.int64(-1)


@helper
def hides_the_rest(data, at, end):
    """Whether a server's hello chooses TLS 1.3: what follows is encrypted."""
    at += 34
    if at >= end:
        return False
    at += 1 + np.int64(data[at]) + 3
    if at + 2 > end:
        return False
    at += 2
    while at + 6 <= end:
        size = np.int64(load_be16(data, at + 2))
        if np.int64(load_be16(data, at)) == _VERSIONS and size == 2:
            return np.int64(load_be16(data, at + 4)) == _TLS13
        at += 4 + size
    return False


@helper
def progress(data, at, n, client):
    """How many of `n` bytes a handshake takes up to what is asked of it.

    0: not all is there; -1: it never will be. Of a client its hello is asked, of a server its certificates. A
    message that spans records is given up.
    """
    place = np.int64(0)
    greeted = False
    while place + 5 <= n:
        length = np.int64(load_be16(data, at + place + 3))
        if data[at + place] != _HANDSHAKE or length < 4 or length > _MOST_RECORD:
            return np.int64(-1)
        end = place + 5 + length
        message = place + 5
        while message < end:
            if message + 4 > end:
                return np.int64(-1)
            if message + 4 > n:
                return np.int64(0)
            kind = data[at + message]
            size = np.int64(data[at + message + 1]) << 16 | np.int64(load_be16(data, at + message + 2))
            stop = message + 4 + size
            if stop > end:
                return np.int64(-1)
            if client:
                if kind != _CLIENT_HELLO:
                    return np.int64(-1)
                return end if end <= n else np.int64(0)
            if kind == _CERTIFICATE:
                return stop if stop <= n else np.int64(0)
            if kind != _SERVER_HELLO or greeted:
                return np.int64(-1)
            if stop > n:
                return np.int64(0)
            if hides_the_rest(data, at + message + 4, at + stop):
                return np.int64(-1)
            greeted = True
            message = stop
        place = end
    return np.int64(0)


@internal
def same(e, p):
    """Whether a packet is of the direction that an entry waits for."""
    return (
        e["used"] != 0
        and e["hash"] == p["hash"]
        and e["reversed"] == p["reversed"]
        and e["ports"] == p["ports"]
        and e["vlan"] == p["vlan"]
        and e["a_hi"] == p["a_hi"]
        and e["a_lo"] == p["a_lo"]
        and e["b_hi"] == p["b_hi"]
        and e["b_lo"] == p["b_lo"]
    )


@internal
def first_way(p):
    """The first entry of a packet's set."""
    return np.int64((p["hash"] >> U8(16)) % U8(SETS)) * WAYS


@helper
def drop(k, entries, near, meta):
    """Let an entry go."""
    entries[k]["used"] = 0
    near[np.int64(entries[k]["hash"] & U8(NEAR - 1))] -= 1
    meta[LIVE] -= 1


@helper
def take(p, seq, room, client, entries, near, meta):
    """An entry for a packet that begins a handshake; where its set is full the one idle longest goes."""
    base = first_way(p)
    k = base
    for way in range(base, base + WAYS):
        if entries[way]["used"] == 0:
            k = way
            break
        if entries[way]["touched"] < entries[k]["touched"]:
            k = way
    if entries[k]["used"] != 0:
        drop(k, entries, near, meta)
        meta[EVICTED] += 1
    e = entries[k]
    e["a_hi"], e["a_lo"], e["b_hi"], e["b_lo"] = p["a_hi"], p["a_lo"], p["b_hi"], p["b_lo"]
    e["hash"], e["ports"], e["vlan"], e["reversed"] = p["hash"], p["ports"], p["vlan"], p["reversed"]
    e["client"], e["used"] = client, 1
    e["first"], e["expected"] = seq, (seq + np.int64(p["payload"])) & _SEQUENCE
    e["size"] = room
    e["touched"] = meta[LOOKED]
    near[np.int64(p["hash"] & U8(NEAR - 1))] += 1
    meta[LIVE] += 1
    return k


@internal
def ahead(seq, expected):
    """How far a sequence number is ahead of the expected one; below 0 behind it."""
    apart = (seq - expected) & _SEQUENCE
    return apart - (1 << 32) if apart >= 1 << 31 else apart


@helper
def put_out(data, at, n, i, client, done, arena, finished, used):
    """A handshake is finished at packet `i`: its bytes into the arena; where they end there."""
    copy_bytes(arena, used, data, at, n)
    done[finished, 0] = i
    done[finished, 1] = client
    done[finished, 2] = used
    done[finished, 3] = n
    return used + n


@bare_kernel
def gather(buffer, packets, found, what, entries, held, near, meta, done, arena):
    """Take `packets`, of which rows `found` begin with `what` each; how many handshakes they finish.

    Of each a row of `done` (i8[len(packets), DONE]), its bytes in `arena`, which holds what is held and all
    bytes of the packets. A client's hello that is whole in its packet is none.
    """
    finished = 0
    used = np.int64(0)
    j = 0
    for i in range(len(packets)):
        p = packets[i]
        begins = False
        if j < len(found) and found[j] == i:
            begins = what[j] == _TLS
            j += 1
        if not begins and near[np.int64(p["hash"] & U8(NEAR - 1))] == 0:
            continue
        if p["status"] != TRANSPORT or p["proto"] != _TCP or p["payload"] == 0:
            continue
        start = np.int64(p["offset"])
        at = start + np.int64(p["payload_at"])
        room = np.int64(p["payload"])
        transport = transport_at(buffer, start, np.int64(p["network"]), p["version"])
        if transport < 0 or np.int64(p["payload_at"]) + room > np.int64(p["captured"]):
            continue
        meta[LOOKED] += 1
        seq = np.int64(load_be32(buffer, start + transport + 4))
        base = first_way(p)
        k = np.int64(-1)
        for way in range(base, base + WAYS):
            if same(entries[way], p):
                k = way
        if k >= 0:
            e = entries[k]
            apart = ahead(seq, np.int64(e["expected"]))
            if begins and seq != e["first"]:  # another connection of the same ends
                drop(k, entries, near, meta)
            elif apart > 0:
                drop(k, entries, near, meta)
                meta[GAPS] += 1
                continue
            else:
                e["touched"] = meta[LOOKED]
                fresh = room + apart
                if fresh <= 0:
                    continue
                size = np.int64(e["size"])
                if size + fresh > ROOM:
                    drop(k, entries, near, meta)
                    meta[TOO_LONG] += 1
                    continue
                copy_bytes(held, k * ROOM + size, buffer, at - apart, fresh)
                e["size"] = size + fresh
                e["expected"] = (seq + room) & _SEQUENCE
                needed = progress(held, k * ROOM, size + fresh, e["client"] != 0)
                if needed > 0:
                    used = put_out(
                        held, k * ROOM, needed, i, np.int64(e["client"]), done, arena, finished, used
                    )
                    finished += 1
                if needed != 0:
                    drop(k, entries, near, meta)
                continue
        if begins:
            if buffer[at] == _ALERT:
                at, room = at + _WARNING, room - _WARNING
            client = buffer[at + 5] == _CLIENT_HELLO
            needed = progress(buffer, at, room, client)
            if needed > 0 and not client:
                used = put_out(buffer, at, needed, i, np.int64(0), done, arena, finished, used)
                finished += 1
            elif needed == 0 and room <= ROOM:
                k = take(p, seq, room, client, entries, near, meta)
                copy_bytes(held, k * ROOM, buffer, at, room)
    return finished, used
