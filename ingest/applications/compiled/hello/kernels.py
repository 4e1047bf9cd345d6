"""The two hellos of TLS as rows, as `ingest.applications.hello` and `fingerprints` read them.

Texts are written behind what the arena holds: the caller has seen that there is room for twelve times the
message.
"""

from __future__ import annotations

import numpy as np

from citywall.kernels import copy_bytes, internal, load_be16, shared
from ingest.applications.compiled.layout import META_AT
from ingest.applications.compiled.rows.kernels import asked_for, note, odd, put, put_row
from ingest.applications.tables import ANOMALY_KIND, FIELD, KIND
from ingest.applications.tls import VERSIONS
from ingest.sightings.digests.kernels import md5, sha256
from ingest.sightings.hellos.kernels import (
    decimal,
    four,
    joined,
    listed,
    made_up,
    protocol_letters,
    two_digits,
    version_letters,
)

ARENA = META_AT["arena"]
_TO_SERVER, _TO_CLIENT = 0, 1
_SERVER_NAME, _GROUPS, _POINTS, _SIGNATURES, _ALPN, _VERSIONS = 0, 10, 11, 13, 16, 43
_MOST_EXTENSIONS = 1024
# Where in a hello something is, rows (at, size) of `spans`: ciphers, extensions, groups, formats of points,
# signatures, versions, protocols, the server's name.
_C, _E, _G, _P, _S, _V, _A, _N = 0, 1, 2, 3, 4, 5, 6, 7
_NAMED = 8  # whether there is a server's name, how many extensions there are
_SNI, _JA3, _JA3_HASH, _JA4, _JA3S, _JA3S_HASH = (
    KIND[name] for name in ("tls.sni", "ja3.string", "ja3.hash", "ja4.hash", "ja3s.string", "ja3s.hash")
)
_RANDOM, _RANDOM_TIME, _RANDOM_BYTES, _VERSION_TEXT, _PROTOCOL = (
    KIND[f"tls.{name}"] for name in ("random", "random_time", "random_bytes", "version", "alpn")
)
_VERSION, _CIPHER = FIELD["tls.version"], FIELD["tls.cipher"]
_TWICE, _WRONG_TYPE, _WRONG_LENGTH = (
    ANOMALY_KIND[f"tls.{name}"]
    for name in ("multiple_sni_extensions", "invalid_sni_type", "invalid_sni_length")
)
_HEX = np.frombuffer(b"0123456789abcdef", np.uint8).copy()
_VERSION_NUMBERS = np.array(list(VERSIONS), np.int64)
_VERSION_SIZES = np.array([len(text) for text in VERSIONS.values()], np.int64)
_VERSION_TEXTS = np.array([list(text.ljust(8, b"\0")) for text in VERSIONS.values()], np.uint8)
# Gaps of a Shell sort (Knuth).
_GAPS = np.array([9841, 3280, 1093, 364, 121, 40, 13, 4, 1], np.int64)


@internal
def _behind(data, at, end, wide):
    """Where what stands behind its length of `wide` bytes ends; -1 where it reaches out, or `at` is -1."""
    if at < 0 or at + wide > end:
        return np.int64(-1)
    size = np.int64(data[at]) if wide == 1 else np.int64(load_be16(data, at))
    stop = at + wide + size
    return stop if stop <= end else np.int64(-1)


@shared
def _names_end(data, at, size):
    """Whether the names of a list of protocols, behind its two bytes of length, end where it does."""
    stop = at + size
    at += 2
    while at < stop:
        at += 1 + np.int64(data[at])
    return at == stop or size < 2


@shared
def _extensions(data, at, end, spans):
    """Where the extensions are, and how many; False where one reaches out."""
    spans[_E, 0] = at
    spans[_E, 1] = 0
    spans[_NAMED, 0] = 0
    spans[_NAMED, 1] = 0
    if end - at < 2:
        return True
    stop = _behind(data, at, end, 2)
    if stop < 0:
        return False
    at += 2
    spans[_E, 0] = at
    while stop - at >= 4 and spans[_NAMED, 1] < _MOST_EXTENSIONS:
        at = _behind(data, at + 2, stop, 2)
        if at < 0:
            return False
        spans[_NAMED, 1] += 1
        spans[_E, 1] = at - spans[_E, 0]
    return True


@internal
def _list(spans, row, at, size, skipped):
    """A list of an extension, behind its own length."""
    spans[row, 0] = at + skipped
    spans[row, 1] = max(size - skipped, 0)


