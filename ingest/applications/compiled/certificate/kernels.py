"""X.509 certificates (RFC 5280) in DER (X.690) as rows, as `ingest.applications.certificate` reads them.

Texts are written behind what the arena holds: the caller has seen that there is room for twelve times the
message.
"""

from __future__ import annotations

import numpy as np

from citywall.kernels import copy_bytes, internal, shared
from ingest.applications.certificate import _ALTERNATIVE_NAME, _SHORT
from ingest.applications.compiled.der.kernels import count, nth
from ingest.applications.compiled.layout import CERTIFICATE, META_AT
from ingest.applications.compiled.looks.kernels import element
from ingest.applications.compiled.rows.kernels import asked_for, job, note, odd, put, put_row
from ingest.applications.compiled.smb.kernels import to_utf8
from ingest.applications.tables import ANOMALY_KIND, FIELD, KIND
from ingest.sightings.hellos.kernels import decimal

ARENA = META_AT["arena"]
_CERTS, _FINGERPRINT, _SUBJECT, _ISSUER, _SERIAL = (
    KIND[f"tls.{name}"]
    for name in ("certs", "cert_fingerprint", "cert_subject", "cert_issuer", "cert_serial")
)
_ALTERNATIVE = KIND["tls.subjectaltname"]
_BEGINS, _ENDS = FIELD["tls.cert_notbefore"], FIELD["tls.cert_notafter"]
_INVALID, _CUT = (
    ANOMALY_KIND[f"tls.{name}"] for name in ("invalid_certificate", "certificate_invalid_length")
)
#: Elements of one thing that are read.
_MOST = 4096
_UTC, _BMP = 0x17, 0x1E
_DIGITS = np.frombuffer(b"0123456789ABCDEF", np.uint8).copy()
_BILLION = 1_000_000_000
_KINDS = np.array([list(kind.encode().ljust(32, b"\0")) for kind in _SHORT], np.uint8)
_KIND_SIZES = np.array([len(kind) for kind in _SHORT], np.int64)
_NAMES = np.array([list(name.encode().ljust(24, b"\0")) for name in _SHORT.values()], np.uint8)
_NAME_SIZES = np.array([len(name) for name in _SHORT.values()], np.int64)
_IS_ALTERNATIVE = np.frombuffer(_ALTERNATIVE_NAME.encode(), np.uint8).copy()
_MONTHS = np.array([31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31], np.int64)


@internal
def _is(text, at, n, other, size):
    """Whether a text is another."""
    if n != size:
        return False
    for i in range(n):
        if text[at + i] != other[i]:
            return False
    return True


@shared
def _large(mem, data, at, end, first, to):
    """A part of an object identifier that is too large for a word: limbs of nine digits, lowest first."""
    limbs, n = mem.values, np.int64(1)
    limbs[0] = 0
    while at < end:
        carry = np.int64(data[at]) & 0x7F
        for i in range(n):
            value = limbs[i] * 128 + carry
            limbs[i] = value % _BILLION
            carry = value // _BILLION
        if carry:
            limbs[n] = carry
            n += 1
        at += 1
    if first:
        limbs[0] -= 80
        i = 0
        while limbs[i] < 0:
            limbs[i] += _BILLION
            limbs[i + 1] -= 1
            i += 1
        if limbs[n - 1] == 0:
            n -= 1
    to = decimal(limbs[n - 1], mem.arena, to)
    for i in range(n - 2, -1, -1):
        value = limbs[i]
        for j in range(9):
            mem.arena[to + 8 - j] = 48 + value % 10
            value //= 10
        to += 9
    return to


