"""DNS over UDP and TCP: each message a transaction, as `ingest.applications.dns` reads it."""

from __future__ import annotations

import numpy as np

from citywall.kernels import copy_bytes, load_be16, load_be32, shared
from ingest.applications.compiled.layout import DNS
from ingest.applications.compiled.looks.kernels import MOST_NAME, name_end
from ingest.applications.compiled.rows.kernels import begin, enough, finish, note, odd, put, put_row, whole
from ingest.applications.dns import MOST_RECORDS
from ingest.applications.tables import ANOMALY_KIND, FIELD, KIND

_EVENTS = np.array(
    [
        ANOMALY_KIND[f"dns.{name}"]
        for name in (
            "malformed_data",
            "infinite_loop",
            "name_too_long",
            "too_many_labels",
            "invalid_authorities",
            "invalid_additionals",
        )
    ]
)
#: Less the number of a section, 1 or 2, what is told where it cannot be read: places 4 and 5 of `_EVENTS`.
_OTHER_SECTIONS = np.int64(-4)
_Z_FLAG, _OPCODE_EVENT = ANOMALY_KIND["dns.z_flag_set"], ANOMALY_KIND["dns.invalid_opcode"]
_ID, _FLAGS, _OPCODE, _RCODE, _TYPE, _TTL = (
    FIELD[f"dns.{name}"] for name in ("id", "flags", "opcode", "rcode", "rrtype", "ttl")
)
_QUERY, _QUERIES, _QUERY_NAME, _RESPONSE, _ANSWER, _RDATA = (
    KIND[f"dns.{name}"]
    for name in ("query", "queries.rrname", "query.name", "response.rrname", "answer.name", "rdata")
)
_SECTIONS = np.array([KIND[f"dns.{name}.rrname"] for name in ("answers", "authorities", "additionals")])


@shared
def _write_name(data, base, at, out, to):
    """A sound name, labels joined by dots."""
    begun = False
    while True:
        length = np.int64(data[base + at])
        if length == 0:
            return
        if length >= 0xC0:
            at = (length & 0x3F) << 8 | np.int64(data[base + at + 1])
            continue
        if begun:
            out[to] = 46
            to += 1
        copy_bytes(out, to, data, base + at + 1, length)
        to += length
        at += 1 + length
        begun = True


@shared
def _put_name(mem, tx, kind, d, part, frame, data, base, at, size):
    to = put_row(mem, tx, kind, d, part, frame, size)
    if to >= 0:
        _write_name(data, base, at, mem.arena, to)


@shared
def _questions(mem, tx, d, frame, data, base, end, count):
    """Where the questions end; less than 0: minus one less the number of what is wrong."""
    at = np.int64(12)
    for part in range(min(count, MOST_RECORDS)):
        after, size = name_end(data, base, at, end, MOST_NAME)
        if after < 0:
            return -1 - size
        if base + after + 4 > end:
            return np.int64(-1)
        if d == 0:
            _put_name(mem, tx, _QUERY, d, part, frame, data, base, at, size)
        _put_name(mem, tx, _QUERIES, d, part, frame, data, base, at, size)
        _put_name(mem, tx, _QUERY_NAME, d, part, frame, data, base, at, size)
        note(mem, tx, _TYPE, d, part, frame, np.int64(load_be16(data, base + after)))
        at = after + 4
    return at


@shared
def _answer(mem, tx, d, frame, data, base, end, at, kind, ttl, length, i):
    """What an answer says, its name aside; 0, or minus one less the number of what is wrong."""
    if kind == 2 or kind == 5 or kind == 12 or kind == 39:
        after, size = name_end(data, base, at, end, MOST_NAME)
        if after < 0:
            return -1 - size
        _put_name(mem, tx, _RDATA, d, i, frame, data, base, at, size)
    else:
        put(mem, tx, _RDATA, d, i, frame, data, base + at, length)
    note(mem, tx, _TTL, d, i, frame, ttl)
    note(mem, tx, _TYPE, d, 256 + i, frame, kind)
    return np.int64(0)


