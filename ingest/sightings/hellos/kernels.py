"""JA3, JA3S and JA4 of hellos (TLS, TLCP), into rows of EVENT.

A hello is taken where it is whole and sound; one that reaches out of what is there, or has more parts than
any honest one, has no fingerprint. The oracle is `ingest.applications.fingerprints`.
"""

from __future__ import annotations

import numpy as np

from citywall.kernels import bare_kernel, helper, internal, load_be16, shared
from ingest.sightings.digests.kernels import md5, sha256

U8 = np.uint64
# citywall.batches, whose values kernels must freeze
_TLS_SERVER = 19
_SM_SUITES = 16384
#: Most values of one list, and extensions, of a hello that is looked at.
MOST = 512
#: Bytes of scratch that texts are written to: five lists, six bytes a value, and what stands between.
SCRATCH = 5 * 6 * MOST + 64
_JA4 = 36
_WARNING = 7
_SERVER_NAME, _GROUPS, _POINTS, _SIGNATURES, _ALPN, _VERSIONS = 0, 10, 11, 13, 16, 43
_HEX = np.frombuffer(b"0123456789abcdef", np.uint8).copy()
# Gaps of a Shell sort (Knuth).
_GAPS = np.array([9841, 3280, 1093, 364, 121, 40, 13, 4, 1], np.int64)
# rows of `spans` (at, size): ciphers, extensions, groups, points, signatures, versions, first protocol
_C, _E, _G, _F, _S, _V, _P = 0, 1, 2, 3, 4, 5, 6


@internal
def made_up(value):
    """Whether a value stands for nothing (RFC 8701)."""
    return value & 0x0F0F == 0x0A0A and value >> 8 == value & 0xFF


@helper
def decimal(value, text, n):
    """A number that is not negative as text; where it ends."""
    divisor = np.int64(1)
    while value // divisor > 9:
        divisor *= 10
    while divisor > 0:
        text[n] = 48 + value // divisor % 10
        n += 1
        divisor //= 10
    return n


@internal
def four(value, text, n):
    """A number of 16 bits as four digits."""
    for j in range(4):
        text[n + j] = _HEX[(value >> (12 - 4 * j)) & 15]
    return n + 4


