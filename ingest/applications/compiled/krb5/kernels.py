"""Kerberos 5 over UDP and TCP: each message a transaction, as `ingest.applications.krb5` reads it."""

from __future__ import annotations

import numpy as np

from citywall.kernels import copy_bytes, load_be32, shared
from ingest.applications.compiled.der.kernels import count, integer, nth
from ingest.applications.compiled.layout import KRB5, META_AT
from ingest.applications.compiled.looks.kernels import element
from ingest.applications.compiled.rows.kernels import (
    begin,
    enough,
    finish,
    note,
    odd,
    put,
    put_row,
    whole,
)
from ingest.applications.krb5 import _WEAK
from ingest.applications.tables import ANOMALY_KIND, FIELD, KIND

ARENA = META_AT["arena"]
_MALFORMED, _WEAK_SEEN = ANOMALY_KIND["krb5.malformed_data"], ANOMALY_KIND["krb5.weak_encryption"]
_CLIENT, _SERVER, _REALM = KIND["krb5.cname"], KIND["krb5.sname"], KIND["krb5.realm"]
_TYPE, _ERROR_CODE, _TICKET, _IS_WEAK = (
    FIELD[f"krb5.{name}"] for name in ("msg_type", "err_code", "ticket_encryption", "weak_encryption")
)
_WEAKEST = np.array(sorted(_WEAK), np.int64)
_MOST_ITEMS, _MOST_FIELDS, _MOST_SEALED = 4096, 32, 8
_MOST_MESSAGE = 1 << 20


@shared
def _field(data, at, end, most, tag):
    """Where the contents of the last element with a tag begin and end: -1 for none, -2 if one is broken."""
    found, found_end = np.int64(-1), np.int64(-1)
    n = 0
    while at < end and n < most:
        start, after = element(data, at, end)
        if start < 0:
            return np.int64(-2), np.int64(-2)
        if data[at] & 31 == tag:
            found, found_end = start, after
        at = after
        n += 1
    return found, found_end


@shared
def _number(data, at, end):
    """The integer in a field: its value, and whether there is one."""
    if at < 0:
        return np.int64(0), False
    start, after = element(data, at, end)
    if start < 0:
        return np.int64(0), False
    value, _ = integer(data, start, after)
    return value, True


@shared
def _put_name(mem, tx, d, kind, frame, data, at, end):
    """The parts of a name: a client's joined, a server's each; False where it is broken."""
    at, end = element(data, at, end)
    if at < 0 or count(data, at, end, _MOST_ITEMS) < 2:
        return False
    _, at, end = nth(data, at, end, 1)
    if count(data, at, end, _MOST_ITEMS) < 1:
        return False
    at, end = element(data, at, end)
    n = count(data, at, end, _MOST_FIELDS)
    if n < 0:
        return False
    begun = to = mem.meta[ARENA]
    for part in range(n):
        start, after = element(data, at, end)
        if kind == _SERVER:
            put(mem, tx, kind, d, part, frame, data, start, after - start)
        else:
            if part > 0:
                mem.arena[to] = 47
                to += 1
            copy_bytes(mem.arena, to, data, start, after - start)
            to += after - start
        at = after
    if kind != _SERVER:
        put_row(mem, tx, kind, d, 0, frame, to - begun)  # the text stands there already
    return True


@shared
def _names(mem, tx, d, frame, data, at, end, client, server, realm):
    """Names in fields with these tags, -1 for none of the kind; False where one is broken."""
    for row in range(2):
        tag = client if row == 0 else server
        if tag < 0:
            continue
        start, after = _field(data, at, end, _MOST_FIELDS, tag)
        if start >= 0 and not _put_name(
            mem, tx, d, _CLIENT if row == 0 else _SERVER, frame, data, start, after
        ):
            return False
    start, after = _field(data, at, end, _MOST_FIELDS, realm)
    if start < 0:
        return True
    start, after = element(data, start, after)
    if start < 0:
        return False
    put(mem, tx, _REALM, d, 0, frame, data, start, after - start)
    return True


@shared
def _inner(data, at, end):
    """The contents of the element in an element; -1 where one is broken."""
    if at < 0:
        return np.int64(-1), np.int64(-1)
    at, end = element(data, at, end)
    if at < 0:
        return at, end
    return element(data, at, end)


