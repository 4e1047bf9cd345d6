"""TLS and TLCP over TCP: one transaction a connection, as `ingest.applications.tls` reads it.

A flow's lists: what is there of a handshake message that is not whole, by direction.
"""

from __future__ import annotations

import numpy as np

from citywall.kernels import copy_bytes, internal, load_be16, shared
from ingest.applications.compiled.certificate.kernels import put_certificate
from ingest.applications.compiled.hello.kernels import client_hello, server_hello
from ingest.applications.compiled.layout import TLS
from ingest.applications.compiled.looks.kernels import old_hello
from ingest.applications.compiled.memory.kernels import (
    append,
    copy_out,
    drop_held,
    hold,
    remove_all,
)
from ingest.applications.compiled.rows.kernels import begin, enough, finish, note, odd, whole
from ingest.applications.parser import MOST_HELD
from ingest.applications.tables import ANOMALY_KIND, FIELD
from ingest.applications.tls import MESSAGES, MOST_CERTIFICATES, MOST_HANDSHAKE, MOST_NOTED

# Words of a flow: its transaction and one, directions that are encrypted, whether the client's first bytes
# were read, the direction and one of the heartbeat under way, its size where it is hidden.
_TX, _HIDDEN, _BEGUN, _BEATING, _BEAT_SIZE = 0, 1, 2, 3, 4
_CHANGE, _ALERT, _HANDSHAKE, _DATA, _HEARTBEAT = 20, 21, 22, 23, 24
_CLIENT_HELLO, _SERVER_HELLO, _CERTIFICATE, _SERVER_KEYS, _CLIENT_KEYS = 1, 2, 11, 12, 16
_MOST_RECORD = 16384 + 2048
_FROM_1_3 = 0x0304
(
    _TYPE, _HEADER, _RECORD_VERSION, _LENGTH, _ALERTED, _ERROR, _BEAT, _NO_BEAT, _OVERFLOW, _LEAK,
    _MESSAGE_LENGTH, _MESSAGE, _CHAIN_LENGTH,
) = (
    ANOMALY_KIND[f"tls.{name}"]
    for name in (
        "invalid_record_type", "invalid_tls_header", "invalid_record_version", "invalid_record_length",
        "invalid_alert_message", "error_message_encountered", "heartbeat_message",
        "invalid_heartbeat_message", "overflow_heartbeat_message", "dataleak_heartbeat_mismatch",
        "handshake_invalid_length",
        "invalid_handshake_message", "certificate_invalid_length",
    )
)  # fmt: skip
_VERSION, _BEATS, _STATE, _ENCRYPTED, _CHAIN = (
    FIELD[name]
    for name in ("tls.version", "tls.heartbeat", "ssl_state", "tls.encrypted", "tls.cert_chain_len")
)
_KNOWN = np.zeros(256, np.bool_)  # types of messages
_KNOWN[list(MESSAGES)] = True
#: Where in the scratch messages are put together: behind what is read there.
_PLACE = MOST_HELD


@internal
def _load_be24(data, at):
    return np.int64(data[at]) << 16 | np.int64(load_be16(data, at + 1))


@internal
def _hide(mem, flow, d):
    """What a direction says from now on is encrypted."""
    flow["words"][_HIDDEN] |= 1 << d
    remove_all(mem, flow, d)


@shared
def _certificates(mem, owner, tx, d, frame, data, at, end):
    """A chain of certificates, behind its length."""
    at += 3
    part = 0
    while at + 3 <= end and part < MOST_CERTIFICATES:
        stop = at + 3 + _load_be24(data, at)
        if stop > end:
            odd(mem, owner, _CHAIN_LENGTH, d, frame, tx)
            break
        put_certificate(mem, owner, tx, d, part, frame, data, at + 3, stop)
        at = stop
        part += 1
    note(mem, tx, _CHAIN, d, 0, frame, part)


