"""The server's certificate behind its hello (RFC 5246, RFC 5280): names, end, issuer, and where its key lies.

Only the packet of the hello is read. It holds the beginning of the certificate, and that the key stands in
the beginning is in the order of the fields; where it does not, nothing is told. In TLS 1.3 all of it is
encrypted.
"""

from __future__ import annotations

import numpy as np

from citywall.kernels import MIX1, helper, internal, load_be16, mix64

U8 = np.uint64

# citywall.batches, whose values kernels must freeze
_TLS_CERTIFICATE = 61
_SELF_SIGNED = 8192

_SEQUENCE, _INTEGER, _VERSION, _UTC, _GENERALIZED = 0x30, 0x02, 0xA0, 0x17, 0x18
_SUBJECT, _ISSUER = 90, 110  # bytes of names that are kept


@internal
def load_be24(buffer, at):
    """Three bytes."""
    return np.int64(buffer[at]) << 16 | np.int64(load_be16(buffer, at + 1))


@helper
def element(buffer, at, end):
    """Tag, where its contents begin and end, of the DER element at `at`; tag 0 where there is none.

    Its contents may reach behind `end`: its head does not.
    """
    if at < 0 or at + 2 > end:
        return np.int64(0), at, at
    tag = np.int64(buffer[at])
    size = np.int64(buffer[at + 1])
    start = at + 2
    if size & 0x80:
        n = size & 0x7F
        if n == 0 or n > 3 or start + n > end:
            return np.int64(0), at, at
        size = np.int64(0)
        for j in range(n):
            size = size << 8 | np.int64(buffer[start + j])
        start += n
    return tag, start, start + size


@internal
def bytes_hash(buffer, at, end):
    """A digest of bytes."""
    h = MIX1
    for j in range(at, end):
        h = (h ^ U8(buffer[j])) * U8(0x100000001B3)
    return mix64(h)


@internal
def small(c):
    """A byte of a name as a text shows it."""
    if 65 <= c <= 90:
        return np.uint8(c + 32)
    return np.uint8(c) if 32 <= c < 127 else np.uint8(63)


@helper
def values(buffer, at, end, common, raw, k, to, most):
    """The values of a name, joined by commas, or its last common name alone; how many bytes were written."""
    n = np.int64(0)
    while at < end:
        tag, inner, stop = element(buffer, at, end)
        if tag == 0 or stop > end:
            break
        at = stop
        _, pair, after = element(buffer, inner, stop)
        kind, kind_at, kind_end = element(buffer, pair, after)
        if kind != 6 or kind_end >= after:
            continue
        what, low, high = element(buffer, kind_end, after)
        if what == 0 or high > after or high > end:
            continue
        is_common = (
            kind_end - kind_at == 3 and buffer[kind_at] == 0x55 and load_be16(buffer, kind_at + 1) == 0x0403
        )
        if common:
            if not is_common:
                continue
            n = np.int64(0)
        elif n > 0 and n + 2 <= most:
            raw[k, to + n], raw[k, to + n + 1] = 44, 32
            n += 2
        for j in range(low, high):
            if n >= most:
                break
            raw[k, to + n] = small(np.int64(buffer[j]))
            n += 1
    return n


@internal
def two(buffer, at):
    """Two digits."""
    return (np.int64(buffer[at]) - 48) * 10 + np.int64(buffer[at + 1]) - 48


@helper
def day_of(buffer, tag, at, end):
    """Days since 1970 of a time, 0 where it is none."""
    size = end - at
    for j in range(at, min(end, at + 8)):
        if not 48 <= buffer[j] <= 57 and j < at + 6:
            return np.int64(0)
    if tag == _UTC and size >= 6:
        year = two(buffer, at)
        year += 1900 if year >= 50 else 2000
        at += 2
    elif tag == _GENERALIZED and size >= 8:
        year = two(buffer, at) * 100 + two(buffer, at + 2)
        at += 4
    else:
        return np.int64(0)
    month, day = two(buffer, at), two(buffer, at + 2)
    if not (1 <= month <= 12 and 1 <= day <= 31 and 1970 <= year <= 9999):
        return np.int64(0)
    y = year - 1 if month <= 2 else year  # H. Hinnant, "chrono-compatible low-level date algorithms" (2013)
    era = y // 400
    of_era = y - era * 400
    of_year = (153 * (month - 3 if month > 2 else month + 9) + 2) // 5 + day - 1
    return era * 146097 + of_era * 365 + of_era // 4 - of_era // 100 + of_year - 719468


@helper
def first_certificate(buffer, at, end):
    """Where the server's own certificate begins, from its hello at `at` on; -1 where it is not there."""
    record = at + 5 + np.int64(load_be16(buffer, at + 3))
    message = at + 9 + load_be24(buffer, at + 6)
    if message >= record:  # in the next record
        if message > record or record + 5 > end or buffer[record] != 0x16 or buffer[record + 1] != 3:
            return np.int64(-1)
        message = record + 5
    if message + 16 > end or buffer[message] != 11:
        return np.int64(-1)
    return message + 10


@helper
def read_certificate(buffer, at, end, raw, k, e):
    """Fill an event from the packet of a server's hello; whether its certificate's key is there.

    `answer_lo` and `size` tell where the key lies: its SHA-256 is made by the caller.
    """
    at = first_certificate(buffer, at, end)
    if at < 0:
        return False
    tag, at, _ = element(buffer, at, end)
    if tag != _SEQUENCE:
        return False
    tag, at, _ = element(buffer, at, end)
    if tag != _SEQUENCE:
        return False
    tag, _, stop = element(buffer, at, end)
    if tag == _VERSION:
        tag, _, stop = element(buffer, stop, end)
    if tag != _INTEGER:
        return False
    tag, _, stop = element(buffer, stop, end)  # how it is signed
    issuer_at = stop
    tag, issuer, issuer_end = element(buffer, issuer_at, end)
    if tag != _SEQUENCE or issuer_end > end:
        return False
    tag, times, times_end = element(buffer, issuer_end, end)
    if tag != _SEQUENCE or times_end > end:
        return False
    _, _, begins_end = element(buffer, times, times_end)
    kind, ends, ends_end = element(buffer, begins_end, times_end)
    subject_at = times_end
    tag, subject, subject_end = element(buffer, subject_at, end)
    if tag != _SEQUENCE or subject_end > end:
        return False
    tag, _, key_end = element(buffer, subject_end, end)
    if tag != _SEQUENCE or key_end > end:
        return False
    e["kind"] = _TLS_CERTIFICATE
    e["digest"] = bytes_hash(buffer, subject_end, key_end)
    e["answers"] = bytes_hash(buffer, issuer_at, issuer_end)
    e["answer_lo"], e["size"] = subject_end, key_end - subject_end
    e["number"] = day_of(buffer, kind, ends, ends_end) if kind != 0 and ends_end <= times_end else 0
    if bytes_hash(buffer, subject_at, subject_end) == e["answers"]:
        e["flags"] = _SELF_SIGNED
    size = values(buffer, subject, subject_end, True, raw, k, 0, _SUBJECT)
    e["name_size"] = size
    e["rest_size"] = values(buffer, issuer, issuer_end, False, raw, k, size, _ISSUER)
    return True