@shared
def _client_lists(data, spans):
    """Where a client's lists are: what is odd, -1 for nothing; -2 where a protocol's name reaches out."""
    event = np.int64(-1)
    at = spans[_E, 0]
    stop = at + spans[_E, 1]
    for row in range(_G, _N + 1):
        spans[row, 0] = at
        spans[row, 1] = 0
    while at < stop:
        kind = np.int64(load_be16(data, at))
        size = np.int64(load_be16(data, at + 2))
        at += 4
        if kind == _SERVER_NAME:
            if spans[_NAMED, 0]:
                event = np.int64(_TWICE)
            elif size >= 5:
                if data[at + 2] != 0:
                    event = np.int64(_WRONG_TYPE)
                length = np.int64(load_be16(data, at + 3))
                if 5 + length > size:
                    event = np.int64(_WRONG_LENGTH)
                else:
                    spans[_N, 0] = at + 5
                    spans[_N, 1] = length
            spans[_NAMED, 0] = 1
        elif kind == _GROUPS:
            _list(spans, _G, at, size, 2)
        elif kind == _SIGNATURES:
            _list(spans, _S, at, size, 2)
        elif kind == _VERSIONS:
            _list(spans, _V, at, size, 1)
        elif kind == _POINTS:
            _list(spans, _P, at, size, 1)
        elif kind == _ALPN:
            if not _names_end(data, at, size):
                return np.int64(-2)
            _list(spans, _A, at, size, 2)
        at += size
    return event


@shared
def _kinds(data, spans, every, text, n):
    """The kinds of extensions joined by strokes; `every`: also those that stand for nothing (RFC 8701)."""
    first = True
    at = spans[_E, 0]
    stop = at + spans[_E, 1]
    while at < stop:
        kind = np.int64(load_be16(data, at))
        at += 4 + np.int64(load_be16(data, at + 2))
        if made_up(kind) and not every:
            continue
        if not first:
            text[n] = 45
            n += 1
        first = False
        n = decimal(kind, text, n)
    return n


@internal
def _comma(text, n):
    text[n] = 44
    return n + 1


@shared
def put_hex(mem, words, to):
    """So many words of a digest, as digits."""
    for j in range(8 * words):
        mem.arena[to + j] = _HEX[(mem.digest[j >> 3] >> (28 - 4 * (j & 7))) & 15]


@shared
def put_text(mem, tx, d, frame, n, kind, hashed):
    """A text of `n` bytes that stands behind what the arena holds, and its MD5."""
    wanted = asked_for(mem, tx, hashed)
    if wanted:
        md5(mem.arena, mem.meta[ARENA], n, mem.words, mem.digest)
    put_row(mem, tx, kind, d, 0, frame, n)
    if wanted:
        put_hex(mem, 4, put_row(mem, tx, hashed, d, 0, frame, 32))


@shared
def _put_ja3(mem, tx, frame, data, version):
    if not asked_for(mem, tx, _JA3) and not asked_for(mem, tx, _JA3_HASH):
        return
    spans, text, begun = mem.spans, mem.arena, mem.meta[ARENA]
    n = _comma(text, decimal(version, text, begun))
    n = _comma(text, joined(data, spans[_C, 0], spans[_C, 1], 2, text, n))
    n = _comma(text, _kinds(data, spans, False, text, n))
    n = _comma(text, joined(data, spans[_G, 0], spans[_G, 1], 2, text, n))
    n = joined(data, spans[_P, 0], spans[_P, 1], 1, text, n)
    put_text(mem, tx, _TO_SERVER, frame, n - begun, _JA3, _JA3_HASH)


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


@shared
def _twelve(mem, at, n, there, to):
    """The first twelve digits of a text's SHA-256, noughts where there was nothing."""
    if there:
        sha256(mem.arena, at, n, mem.words, mem.digest)
    for j in range(12):
        digit = _HEX[(mem.digest[j >> 3] >> (28 - 4 * (j & 7))) & 15]
        mem.arena[to + j] = digit if there else np.uint8(48)