@shared
def _message(mem, owner, tx, d, kind, frame, data, at, end):
    """One message of a handshake, without its head."""
    state = 0
    if kind == _CLIENT_HELLO or kind == _SERVER_HELLO:
        state = kind
    elif kind == _CLIENT_KEYS:
        state = 4
    elif kind == _SERVER_KEYS:
        state = 8
    if state and mem.txs[tx]["notes"] < MOST_NOTED:
        note(mem, tx, _STATE, d, 0, frame, state)
    sound = True
    if kind == _CLIENT_HELLO and d == 0:
        sound = client_hello(mem, owner, tx, frame, data, at, end)
    elif kind == _SERVER_HELLO and d == 1:
        version = server_hello(mem, tx, frame, data, at, end)
        sound = version >= 0
        if version >= _FROM_1_3:
            _hide(mem, mem.flows[owner], 1)
    elif kind == _CERTIFICATE:
        _certificates(mem, owner, tx, d, frame, data, at, end)
    if not sound:
        odd(mem, owner, _MESSAGE, d, frame, tx)


@shared
def _messages(mem, owner, tx, d, frame, data, at, end):
    """Messages that are whole, one behind the other; what is left waits."""
    flow = mem.flows[owner]
    wanted = np.int64(4)
    while end - at >= 4:
        wanted = 4 + _load_be24(data, at + 1)
        if not _KNOWN[data[at]]:
            odd(mem, owner, _MESSAGE, d, frame, tx)
            at = min(at + wanted, end)
            wanted = np.int64(4)
            continue
        if wanted > MOST_HANDSHAKE:
            odd(mem, owner, _MESSAGE_LENGTH, d, frame, tx)
            flow["done"][d] = 1
            return
        if end - at < wanted:
            break
        _message(mem, owner, tx, d, np.int64(data[at]), frame, data, at + 4, at + wanted)
        at += wanted
        wanted = np.int64(4)
    if end > at and not flow["words"][_HIDDEN] >> d & 1:
        node = append(mem, flow, d, 0, 0, 0)
        hold(mem, node, data, at, end - at)
        mem.nodes[node]["x"] = wanted


@shared
def _handshake(mem, owner, tx, d, frame, data, at, end):
    """A record of a handshake; False where there was no room."""
    flow = mem.flows[owner]
    n = end - at
    node = np.int64(flow["tables"][d])
    held = np.int64(mem.nodes[node]["size"]) if node >= 0 else np.int64(0)
    if node >= 0 and held < 4 <= held + n:  # how long it is stands there now
        copy_out(mem, np.int64(mem.nodes[node]["first"]), held, mem.scratch, _PLACE)
        copy_bytes(mem.scratch, _PLACE + held, data, at, 4 - held)
        wanted = 4 + _load_be24(mem.scratch, _PLACE + 1)
        mem.nodes[node]["x"] = wanted if wanted <= MOST_HANDSHAKE and _KNOWN[mem.scratch[_PLACE]] else 4
    if node >= 0 and held + n < mem.nodes[node]["x"]:
        if not enough(mem, 0, 0, 0, 0, n):
            return False
        hold(mem, node, data, at, n)
        return True
    size = held + n
    # a row needs two bytes at least, but for names of protocols in a client's hello: those have one
    rows = size // 2 + 32 if d == 1 else size + size // 4 + 32
    if not enough(mem, 0, rows, 12 * size + 512, 1, n):
        return False
    if node < 0:
        _messages(mem, owner, tx, d, frame, data, at, end)
        return True
    copy_out(mem, np.int64(mem.nodes[node]["first"]), held, mem.scratch, _PLACE)
    copy_bytes(mem.scratch, _PLACE + held, data, at, n)
    remove_all(mem, flow, d)
    _messages(mem, owner, tx, d, frame, mem.scratch, np.int64(_PLACE), _PLACE + size)
    return True


@shared
def _stop(mem, flow):
    """Nothing more is read."""
    for d in range(2):
        flow["done"][d] = 1
        drop_held(mem, flow, d)


@internal
def _beat(words, d, data, at, end):
    """What is wrong with a heartbeat (RFC 6520), judged as Suricata does; -1 for nothing."""
    hidden = words[_HIDDEN] != 0
    size = end - at
    if size < 3:
        return np.int64(-1)
    if not hidden and data[at] != 1 and data[at] != 2:
        return np.int64(_NO_BEAT)
    if words[_BEATING] == 0:
        words[_BEATING] = d + 1
        words[_BEAT_SIZE] = size if hidden else 0
        asked = np.int64(load_be16(data, at + 1)) + 3
        if hidden or asked + 16 <= size:
            return np.int64(-1)
        return np.int64(_OVERFLOW) if asked > size else np.int64(_NO_BEAT)
    if words[_BEATING] == d + 1:  # a second one while the first is not answered
        return np.int64(_NO_BEAT)
    words[_BEATING] = 0
    return np.int64(_LEAK) if hidden and 0 < words[_BEAT_SIZE] < size else np.int64(-1)