@helper
def joined(buffer, at, size, wide, text, n):
    """Values of `wide` bytes one after another, joined by strokes; without those that stand for nothing."""
    first = True
    for i in range(size // wide):
        value = np.int64(load_be16(buffer, at + 2 * i)) if wide == 2 else np.int64(buffer[at + i])
        if wide == 2 and made_up(value):
            continue
        if not first:
            text[n] = 45
            n += 1
        first = False
        n = decimal(value, text, n)
    return n


@shared
def sort(values, n):
    """The first `n` values in order; however many there are, in n * sqrt(n) steps at most."""
    for g in range(len(_GAPS)):
        gap = _GAPS[g]
        for i in range(gap, n):
            value = values[i]
            j = i
            while j >= gap and values[j - gap] > value:
                values[j] = values[j - gap]
                j -= gap
            values[j] = value


@internal
def two_digits(value, text, n):
    """A count of at most 99."""
    value = min(value, 99)
    text[n] = 48 + value // 10
    text[n + 1] = 48 + value % 10
    return n + 2


@internal
def version_letters(version, text, n):
    """A version as JA4 has it."""
    one, two = np.int64(48), np.int64(48)
    if 0x0301 <= version <= 0x0304:
        one, two = np.int64(49), 48 + version - 0x0301
    elif version == 0x0300 or version == 0x0002:
        one, two = np.int64(115), np.int64(51 if version == 0x0300 else 50)
    elif 0xFEFC <= version <= 0xFEFF and version != 0xFEFE:
        one, two = np.int64(100), np.int64(49 if version == 0xFEFF else (50 if version == 0xFEFD else 51))
    text[n] = one
    text[n + 1] = two
    return n + 2


@internal
def alphanumeric(c):
    """Whether a byte is a letter or a digit."""
    return 48 <= c <= 57 or 65 <= c <= 90 or 97 <= c <= 122


@internal
def protocol_letters(buffer, at, size, text, n):
    """The first and last letter of a protocol's name; noughts where there is none."""
    text[n] = 48
    text[n + 1] = 48
    if size > 0:
        first, last = buffer[at], buffer[at + size - 1]
        if alphanumeric(first) and alphanumeric(last):
            text[n] = first
            text[n + 1] = last
        else:
            text[n] = _HEX[first >> 4]
            text[n + 1] = _HEX[last & 15]
    return n + 2


@shared
def twelve(text, at, n, there, words, out, to):
    """The first twelve digits of the SHA-256 of a text, into it at `to`; noughts where there was nothing."""
    if there:
        sha256(text, at, n, words, out)
    for j in range(12):
        digit = _HEX[(out[j >> 3] >> (28 - 4 * (j & 7))) & 15]
        text[to + j] = digit if there else np.uint8(48)


@helper
def listed(values, n, text, to):
    """Sorted values as digits, commas between."""
    for i in range(n):
        if i > 0:
            text[to] = 44
            to += 1
        to = four(values[i], text, to)
    return to


@shared
def kinds(buffer, spans, every, text, n):
    """Kinds of extensions joined by strokes; `every`: also those that stand for nothing. Where they end."""
    first = True
    at = spans[_E, 0]
    stop = at + spans[_E, 1]
    while at < stop:
        kind = np.int64(load_be16(buffer, at))
        at += 4 + np.int64(load_be16(buffer, at + 2))
        if made_up(kind) and not every:
            continue
        if not first:
            text[n] = 45
            n += 1
        first = False
        n = decimal(kind, text, n)
    return n


@internal
def comma(text, n):
    """A comma; where it ends."""
    text[n] = 44
    return n + 1


@shared
def ja3_text(buffer, client, spans, version, cipher, text, n):
    """The text that JA3 (JA3S of a server, which chose `cipher`) is the digest of; where it ends."""
    n = comma(text, decimal(version, text, n))
    if not client:
        return kinds(buffer, spans, True, text, comma(text, decimal(cipher, text, n)))
    n = comma(text, joined(buffer, spans[_C, 0], spans[_C, 1], 2, text, n))
    n = comma(text, kinds(buffer, spans, False, text, n))
    n = comma(text, joined(buffer, spans[_G, 0], spans[_G, 1], 2, text, n))
    return joined(buffer, spans[_F, 0], spans[_F, 1], 1, text, n)


@shared
def ja4_text(buffer, spans, version, named, protocol, size, values, text, begun, words, out, to):
    """JA4 of a client's hello of `version`, 36 bytes from `to` on; `text` is written to behind `begun`, too.

    `named`: whether it names a server; its first protocol's name is `size` bytes at `protocol`.
    """
    chosen = np.int64(-1)
    for i in range(spans[_V, 1] // 2):
        value = np.int64(load_be16(buffer, spans[_V, 0] + 2 * i))
        if not made_up(value):
            chosen = max(chosen, value)
    ciphers = np.int64(0)
    for i in range(spans[_C, 1] // 2):
        value = np.int64(load_be16(buffer, spans[_C, 0] + 2 * i))
        if not made_up(value):
            values[ciphers] = value
            ciphers += 1
    sort(values, ciphers)
    n = listed(values, ciphers, text, begun)
    twelve(text, begun, n - begun, ciphers > 0, words, out, to + 11)
    counted = kept = np.int64(0)
    at = spans[_E, 0]
    stop = at + spans[_E, 1]
    while at < stop:
        kind = np.int64(load_be16(buffer, at))
        at += 4 + np.int64(load_be16(buffer, at + 2))
        if not made_up(kind):
            counted += 1
            if kind != _SERVER_NAME and kind != _ALPN:
                values[kept] = kind
                kept += 1
    sort(values, kept)
    n = listed(values, kept, text, begun)
    first = True
    for i in range(spans[_S, 1] // 2):
        value = np.int64(load_be16(buffer, spans[_S, 0] + 2 * i))
        if not made_up(value):
            text[n] = 95 if first else 44
            n = four(value, text, n + 1)
            first = False
    twelve(text, begun, n - begun, counted > 0, words, out, to + 24)
    text[to] = 116
    n = version_letters(chosen if chosen >= 0 else version, text, to + 1)
    text[n] = 100 if named else 105
    n = two_digits(counted, text, two_digits(ciphers, text, n + 1))
    protocol_letters(buffer, protocol, size, text, n)
    text[to + 10] = 95
    text[to + 23] = 95


# places of `marks`
_M_VERSION, _M_NAMED, _M_COUNT, _M_CIPHER = 0, 1, 2, 3


@shared
def sound_names(buffer, at, size):
    """Whether a list of protocols is names of which none reaches out of it."""
    stop = at + size
    at += 2
    while at < stop:
        at += 1 + np.int64(buffer[at])
    return at == stop or size < 2


@helper
def read_extensions(buffer, at, end, spans, marks):
    """Where the lists of extensions are; whether they are sound."""
    if at + 2 > end:
        return True
    stop = at + 2 + np.int64(load_be16(buffer, at))
    if stop > end:
        return False
    at += 2
    spans[_E, 0] = at
    while at + 4 <= stop:
        kind = np.int64(load_be16(buffer, at))
        size = np.int64(load_be16(buffer, at + 2))
        at += 4
        if at + size > stop or marks[_M_COUNT] == MOST:
            return False
        marks[_M_COUNT] += 1
        where, skip = np.int64(-1), np.int64(2)
        if kind == _GROUPS:
            where = _G
        elif kind == _POINTS:
            where, skip = _F, np.int64(1)
        elif kind == _SIGNATURES:
            where = _S
        elif kind == _VERSIONS:
            where, skip = _V, np.int64(1)
        elif kind == _ALPN:
            if not sound_names(buffer, at, size):
                return False
            spans[_P, 0] = at + 3
            spans[_P, 1] = np.int64(buffer[at + 2]) if size > 2 else 0
        elif kind == _SERVER_NAME:
            marks[_M_NAMED] = 1
        if where >= 0:
            if size > 2 * MOST:
                return False
            spans[where, 0] = at + skip
            spans[where, 1] = max(size - skip, 0)
        at += size
    spans[_E, 1] = at - spans[_E, 0]
    return True


@helper
def read_hello(buffer, at, end, client, spans, marks):
    """Where a hello's lists are, from its version on; whether it is whole and sound."""
    for i in range(7):
        spans[i, 0] = spans[i, 1] = 0
    for i in range(4):
        marks[i] = 0
    if at + 35 > end:
        return False
    marks[_M_VERSION] = load_be16(buffer, at)
    at += 34
    at += 1 + np.int64(buffer[at])
    if client:
        if at + 2 > end:
            return False
        size = np.int64(load_be16(buffer, at))
        at += 2
        if at + size + 1 > end or size > 2 * MOST:
            return False
        spans[_C, 0] = at
        spans[_C, 1] = size
        at += size
        at += 1 + np.int64(buffer[at])
        if at > end:
            return False
    else:
        if at + 3 > end:
            return False
        marks[_M_CIPHER] = load_be16(buffer, at)
        at += 3
    return read_extensions(buffer, at, end, spans, marks)


@internal
def sm_suite(value):
    """Whether a cipher suite is of SM algorithms: those of TLCP (GB/T 38636) and of RFC 8998."""
    return 0xE011 <= value <= 0xE01E or value == 0x00C6 or value == 0x00C7


@helper
def print_hello(buffer, at, end, work, raw, k, e):
    """The fingerprints of one hello, from its version on, into its row; whether it has any."""
    spans, marks, values, text, words, out = work
    client = e["kind"] != _TLS_SERVER
    if not read_hello(buffer, at, end, client, spans, marks):
        return False
    n = ja3_text(buffer, client, spans, marks[_M_VERSION], marks[_M_CIPHER], text, np.int64(0))
    md5(text, 0, n, words, out)
    e["answer_hi"] = U8(out[0]) << U8(32) | U8(out[1])
    e["answer_lo"] = U8(out[2]) << U8(32) | U8(out[3])
    sm = sm_suite(marks[_M_CIPHER])
    for i in range(spans[_C, 1] // 2):
        sm = sm or sm_suite(np.int64(load_be16(buffer, spans[_C, 0] + 2 * i)))
    if sm:
        e["flags"] |= _SM_SUITES
    if client:
        to = np.int64(e["name_size"]) + np.int64(e["rest_size"])
        ja4_text(
            buffer, spans, marks[_M_VERSION], marks[_M_NAMED] != 0, spans[_P, 0], spans[_P, 1], values, text,
            np.int64(0), words, out, np.int64(SCRATCH - _JA4),
        )  # fmt: skip
        for j in range(_JA4):
            raw[k, to + j] = text[SCRATCH - _JA4 + j]
        e["agent_size"] = _JA4
    return True


@bare_kernel
def fingerprints(buffer, starts, ends, rows, work, events, raw):
    """Fingerprints of hellos into rows `rows` of `events` (their text is `raw`); how many have any.

    `starts[j]` is where the record of hello j begins, `ends[j]` where what is there of its packet does.
    `work` is what `scratch` of `ingest.sightings.reading` gives.
    """
    found = 0
    for j in range(len(rows)):
        at, end = starts[j], ends[j]
        if buffer[at] == 0x15:  # a warning before it
            at += _WARNING
        record = at + 5 + np.int64(load_be16(buffer, at + 3))
        message = at + 9 + (np.int64(buffer[at + 6]) << 16 | np.int64(load_be16(buffer, at + 7)))
        if message > record or message > end:
            continue
        if print_hello(buffer, at + 9, message, work, raw, rows[j], events[rows[j]]):
            found += 1
    return found
