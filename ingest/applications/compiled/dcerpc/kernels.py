"""DCE/RPC over TCP and in pipes: binds, requests, answers, as `ingest.applications.dcerpc` reads them.

Of a flow the lists CONTEXTS, CALLS, STUBS and OFFERED are used; word HELD counts the bytes that wait, LARGEST
says how many there have been at most in one place.
"""

from __future__ import annotations

import numpy as np

from citywall.kernels import internal, load_be16, load_be32, load_be64, load_le16, load_le32, shared
from ingest.applications.compiled.layout import CONFIG_AT, DCERPC
from ingest.applications.compiled.memory.kernels import append, find, hold, remove, remove_all
from ingest.applications.compiled.rows.kernels import (
    begin,
    enough,
    finish,
    live,
    note,
    put,
    put_kept,
    put_row,
    whole,
)
from ingest.applications.dcerpc import MOST_STUB
from ingest.applications.tables import FIELD, KIND

CONTEXTS, CALLS, STUBS, OFFERED = 6, 7, 8, 9
HELD, LARGEST = 0, 1
_REQUEST, _RESPONSE, _FAULT, _BIND, _BIND_ACK, _ALTER, _ALTER_ACK = 0, 2, 3, 11, 12, 14, 15
_IFACE, _STUB = KIND["dcerpc.iface"], KIND["dcerpc.stub_data"]
_VERSION, _OPNUM, _CONTEXT, _ENDIAN, _FIRST, _RESULT = (
    FIELD[f"dcerpc.{name}"] for name in ("version", "opnum", "context", "endian", "first", "ack_result")
)
_WANTS_CALLS = CONFIG_AT["calls"]
_MOST_CONTEXTS, _MOST_CALLS, _MOST_STUBS = 1024, 1024, 64
_UUID_TEXT = 36
_HEX = np.frombuffer(b"0123456789abcdef", np.uint8).copy()


@internal
def _word(data, at, little):
    return np.int64(load_le16(data, at)) if little else np.int64(load_be16(data, at))


@shared
def _uuid(data, at, little):
    """The two halves of an interface's name, most significant byte first."""
    high = np.int64(load_be64(data, at))
    if little:
        first = np.int64(load_le32(data, at))
        second = np.int64(load_le16(data, at + 4))
        third = np.int64(load_le16(data, at + 6))
        high = first << 32 | second << 16 | third
    return high, np.int64(load_be64(data, at + 8))


@shared
def _put_uuid(mem, tx, d, part, frame, high, low):
    """The name of an interface, as people write it."""
    to = put_row(mem, tx, _IFACE, d, part, frame, _UUID_TEXT)
    if to < 0:
        return
    for i in range(16):
        if i == 4 or i == 6 or i == 8 or i == 10:
            mem.arena[to] = 45
            to += 1
        byte = (high >> (56 - 8 * i) if i < 8 else low >> (120 - 8 * i)) & 255
        mem.arena[to] = _HEX[byte >> 4]
        mem.arena[to + 1] = _HEX[byte & 15]
        to += 2


@shared
def _bind(mem, owner, protocol, d, flags, data, at, end, little, frame, time, given):
    """Interfaces are offered."""
    tx = given if given >= 0 else begin(mem, owner, protocol, frame, time)
    flow = mem.flows[owner]
    remove_all(mem, flow, OFFERED)
    count = np.int64(data[at + 8]) if end - at > 8 else np.int64(0)
    i = at + 12
    for part in range(count):
        if i + 24 > end:
            break
        ident = _word(data, i, little)
        items = np.int64(data[i + 2])
        high, low = _uuid(data, i + 4, little)
        version = _word(data, i + 20, little)
        if flow["counts"][CONTEXTS] < _MOST_CONTEXTS:
            known = find(mem, flow, CONTEXTS, ident, 0, 0)
            if known < 0:
                known = append(mem, flow, CONTEXTS, ident, 0, 0)
            node = mem.nodes[known]
            node["x"] = high
            node["y"] = low
            node["z"] = version << 32 | flags & 1  # the result plus one stands between: not answered
        append(mem, flow, OFFERED, ident, 0, 0)
        _put_uuid(mem, tx, d, part, frame, high, low)
        note(mem, tx, _VERSION, d, part, frame, version)
        i += 24 + 20 * items
    whole(mem, tx, d, frame)
    return tx


@shared
def _bound(mem, owner, data, at, end, little):
    """Which of the offered contexts were taken."""
    if end - at < 10:
        return
    flow = mem.flows[owner]
    i = 10 + _word(data, at + 8, little)
    i += -i % 4
    count = np.int64(data[at + i]) if at + i < end else np.int64(0)
    i += 4
    offered = np.int64(flow["tables"][OFFERED])
    while offered >= 0 and count > 0:
        context = find(mem, flow, CONTEXTS, np.int64(mem.nodes[offered]["a"]), 0, 0)
        if at + i + 4 > end or context < 0:
            break
        node = mem.nodes[context]
        node["z"] = (node["z"] >> 32) << 32 | (_word(data, at + i, little) + 1) << 8 | node["z"] & 1
        i += 24
        offered = np.int64(mem.nodes[offered]["after"])
        count -= 1