@shared
def _heartbeat(mem, owner, tx, d, frame, data, at, end):
    flow = mem.flows[owner]
    if flow["words"][_HIDDEN] == 0:
        odd(mem, owner, _BEAT, d, frame, tx)
        note(mem, tx, _BEATS, d, 0, frame, np.int64(data[at]) if end > at else np.int64(-1))
    wrong = _beat(flow["words"], d, data, at, end)
    if wrong >= 0:
        odd(mem, owner, wrong, d, frame, tx)
        _stop(mem, flow)


@shared
def _record(mem, owner, tx, d, kind, frame, data, at, end):
    """A record, without its head; False where there was no room."""
    flow = mem.flows[owner]
    hidden = flow["words"][_HIDDEN] >> d & 1
    if kind == _HANDSHAKE:
        return bool(hidden) or _handshake(mem, owner, tx, d, frame, data, at, end)
    if not enough(mem, 0, 2, 0, 0, 0):
        return False
    if kind == _CHANGE:
        _hide(mem, flow, d)
        whole(mem, tx, d, frame)
    elif kind == _DATA:
        _hide(mem, flow, d)
        whole(mem, tx, d, frame)
        if flow["words"][_HIDDEN] == 3:
            _stop(mem, flow)
            note(mem, tx, _ENCRYPTED, d, 0, frame, 1)
            finish(mem, tx)
    elif kind == _HEARTBEAT:
        _heartbeat(mem, owner, tx, d, frame, data, at, end)
    elif hidden:
        return True
    elif end - at == 2 and data[at] != 1:
        odd(mem, owner, _ERROR if data[at] == 2 else _ALERTED, d, frame, tx)
    return True


@shared
def _unsound(kind, version, length):
    """What is wrong with a record's head, -1 for nothing."""
    if not _CHANGE <= kind <= _HEARTBEAT:
        return _TYPE
    if version >> 8 != 3 and version != 0x0101:
        return _RECORD_VERSION
    return _LENGTH if length > _MOST_RECORD else -1


@shared
def _old(mem, owner, tx, data, at, end, frame):
    """Where records begin, behind a hello as SSL 2 has it if there is one; -1 to wait, or without room."""
    flow = mem.flows[owner]
    n = end - at
    if n < 5 and data[at] >= 0x80:
        flow["need"][0] = 5
        return np.int64(-1)
    if n < 5 or not old_hello(data, at):
        flow["words"][_BEGUN] = 1
        return at
    size = 2 + (np.int64(load_be16(data, at)) & 0x7FFF)
    if n < size:
        flow["need"][0] = size
        return np.int64(-1)
    if not enough(mem, 0, 1, 0, 0, 0):
        return np.int64(-1)
    flow["words"][_BEGUN] = 1
    note(mem, tx, _VERSION, 0, 0, frame, np.int64(load_be16(data, at + 3)))
    return at + size


@shared
def tls_stream(mem, owner, d, data, at, end, frame, time):
    """Record by record; where the first begins that is not whole."""
    flow = mem.flows[owner]
    if not flow["words"][_TX]:
        if not enough(mem, 1, 0, 0, 0, 0):
            return at
        flow["words"][_TX] = begin(mem, owner, TLS, frame, time) + 1
    tx = np.int64(flow["words"][_TX]) - 1
    if d == 0 and not flow["words"][_BEGUN]:
        first = _old(mem, owner, tx, data, at, end, frame)
        if first < 0:
            return at
        at = first
    while end - at >= 5 and not flow["done"][d]:
        kind = np.int64(data[at])
        length = np.int64(load_be16(data, at + 3))
        wrong = _unsound(kind, np.int64(load_be16(data, at + 1)), length)
        if wrong >= 0:
            if not enough(mem, 0, 2, 0, 0, 0):
                return at
            odd(mem, owner, wrong, d, frame, tx)
            if wrong == _TYPE:
                odd(mem, owner, _HEADER, d, frame, tx)
            flow["done"][d] = 1
            remove_all(mem, flow, d)
            return end
        if end - at < 5 + length:
            flow["need"][d] = 5 + length
            return at
        if not _record(mem, owner, tx, d, kind, frame, data, at + 5, at + 5 + length):
            return at
        at += 5 + length
    flow["need"][d] = 5
    return at
