"""DNS over UDP and TCP: each message a transaction, as `ingest.applications.dns` reads it."""

from __future__ import annotations

import numpy as np

from citywall.kernels import copy_bytes, load_be16, load_be32, shared
from ingest.applications.compiled.layout import DNS
from ingest.applications.compiled.rows.kernels import begin, enough, finish, note, odd, put, put_row, whole
from ingest.applications.dns import LOOP, MOST_NAME, MOST_RECORDS, MOST_STEPS, STEPS, TRUNCATED
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
def _name_in(data, base, at, end, last):
    """A name at an offset: (where it ends, or -1; its size written out; what is odd about it).

    Offsets count from `base`, where the message of `last` bytes begins; from `end` on bytes do not belong to
    the name until a pointer was followed.
    """
    size, after, odd, steps = np.int64(0), np.int64(-1), np.int64(0), np.int64(0)
    wrong = np.int64(-1), np.int64(0), np.int64(0)
    while at < end:
        length = np.int64(data[base + at])
        if length == 0:
            at += 1
            break
        if length < 64:
            if at + 1 + length > end:
                return wrong
            if not odd & TRUNCATED:
                size += length + (1 if size else 0)
            at += 1 + length
        else:
            if length < 0xC0 or at + 2 > end:
                return wrong
            to = (length & 0x3F) << 8 | np.int64(data[base + at + 1])
            if to > last or (to == at and after < 0):
                return wrong
            if to == at:
                odd |= LOOP
                break
            if after < 0:
                after = at + 2
            at, end = to, last
        steps += 1
        if steps > MOST_STEPS:
            if after < 0:
                return wrong
            odd |= STEPS | TRUNCATED
            break
        if size > MOST_NAME:
            size = np.int64(MOST_NAME)
            odd |= TRUNCATED
            if after >= 0:
                break
    return at if after < 0 else after, size, odd


@shared
def _write_name(data, base, at, out, to, size):
    """So many bytes of a name, labels joined by dots."""
    left = size
    while left > 0:
        length = np.int64(data[base + at])
        if length >= 0xC0:
            at = (length & 0x3F) << 8 | np.int64(data[base + at + 1])
            continue
        if left < size:
            out[to] = 46
            to += 1
            left -= 1
        some = min(length, left)
        copy_bytes(out, to, data, base + at + 1, some)
        to += some
        left -= some
        at += 1 + length


@shared
def _put_name(mem, tx, kind, d, part, frame, data, base, at, size):
    to = put_row(mem, tx, kind, d, part, frame, size)
    if to >= 0:
        _write_name(data, base, at, mem.arena, to, size)


@shared
def _questions(mem, tx, d, frame, data, base, last, count):
    """Where the questions end, or -1; names told of a response; what is odd."""
    at, names, odds = np.int64(12), np.int64(0), np.int64(0)
    answering = data[base + 2] & 0x80
    for part in range(min(count, MOST_RECORDS)):
        after, size, odd = _name_in(data, base, at, last, last)
        odds |= odd
        if after < 0 or after + 4 > last:
            return np.int64(-1), names, odds
        if d == 0:
            _put_name(mem, tx, _QUERY, d, part, frame, data, base, at, size)
        _put_name(mem, tx, _QUERIES, d, part, frame, data, base, at, size)
        _put_name(mem, tx, _QUERY_NAME, d, part, frame, data, base, at, size)
        if answering and size:
            _put_name(mem, tx, _RESPONSE, d, names, frame, data, base, at, size)
            names += 1
        note(mem, tx, _TYPE, d, part, frame, np.int64(load_be16(data, base + after)))
        at = after + 4
    return at, names, odds


@shared
def _answer(mem, tx, d, frame, data, base, last, at, kind, ttl, length, i):
    """What an answer says, its name aside: whether that can be read, and what is odd."""
    odd = np.int64(0)
    if kind == 2 or kind == 5 or kind == 12 or kind == 39:
        after, size, odd = _name_in(data, base, at, at + length, last)
        if after < 0:
            return False, odd
        _put_name(mem, tx, _RDATA, d, i, frame, data, base, at, size)
    else:
        put(mem, tx, _RDATA, d, i, frame, data, base + at, length)
    note(mem, tx, _TTL, d, i, frame, ttl)
    note(mem, tx, _TYPE, d, 256 + i, frame, kind)
    return True, odd


@shared
def _record(mem, tx, d, frame, data, base, last, at, section, i, names):
    """Where a record ends, or -1; names told of a response until then; what is odd."""
    answering = data[base + 2] & 0x80
    after, size, odds = _name_in(data, base, at, last, last)
    if after < 0 or after + 10 > last:
        return np.int64(-1), names, odds
    kind = np.int64(load_be16(data, base + after))
    ttl = np.int64(load_be32(data, base + after + 4))
    length = np.int64(load_be16(data, base + after + 8))
    body = after + 10
    if body + length > last:
        return np.int64(-1), names, odds
    if kind != 41 and (section == 0 or answering):
        _put_name(mem, tx, _SECTIONS[section], d, i, frame, data, base, at, size)
        if answering and size:
            _put_name(mem, tx, _RESPONSE, d, names, frame, data, base, at, size)
            names += 1
    if kind == 2 or kind == 5 or kind == 6 or kind == 12 or kind == 15:
        begin_at = body + (2 if kind == 15 else 0)
        after, told, odd = _name_in(data, base, begin_at, body + length, last)
        odds |= odd
        if after < 0:
            return np.int64(-1), names, odds
        if answering and told:
            _put_name(mem, tx, _RESPONSE, d, names, frame, data, base, begin_at, told)
            names += 1
    if section == 0:
        _put_name(mem, tx, _ANSWER, d, i, frame, data, base, at, size)
        sound, odd = _answer(mem, tx, d, frame, data, base, last, body, kind, ttl, length, i)
        odds |= odd
        if not sound:
            return np.int64(-1), names, odds
    return body + length, names, odds


@shared
def _records(mem, tx, d, frame, data, base, last, at, names):
    """The three sections: 0, or minus one less the number of what is wrong; what is odd."""
    read, odds = 0, np.int64(0)
    for section in range(3):
        for i in range(np.int64(load_be16(data, base + 6 + 2 * section))):
            if read >= MOST_RECORDS:
                return np.int64(0), odds
            at, names, odd = _record(mem, tx, d, frame, data, base, last, at, section, i, names)
            odds |= odd
            if at < 0:
                return (np.int64(-1) if section == 0 else _OTHER_SECTIONS - section), odds
            read += 1
    return np.int64(0), odds


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
    if not enough(mem, 1, 8 + 4 * asked + 6 * told, (4 * asked + 5 * told) * MOST_NAME + n, 0, 0):
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
    at, names, odds = _questions(mem, tx, d, frame, data, base, n, np.int64(load_be16(data, base + 4)))
    if at >= 0:
        at, more = _records(mem, tx, d, frame, data, base, n, at, names)
        odds |= more
    if at < 0:
        odd(mem, owner, _EVENTS[-1 - at], d, frame, tx)
    for i in range(3):
        if odds >> i & 1:
            odd(mem, owner, _EVENTS[1 + i], d, frame, tx)
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