@shared
def _sealing(data, at, end, most, number):
    """How a field of encrypted data is sealed (its etype): the value, and whether there is one."""
    sealed, sealed_end = _field(data, at, end, most, number)
    if sealed < 0:
        return np.int64(0), False
    sealed, sealed_end = element(data, sealed, sealed_end)
    if sealed < 0:
        return np.int64(0), False
    kind, kind_end = _field(data, sealed, sealed_end, _MOST_SEALED, 0)
    return _number(data, kind, kind_end)


@shared
def _ticket(mem, owner, tx, d, frame, data, at, end):
    """What a ticket is for and how it and the answer are sealed; False where they are broken."""
    start, after = _field(data, at, end, _MOST_FIELDS, 5)
    start, after = _inner(data, start, after)
    if start < 0 or count(data, start, after, _MOST_SEALED) < 0:
        return False
    name, name_end = _field(data, start, after, _MOST_SEALED, 2)
    if name >= 0 and not _put_name(mem, tx, d, _SERVER, frame, data, name, name_end):
        return False
    value, there = _sealing(data, start, after, _MOST_SEALED, 3)
    if not there:
        return False
    note(mem, tx, _TICKET, d, 0, frame, value)
    value, there = _sealing(data, at, end, _MOST_FIELDS, 6)
    if not there:
        return False
    for row in range(len(_WEAKEST)):
        if value == _WEAKEST[row]:
            note(mem, tx, _IS_WEAK, d, 0, frame, 1)
            odd(mem, owner, _WEAK_SEEN, d, frame, tx)
    return True


@shared
def _said(mem, owner, tx, d, frame, data, at, end):
    """What a message says; False where it is broken."""
    start, end = element(data, at, end)
    if start < 0:
        return False
    kind = np.int64(data[at]) & 31
    note(mem, tx, _TYPE, d, 0, frame, kind)
    at, end = element(data, start, end)
    if at < 0 or count(data, at, end, _MOST_FIELDS) < 0:
        return False
    if kind == 10 or kind == 12:
        body, body_end = _field(data, at, end, _MOST_FIELDS, 4)
        if body < 0:
            return True
        body, body_end = element(data, body, body_end)
        if body < 0 or count(data, body, body_end, _MOST_FIELDS) < 0:
            return False
        return _names(mem, tx, d, frame, data, body, body_end, 1, 3, 2)
    if kind == 11 or kind == 13:
        if not _names(mem, tx, d, frame, data, at, end, 4, -1, 3):
            return False
        return _ticket(mem, owner, tx, d, frame, data, at, end)
    if kind == 30:
        code, code_end = _field(data, at, end, _MOST_FIELDS, 6)
        value, there = _number(data, code, code_end)
        if not there:
            return False
        note(mem, tx, _ERROR_CODE, d, 0, frame, value)
        return _names(mem, tx, d, frame, data, at, end, 8, 10, 9)
    return True


@shared
def krb5_message(mem, owner, d, data, at, end, frame, time):
    """A message; False where there is no room for what it may say."""
    n = end - at
    if not enough(mem, 1, 80, 2 * n + 64, 0, 0):
        return False
    tx = begin(mem, owner, KRB5, frame, time)
    if not _said(mem, owner, tx, d, frame, data, at, end):
        odd(mem, owner, _MALFORMED, d, frame, tx)
    whole(mem, tx, d, frame)
    finish(mem, tx)
    return True


@shared
def krb5_stream(mem, owner, d, data, at, end, frame, time):
    """Messages behind their lengths; where the first begins that is not whole."""
    flow = mem.flows[owner]
    while end - at >= 4:
        size = 4 + (np.int64(load_be32(data, at)) & 0x7FFFFFFF)
        if size > _MOST_MESSAGE:
            if not enough(mem, 0, 1, 0, 0, 0):
                return at
            odd(mem, owner, _MALFORMED, d, frame, -1)
            flow["done"][d] = 1
            return end
        if end - at < size:
            flow["need"][d] = size
            return at
        if not krb5_message(mem, owner, d, data, at + 4, at + size, frame, time):
            return at
        flow["need"][d] = 4
        at += size
    return at