@shared
def _part(mem, data, at, end, first, to):
    """A part of an object identifier as text; the first is two of them."""
    while at < end - 1 and data[at] == 0x80:
        at += 1
    if end - at > 8:
        if first:
            mem.arena[to] = 50
            mem.arena[to + 1] = 46
            to += 2
        return _large(mem, data, at, end, first, to)
    value = np.int64(0)
    while at < end:
        value = value << 7 | np.int64(data[at]) & 0x7F
        at += 1
    if first:
        arc = min(value // 40, np.int64(2))
        to = decimal(arc, mem.arena, to)
        mem.arena[to] = 46
        to += 1
        value -= 40 * arc
    return decimal(value, mem.arena, to)


@shared
def identifier(mem, data, at, end, to):
    """An object identifier in dots, into the arena; where it ends, -1 where it is none."""
    end = min(end, at + 128)
    first = True
    while at < end:
        stop = at
        while stop < end and data[stop] & 0x80:
            stop += 1
        if stop == end:
            break
        if not first:
            mem.arena[to] = 46
            to += 1
        to = _part(mem, data, at, stop + 1, first, to)
        first = False
        at = stop + 1
    return np.int64(-1) if first else to


@shared
def _pair(mem, data, at, end, to):
    """A kind and its value, as `CN=..`; where it ends, -1 where it is broken."""
    if count(data, at, end, _MOST) < 2:
        return np.int64(-1)
    kind, kind_end = element(data, at, end)
    value, value_end = element(data, kind_end, end)
    stop = identifier(mem, data, kind, kind_end, to)
    if stop < 0:
        return stop
    for row in range(len(_KINDS)):
        if _is(mem.arena, to, stop - to, _KINDS[row], _KIND_SIZES[row]):
            stop = to + _NAME_SIZES[row]
            copy_bytes(mem.arena, to, _NAMES[row], 0, _NAME_SIZES[row])
            break
    mem.arena[stop] = 61
    stop += 1
    n = value_end - value
    if data[kind_end] != _BMP:
        copy_bytes(mem.arena, stop, data, value, n)
        return stop + n
    place = stop + 2 * n + 8  # behind what comes of it at most
    for i in range(n):
        mem.arena[place + i] = data[value + (i ^ 1 if i ^ 1 < n else i)]
    return to_utf8(mem.arena, place, place + n, mem.arena, stop)


@shared
def name(mem, data, at, end, to):
    """A name as `C=.., O=.., CN=..`, into the arena; where it ends, -1 where it is broken."""
    begun = to
    groups = 0
    while at < end and groups < _MOST:
        inner, at = element(data, at, end)
        groups += 1
        if inner < 0:
            return np.int64(-1)
        pairs = 0
        while inner < at and pairs < _MOST:
            pair, inner = element(data, inner, at)
            pairs += 1
            if pair < 0:
                return np.int64(-1)
            if to > begun:
                mem.arena[to] = 44
                mem.arena[to + 1] = 32
                to += 2
            to = _pair(mem, data, pair, inner, to)
            if to < 0:
                return to
    return to


@internal
def _address(mem, tx, d, part, frame, data, at):
    """An address in dots."""
    begun = to = mem.meta[ARENA]
    for i in range(4):
        if i > 0:
            mem.arena[to] = 46
            to += 1
        to = decimal(np.int64(data[at + i]), mem.arena, to)
    put_row(mem, tx, _ALTERNATIVE, d, part, frame, to - begun)


@shared
def _names(mem, tx, d, part, frame, data, at, end, telling):
    """Names of one extension, numbered from `part` on; the next number, -1 where they are broken."""
    at, end = element(data, at, end)
    if at < 0:
        return np.int64(-1)
    n = 0
    while at < end and n < _MOST:
        tag = data[at]
        start, at = element(data, at, end)
        n += 1
        if start < 0:
            return np.int64(-1)
        address = tag == 0x87 and at - start == 4
        if not address and tag != 0x81 and tag != 0x82 and tag != 0x86:
            continue
        if telling and address:
            _address(mem, tx, d, part, frame, data, start)
        elif telling:
            put(mem, tx, _ALTERNATIVE, d, part, frame, data, start, at - start)
        part += 1
    return part


@shared
def alternatives(mem, tx, d, frame, data, at, end, telling):
    """Other names of the subject, of all extensions; told where `telling`; False where they are broken."""
    at, end = element(data, at, end)
    if at < 0:
        return False
    n = 0
    part = np.int64(0)
    while at < end and n < _MOST:
        start, at = element(data, at, end)
        n += 1
        pieces = count(data, start, at, _MOST) if start >= 0 else -1
        if pieces < 0:
            return False
        if pieces < 2:
            continue
        kind, kind_end = element(data, start, at)
        to = mem.meta[ARENA]
        stop = identifier(mem, data, kind, kind_end, to)
        if stop < 0:
            return False
        if not _is(mem.arena, to, stop - to, _IS_ALTERNATIVE, len(_IS_ALTERNATIVE)):
            continue
        _, last, last_end = nth(data, start, at, pieces - 1)
        part = _names(mem, tx, d, part, frame, data, last, last_end, telling)
        if part < 0:
            return False
    return True


# Times, as `strptime` reads "%Y%m%d%H%M%S": each number but the year of two digits, or of one.


@internal
def _digit(c):
    return 48 <= c <= 57


@shared
def _two_digits(field, a, b):
    """Whether two characters are a month, day, hour, minute or second."""
    if field == 0:
        return (a == 49 and 48 <= b <= 50) or (a == 48 and 49 <= b <= 57)
    if field == 1:
        if a == 51:
            return b == 48 or b == 49
        return ((a == 49 or a == 50) and _digit(b)) or ((a == 48 or a == 32) and 49 <= b <= 57)
    if field == 2:
        return (a == 50 and 48 <= b <= 51) or ((a == 48 or a == 49) and _digit(b))
    if field == 4 and a == 54:
        return b == 48 or b == 49
    return 48 <= a <= 53 and _digit(b)


@shared
def _fields(text, n, short, found):
    """Month to second of a time, where bits of `short` say which have one digit; where they end, or -1."""
    at = 4
    for field in range(5):
        if short >> (4 - field) & 1:
            if at >= n or not _digit(text[at]) or (field < 2 and text[at] == 48):
                return np.int64(-1)
            found[field] = text[at] - 48
            at += 1
        else:
            if at + 2 > n or not _two_digits(field, text[at], text[at + 1]):
                return np.int64(-1)
            tens = np.int64(0) if text[at] == 32 else text[at] - 48
            found[field] = 10 * tens + text[at + 1] - 48
            at += 2
    return np.int64(at)


@internal
def _seconds(year, month, day, hour, minute, second):
    """Seconds since the epoch, 0 where there is no such time."""
    leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    if year < 1 or second > 59 or day > _MONTHS[month - 1] + (1 if leap and month == 2 else 0):
        return np.int64(0)
    y = year - 1 if month <= 2 else year  # H. Hinnant, "chrono-compatible low-level date algorithms" (2013)
    era = y // 400
    of_era = y - era * 400
    of_year = (153 * (month - 3 if month > 2 else month + 9) + 2) // 5 + day - 1
    days = era * 146097 + of_era * 365 + of_era // 4 - of_era // 100 + of_year - 719468
    return np.int64(days * 86400 + hour * 3600 + minute * 60 + second)


@shared
def time_of(tag, data, at, end, text, found):
    """A time in seconds since the epoch, 0 unknown. `text` (i8[14]) and `found` (i8[5]) are scratch."""
    while end > at and data[end - 1] == 90:
        end -= 1
    n = 0
    if tag == _UTC:  # years from 1950
        first = np.int64(data[at]) if end > at else np.int64(0)
        late = first > 53 or (first == 53 and end - at > 1 and data[at + 1] >= 48)
        text[0] = 49 if late else 50
        text[1] = 57 if late else 48
        n = 2
    for i in range(at, min(end, at + 14 - n)):
        text[n] = data[i]
        n += 1
    for i in range(4):
        if i >= n or not _digit(text[i]):
            return np.int64(0)
    year = (text[0] - 48) * 1000 + (text[1] - 48) * 100 + (text[2] - 48) * 10 + text[3] - 48
    for short in range(32):
        stop = _fields(text, n, short, found)
        if stop >= 0:
            if stop != n:
                return np.int64(0)
            return _seconds(year, found[0], found[1], found[2], found[3], found[4])
    return np.int64(0)


@shared
def _put_serial(mem, tx, d, frame, data, at, end):
    """Bytes in pairs of digits joined by colons."""
    n = max(3 * (end - at) - 1, 0)
    to = put_row(mem, tx, _SERIAL, d, 0, frame, n)
    if to < 0:
        return
    for i in range(end - at):
        byte = np.int64(data[at + i])
        mem.arena[to] = _DIGITS[byte >> 4]
        mem.arena[to + 1] = _DIGITS[byte & 15]
        if at + i < end - 1:
            mem.arena[to + 2] = 58
        to += 3


@shared
def _put_times(mem, tx, d, frame, data, at, end):
    """From when and until when; nothing behind these two."""
    for row in range(2):
        value = np.int64(0)
        if at < end:
            tag = data[at]
            start, at = element(data, at, end)
            value = time_of(tag, data, start, at, mem.words, mem.digest)
        note(mem, tx, _BEGINS if row == 0 else _ENDS, d, 0, frame, value)


@shared
def _read(mem, tx, d, frame, data, at, end):
    """Take a certificate apart; False, and nothing told, where it is broken."""
    at, end = element(data, at, end)
    if at < 0:
        return False
    at, end = element(data, at, end)
    fields = count(data, at, end, _MOST) if at >= 0 else -1
    skipped = 1 if fields > 0 and data[at] == 0xA0 else 0
    if fields < skipped + 6:
        return False
    _, serial, serial_end = nth(data, at, end, skipped)
    _, signed_end = element(data, serial_end, end)
    issuer, issuer_end = element(data, signed_end, end)
    times, times_end = element(data, issuer_end, end)
    subject, subject_end = element(data, times_end, end)
    _, rest = element(data, subject_end, end)  # its key
    if count(data, times, times_end, _MOST) < 0:
        return False
    others = others_end = np.int64(-1)
    for _ in range(fields - skipped - 6):
        tag = data[rest]
        start, rest = element(data, rest, end)
        if tag == 0xA3:
            if not alternatives(mem, tx, d, frame, data, start, rest, False):
                return False
            others, others_end = start, rest
    to = mem.meta[ARENA]
    subject_n = name(mem, data, subject, subject_end, to) - to
    if subject_n < 0:
        return False
    to += subject_n if asked_for(mem, tx, _SUBJECT) else 0
    issuer_n = name(mem, data, issuer, issuer_end, to) - to
    if issuer_n < 0:
        return False
    put_row(mem, tx, _SUBJECT, d, 0, frame, subject_n)  # both texts stand there already
    put_row(mem, tx, _ISSUER, d, 0, frame, issuer_n)
    _put_serial(mem, tx, d, frame, data, serial, serial_end)
    _put_times(mem, tx, d, frame, data, times, times_end)
    if others >= 0:
        alternatives(mem, tx, d, frame, data, others, others_end, True)
    return True


@shared
def _is_cut(data, at, end):
    """Whether the head of an element, or of the first within it, ends before it is whole."""
    for _ in range(2):
        if at + 2 > end:
            return True
        length = np.int64(data[at + 1])
        long = length & 0x7F if length & 0x80 else np.int64(0)
        start = at + 2 + long
        if start > end:
            return True
        if long:
            length = np.int64(0)
            for i in range(at + 2, start):
                length = min(length << 8 | np.int64(data[i]), np.int64(1) << 40)
        if start + length > end:
            return False
        at = start
        end = start + length
    return False


@shared
def put_certificate(mem, owner, tx, d, part, frame, data, at, end):
    """A certificate of a chain; the first is taken apart. Its fingerprint is made later."""
    n = end - at
    place = put_row(mem, tx, _CERTS, d, part, frame, n)
    if place >= 0:
        copy_bytes(mem.arena, place, data, at, n)
    if part > 0:
        return
    to = put_row(mem, tx, _FINGERPRINT, d, 0, frame, 59)
    if to >= 0:
        if place < 0:
            place = mem.meta[ARENA]
            mem.meta[ARENA] = place + n
            copy_bytes(mem.arena, place, data, at, n)
        job(mem, tx, CERTIFICATE, d, to, frame, place, n)
    if not _read(mem, tx, d, frame, data, at, end):
        odd(mem, owner, _CUT if _is_cut(data, at, end) else _INVALID, d, frame, tx)