@shared
def _put_ja4(mem, tx, frame, data, version):
    to = put_row(mem, tx, _JA4, _TO_SERVER, 0, frame, 36)
    if to < 0:
        return
    spans, text, values, begun = mem.spans, mem.arena, mem.values, mem.meta[ARENA]
    chosen = np.int64(-1)
    for i in range(spans[_V, 1] // 2):
        value = np.int64(load_be16(data, spans[_V, 0] + 2 * i))
        if not made_up(value):
            chosen = max(chosen, value)
    ciphers = np.int64(0)
    for i in range(spans[_C, 1] // 2):
        value = np.int64(load_be16(data, spans[_C, 0] + 2 * i))
        if not made_up(value):
            values[ciphers] = value
            ciphers += 1
    sort(values, ciphers)
    n = listed(values, ciphers, text, begun)
    _twelve(mem, begun, n - begun, ciphers > 0, to + 11)
    counted = kept = np.int64(0)
    at = spans[_E, 0]
    stop = at + spans[_E, 1]
    while at < stop:
        kind = np.int64(load_be16(data, at))
        at += 4 + np.int64(load_be16(data, at + 2))
        if not made_up(kind):
            counted += 1
            if kind != _SERVER_NAME and kind != _ALPN:
                values[kept] = kind
                kept += 1
    sort(values, kept)
    n = listed(values, kept, text, begun)
    first = True
    for i in range(spans[_S, 1] // 2):
        value = np.int64(load_be16(data, spans[_S, 0] + 2 * i))
        if not made_up(value):
            text[n] = 95 if first else 44
            n = four(value, text, n + 1)
            first = False
    _twelve(mem, begun, n - begun, counted > 0, to + 24)
    text[to] = 116
    n = version_letters(chosen if chosen >= 0 else version, text, to + 1)
    text[n] = 100 if spans[_NAMED, 0] else 105
    n = two_digits(counted, text, two_digits(ciphers, text, n + 1))
    size = np.int64(data[spans[_A, 0]]) if spans[_A, 1] > 0 else np.int64(0)
    protocol_letters(data, spans[_A, 0] + 1, size, text, n)
    text[to + 10] = 95
    text[to + 23] = 95


@shared
def _put_random(mem, tx, d, frame, data, at):
    put(mem, tx, _RANDOM, d, 0, frame, data, at, 32)
    put(mem, tx, _RANDOM_TIME, d, 0, frame, data, at, 4)
    put(mem, tx, _RANDOM_BYTES, d, 0, frame, data, at + 4, 28)


@shared
def client_hello(mem, owner, tx, frame, data, at, end):
    """A client's hello, from its version on; False where it is cut."""
    spans = mem.spans
    begun = at
    ciphers = _behind(data, at + 34, end, 1)
    at = _behind(data, ciphers, end, 2)
    at = _behind(data, at, end, 1)
    if at < 0:
        return False
    spans[_C, 0] = ciphers + 2
    spans[_C, 1] = np.int64(load_be16(data, ciphers))
    if not _extensions(data, at, end, spans):
        return False
    event = _client_lists(data, spans)
    if event == -2:
        return False
    version = np.int64(load_be16(data, begun))
    if spans[_N, 1] > 0:
        put(mem, tx, _SNI, _TO_SERVER, 0, frame, data, spans[_N, 0], spans[_N, 1])
    _put_ja3(mem, tx, frame, data, version)
    _put_ja4(mem, tx, frame, data, version)
    _put_random(mem, tx, _TO_SERVER, frame, data, begun + 2)
    note(mem, tx, _VERSION, _TO_SERVER, 0, frame, version)
    at = spans[_A, 0]
    stop = at + spans[_A, 1]
    part = 0
    while at < stop:
        size = np.int64(data[at])
        put(mem, tx, _PROTOCOL, _TO_SERVER, part, frame, data, at + 1, size)
        at += 1 + size
        part += 1
    if event >= 0:
        odd(mem, owner, event, _TO_SERVER, frame, tx)
    return True


@shared
def _put_version(mem, tx, frame, version):
    """A version as people write it; four digits where nobody does."""
    for row in range(len(_VERSION_NUMBERS)):
        if _VERSION_NUMBERS[row] == version:
            size = _VERSION_SIZES[row]
            to = put_row(mem, tx, _VERSION_TEXT, _TO_CLIENT, 0, frame, size)
            if to >= 0:
                copy_bytes(mem.arena, to, _VERSION_TEXTS[row], 0, size)
            return
    to = put_row(mem, tx, _VERSION_TEXT, _TO_CLIENT, 0, frame, 4)
    if to >= 0:
        four(version, mem.arena, to)


@shared
def _put_ja3s(mem, tx, frame, data, legacy, cipher):
    if not asked_for(mem, tx, _JA3S) and not asked_for(mem, tx, _JA3S_HASH):
        return
    text, begun = mem.arena, mem.meta[ARENA]
    n = _comma(text, decimal(legacy, text, begun))
    n = _comma(text, decimal(cipher, text, n))
    n = _kinds(data, mem.spans, True, text, n)
    put_text(mem, tx, _TO_CLIENT, frame, n - begun, _JA3S, _JA3S_HASH)


@shared
def server_hello(mem, tx, frame, data, at, end):
    """A server's hello, from its version on: the version chosen; -1 where it is cut."""
    spans = mem.spans
    begun = at
    at = _behind(data, at + 34, end, 1)
    if at < 0 or at + 3 > end or not _extensions(data, at + 3, end, spans):
        return np.int64(-1)
    cipher = np.int64(load_be16(data, at))
    legacy = version = np.int64(load_be16(data, begun))
    name = size = np.int64(0)
    at = spans[_E, 0]
    stop = at + spans[_E, 1]
    while at < stop:
        kind = np.int64(load_be16(data, at))
        length = np.int64(load_be16(data, at + 2))
        at += 4
        if kind == _VERSIONS and length == 2:
            version = np.int64(load_be16(data, at))
        elif kind == _ALPN:
            if not _names_end(data, at, length):
                return np.int64(-1)
            name = at + 3
            size = np.int64(data[at + 2]) if length > 2 else np.int64(0)
        at += length
    _put_ja3s(mem, tx, frame, data, legacy, cipher)
    _put_version(mem, tx, frame, version)
    _put_random(mem, tx, _TO_CLIENT, frame, data, begun + 2)
    note(mem, tx, _VERSION, _TO_CLIENT, 0, frame, version)
    note(mem, tx, _CIPHER, _TO_CLIENT, 0, frame, cipher)
    if size > 0:
        put(mem, tx, _PROTOCOL, _TO_CLIENT, 0, frame, data, name, size)
    return version