@shared
def _put_request(mem, owner, tx, d, data, at, little, frame):
    """Which interface and operation a request asks for."""
    context, opnum = _word(data, at + 4, little), _word(data, at + 6, little)
    note(mem, tx, _OPNUM, d, 0, frame, opnum)
    note(mem, tx, _CONTEXT, d, 0, frame, context)
    note(mem, tx, _ENDIAN, d, 0, frame, 1 if little else 0)
    known = find(mem, mem.flows[owner], CONTEXTS, context, 0, 0)
    if known < 0:
        return
    node = mem.nodes[known]
    facts = np.int64(node["z"])
    note(mem, tx, _FIRST, d, 0, frame, facts & 1)
    _put_uuid(mem, tx, d, 0, frame, np.int64(node["x"]), np.int64(node["y"]))
    note(mem, tx, _VERSION, d, 0, frame, facts >> 32)
    note(mem, tx, _RESULT, d, 0, frame, (facts >> 8 & 0x1FFFF) - 1)


@shared
def wait(mem, flow, node, data, at, n):
    """Bytes wait for what comes behind them."""
    hold(mem, node, data, at, n)
    flow["words"][HELD] += n
    flow["words"][LARGEST] = max(flow["words"][LARGEST], np.int64(mem.nodes[node]["size"]))


@shared
def _put_stub(mem, owner, tx, d, call, flags, data, at, end, frame):
    """A part of a call's stub; the whole of it, once it is there."""
    flow = mem.flows[owner]
    waiting = find(mem, flow, STUBS, call, d, 0)
    if waiting < 0 and flags & 2:
        if end > at:
            put(mem, tx, _STUB, d, 0, frame, data, at, end - at)
        return
    if waiting < 0:
        waiting = append(mem, flow, STUBS, call, d, 0)
    if mem.nodes[waiting]["size"] < MOST_STUB:
        wait(mem, flow, waiting, data, at, end - at)
    if flags & 2:
        size = np.int64(mem.nodes[waiting]["size"])
        if size > 0:
            put_kept(mem, tx, _STUB, d, 0, frame, np.int64(mem.nodes[waiting]["first"]), size)
        flow["words"][HELD] -= size
        remove(mem, flow, STUBS, waiting)
    elif flow["counts"][STUBS] > _MOST_STUBS:
        oldest = np.int64(flow["tables"][STUBS])
        flow["words"][HELD] -= np.int64(mem.nodes[oldest]["size"])
        remove(mem, flow, STUBS, oldest)


@shared
def _call(mem, owner, protocol, bare, d, kind, flags, call, data, at, end, little, frame, time, given):
    """A request, an answer or a fault."""
    flow = mem.flows[owner]
    known = find(mem, flow, CALLS, call, 0, 0)
    tx = np.int64(-1)
    if known >= 0 and live(mem, np.int64(mem.nodes[known]["x"]), np.int64(mem.nodes[known]["y"]), owner):
        tx = np.int64(mem.nodes[known]["x"])
    if tx < 0:
        tx = given if given >= 0 else begin(mem, owner, protocol, frame, time)
        if known < 0:
            known = append(mem, flow, CALLS, call, 0, 0)
        mem.nodes[known]["x"] = tx
        mem.nodes[known]["y"] = mem.txs[tx]["number"]
        if flow["counts"][CALLS] > _MOST_CALLS:
            remove(mem, flow, CALLS, np.int64(flow["tables"][CALLS]))
    if mem.config[_WANTS_CALLS]:
        start = at + 8
        if kind == _REQUEST:
            if flags & 1:
                _put_request(mem, owner, tx, d, data, at, little, frame)
        elif bare:
            start = at
        _put_stub(mem, owner, tx, d, call, flags, data, start, end, frame)
    if flags & 2:
        whole(mem, tx, d, frame)
        if kind != _REQUEST:
            known = find(mem, flow, CALLS, call, 0, 0)
            if known >= 0:
                remove(mem, flow, CALLS, known)
    return tx


@shared
def pdu(mem, owner, protocol, bare, d, data, at, end, frame, time, given):
    """One whole PDU; `given`: the transaction it is to use, or -1. The one it belongs to, -1 for none."""
    if end - at < 16 or data[at] != 5:
        return np.int64(-1)
    kind = np.int64(data[at + 2])
    flags = np.int64(data[at + 3])
    little = data[at + 4] & 0x10 != 0
    call = np.int64(load_le32(data, at + 12)) if little else np.int64(load_be32(data, at + 12))
    if kind == _BIND or kind == _ALTER:
        return _bind(mem, owner, protocol, d, flags, data, at + 16, end, little, frame, time, given)
    if kind == _BIND_ACK or kind == _ALTER_ACK:
        _bound(mem, owner, data, at + 16, end, little)
        return np.int64(-1)
    if (kind == _REQUEST or kind == _RESPONSE or kind == _FAULT) and end - at >= 24:
        return _call(
            mem, owner, protocol, bare, d, kind, flags, call, data, at + 16, end, little, frame, time, given
        )
    return np.int64(-1)


@shared
def dcerpc_stream(mem, owner, d, data, at, end, frame, time):
    """PDU by PDU; where the first begins that is not whole."""
    flow = mem.flows[owner]
    while end - at >= 16:
        little = data[at + 4] & 0x10 != 0
        size = _word(data, at + 8, little)
        if data[at] != 5 or size < 16:
            flow["done"][d] = 1
            return end
        if end - at < size:
            flow["need"][d] = size
            return at
        most = size // 24 + 1
        if not enough(mem, 1, 8 + most, 40 * most + size + flow["words"][LARGEST], 2 * most + 4, size):
            return at
        flow["need"][d] = 16
        tx = pdu(mem, owner, DCERPC, True, d, data, at, at + size, frame, time, np.int64(-1))
        kind = np.int64(data[at + 2])
        if tx >= 0 and not mem.txs[tx]["over"]:
            if mem.txs[tx]["complete"] == 3 or kind == _BIND or kind == _ALTER:
                finish(mem, tx)
        at += size
    return at