@shared
def _records(mem, tx, d, frame, data, base, end, at):
    """The three sections; 0, or minus one less the number of what is wrong."""
    part = 0
    for section in range(3):
        for i in range(np.int64(load_be16(data, base + 6 + 2 * section))):
            if part >= MOST_RECORDS:
                return np.int64(0)
            after, size = name_end(data, base, at, end, MOST_NAME)
            if after < 0:
                return -1 - size if section == 0 else _OTHER_SECTIONS - section
            if base + after + 10 > end:
                return np.int64(-1) if section == 0 else _OTHER_SECTIONS - section
            kind = np.int64(load_be16(data, base + after))
            ttl = np.int64(load_be32(data, base + after + 4))
            length = np.int64(load_be16(data, base + after + 8))
            if base + after + 10 + length > end:
                return np.int64(-1) if section == 0 else _OTHER_SECTIONS - section
            if kind != 41:
                _put_name(mem, tx, _SECTIONS[section], d, i, frame, data, base, at, size)
                _put_name(mem, tx, _RESPONSE, d, part, frame, data, base, at, size)
            if section == 0:
                _put_name(mem, tx, _ANSWER, d, i, frame, data, base, at, size)
                wrong = _answer(mem, tx, d, frame, data, base, end, after + 10, kind, ttl, length, i)
                if wrong < 0:
                    return wrong
            at = after + 10 + length
            part += 1
    return np.int64(0)


@shared
def dns_message(mem, owner, data, base, end, frame, time):
    """A message; False where there is no room for what it may say."""
    n = end - base
    if n < 12:
        if not enough(mem, 0, 1, 0, 0, 0):
            return False
        odd(mem, owner, _EVENTS[0], 0, frame, -1)
        return True
    flags = np.int64(load_be16(data, base + 2))
    asked = min(np.int64(load_be16(data, base + 4)), n // 5 + 1)
    told = min(
        np.int64(load_be16(data, base + 6)) + np.int64(load_be16(data, base + 8))
        + np.int64(load_be16(data, base + 10)),
        n // 11 + 1,
    )  # fmt: skip
    if not enough(mem, 1, 8 + 3 * asked + 5 * told, (3 * asked + 4 * told) * MOST_NAME + n, 0, 0):
        return False
    d = 1 if flags & 0x8000 else 0
    tx = begin(mem, owner, DNS, frame, time)
    note(mem, tx, _ID, d, 0, frame, np.int64(load_be16(data, base)))
    note(mem, tx, _FLAGS, d, 0, frame, flags)
    note(mem, tx, _OPCODE, d, 0, frame, flags >> 11 & 15)
    note(mem, tx, _RCODE, d, 0, frame, flags & 15)
    if flags & 0x40:
        odd(mem, owner, _Z_FLAG, d, frame, tx)
    if flags >> 11 & 15 >= 7:
        odd(mem, owner, _OPCODE_EVENT, d, frame, tx)
    at = _questions(mem, tx, d, frame, data, base, end, np.int64(load_be16(data, base + 4)))
    if at >= 0:
        at = _records(mem, tx, d, frame, data, base, end, at)
    if at < 0:
        odd(mem, owner, _EVENTS[-1 - at], d, frame, tx)
    whole(mem, tx, d, frame)
    finish(mem, tx)
    return True


@shared
def dns_stream(mem, owner, d, data, at, end, frame, time):
    """Messages behind their lengths; where the first begins that is not whole."""
    flow = mem.flows[owner]
    while end - at >= 2:
        size = 2 + np.int64(load_be16(data, at))
        if end - at < size:
            flow["need"][d] = size
            return at
        if not dns_message(mem, owner, data, at + 2, at + size, frame, time):
            return at
        at += size
    flow["need"][d] = 2
    return at
