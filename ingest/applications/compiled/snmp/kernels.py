"""SNMP: each message a transaction, as `ingest.applications.snmp` reads it."""

from __future__ import annotations

import numpy as np

from citywall.kernels import copy_bytes, shared
from ingest.applications.compiled.der.kernels import count, integer, nth
from ingest.applications.compiled.layout import DATAGRAM, META_AT, SNMP
from ingest.applications.compiled.looks.kernels import element
from ingest.applications.compiled.rows.kernels import (
    begin,
    enough,
    finish,
    job,
    note,
    odd,
    put,
    put_row,
    whole,
)
from ingest.applications.tables import ANOMALY_KIND, FIELD, KIND

ARENA = META_AT["arena"]
_MALFORMED = ANOMALY_KIND["snmp.malformed_data"]
_VERSION, _PDU = FIELD["snmp.version"], FIELD["snmp.pdu_type"]
_COMMUNITY, _USM, _OID = KIND["snmp.community"], KIND["snmp.usm"], KIND["snmp.pdu_oid"]
_MOST_ITEMS, _MOST_PAIRS, _MOST_OID = 4096, 256, 128
_LARGE = np.int64(1) << 55
# What reading came to: a sound message, a broken one, one with numbers that are too large for a kernel.
SOUND, BROKEN, TOO_LARGE = 0, 1, 2


@shared
def _digits(value):
    n = 1
    while value >= 10:
        value //= 10
        n += 1
    return n


@shared
def _write_number(out, to, value):
    """A number in decimal; where it ends."""
    end = to + _digits(value)
    at = end
    while at > to:
        at -= 1
        out[at] = 48 + value % 10
        value //= 10
    return end


@shared
def _put_oid(mem, tx, d, part, frame, data, at, end):
    """An object identifier, in dots."""
    end = min(end, at + _MOST_OID)
    size, value, parts = np.int64(0), np.int64(0), 0
    for i in range(at, end):
        if value >= _LARGE:
            return TOO_LARGE
        value = value << 7 | np.int64(data[i] & 0x7F)
        if not data[i] & 0x80:
            if parts == 0:
                size = 2 + _digits(value - 40 * min(value // 40, np.int64(2)))
            else:
                size += 1 + _digits(value)
            parts += 1
            value = np.int64(0)
    if parts == 0:
        return BROKEN
    to = put_row(mem, tx, _OID, d, part, frame, size)
    if to < 0:
        return SOUND
    value, parts = np.int64(0), 0
    for i in range(at, end):
        value = value << 7 | np.int64(data[i] & 0x7F)
        if not data[i] & 0x80:
            if parts == 0:
                first = min(value // 40, np.int64(2))
                to = _write_number(mem.arena, to, first)
                value -= 40 * first
            mem.arena[to] = 46
            to = _write_number(mem.arena, to + 1, value)
            parts += 1
            value = np.int64(0)
    return SOUND


@shared
def _bindings(mem, tx, d, frame, data, at, end):
    """The variables that a message names."""
    n = count(data, at, end, _MOST_ITEMS)
    if n < 1:
        return BROKEN
    _, at, end = nth(data, at, end, n - 1)
    if count(data, at, end, _MOST_PAIRS) < 0:
        return BROKEN
    part = 0
    while at < end and part < _MOST_PAIRS:
        start, after = element(data, at, end)
        if count(data, start, after, _MOST_ITEMS) < 1:
            return BROKEN
        _, first, last = nth(data, start, after, 0)
        answer = _put_oid(mem, tx, d, part, frame, data, first, last)
        if answer != SOUND:
            return answer
        at = after
        part += 1
    return SOUND


@shared
def _security(mem, tx, d, frame, data, at, end):
    """Who speaks, of version 3."""
    start, after = element(data, at, end)
    if start < 0:
        return BROKEN
    n = count(data, start, after, _MOST_ITEMS)
    if n < 0:
        return BROKEN
    if n > 3:
        _, first, last = nth(data, start, after, 3)
        put(mem, tx, _USM, d, 0, frame, data, first, last - first)
    return SOUND


@shared
def _fields(mem, tx, d, frame, data, at, end):
    """What a message says: what came of it, and its direction."""
    at, end = element(data, at, end)
    if at < 0:
        return BROKEN, d
    n = count(data, at, end, _MOST_ITEMS)
    if n < 1:
        return BROKEN, d
    _, first, last = nth(data, at, end, 0)
    version, exact = integer(data, first, last)
    note(mem, tx, _VERSION, d, 0, frame, version + 1 if exact and version < 3 else version)
    if version < 2:
        if n < 2:
            return BROKEN, d
        _, first, last = nth(data, at, end, 1)
        put(mem, tx, _COMMUNITY, d, 0, frame, data, first, last - first)
        if n < 3:
            return BROKEN, d
        tag, first, last = nth(data, at, end, 2)
        kind = np.int64(data[tag]) - 0xA0
        if 0 <= kind < 9:
            note(mem, tx, _PDU, d, 0, frame, kind)
            d = 1 if kind == 2 else d
            return _bindings(mem, tx, d, frame, data, first, last), d
    elif version == 3 and n > 2:
        _, first, last = nth(data, at, end, 2)
        return _security(mem, tx, d, frame, data, first, last), d
    return SOUND, d


@shared
def snmp_message(mem, owner, d, data, at, end, frame, time):
    """A message; False where there is no room for what it may say."""
    n = end - at
    if not enough(mem, 1, 8 + min(n // 2, np.int64(_MOST_PAIRS)), 8 * n + 64, 0, 0):
        return False
    tx = begin(mem, owner, SNMP, frame, time)
    direction = d
    answer, d = _fields(mem, tx, d, frame, data, at, end)
    if answer == BROKEN:
        odd(mem, owner, _MALFORMED, d, frame, tx)
    if answer == TOO_LARGE:
        to = mem.meta[ARENA]
        copy_bytes(mem.arena, to, data, at, n)
        mem.meta[ARENA] = to + n
        job(mem, tx, DATAGRAM, direction, 0, frame, to, n)
    whole(mem, tx, d, frame)
    finish(mem, tx)
    return True
