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
from ingest.sightings.digests.kernels import md5
from ingest.sightings.hellos.kernels import _C, _E, _F, _G, _S, _V, four, ja3_text, ja4_text, sound_names

ARENA = META_AT["arena"]
_TO_SERVER, _TO_CLIENT = 0, 1
_SERVER_NAME, _GROUPS, _POINTS, _SIGNATURES, _ALPN, _VERSIONS = 0, 10, 11, 13, 16, 43
_MOST_EXTENSIONS = 1024
# Where in a hello something is: behind the rows of `spans` that fingerprints are made of, protocols and the
# server's name.
_A, _N = 6, 7
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


@internal
def _behind(data, at, end, wide):
    """Where what stands behind its length of `wide` bytes ends; -1 where it reaches out, or `at` is -1."""
    if at < 0 or at + wide > end:
        return np.int64(-1)
    size = np.int64(data[at]) if wide == 1 else np.int64(load_be16(data, at))
    stop = at + wide + size
    return stop if stop <= end else np.int64(-1)


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
            _list(spans, _F, at, size, 1)
        elif kind == _ALPN:
            if not sound_names(data, at, size):
                return np.int64(-2)
            _list(spans, _A, at, size, 2)
        at += size
    return event


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
def _put_ja3(mem, tx, d, frame, data, version, cipher):
    kind, hashed = (_JA3, _JA3_HASH) if d == _TO_SERVER else (_JA3S, _JA3S_HASH)
    if not asked_for(mem, tx, kind) and not asked_for(mem, tx, hashed):
        return
    begun = mem.meta[ARENA]
    n = ja3_text(data, d == _TO_SERVER, mem.spans, version, cipher, mem.arena, begun)
    put_text(mem, tx, d, frame, n - begun, kind, hashed)


@shared
def _put_ja4(mem, tx, frame, data, version):
    to = put_row(mem, tx, _JA4, _TO_SERVER, 0, frame, 36)
    if to < 0:
        return
    spans = mem.spans
    size = np.int64(data[spans[_A, 0]]) if spans[_A, 1] > 0 else np.int64(0)
    ja4_text(
        data, spans, version, spans[_NAMED, 0] != 0, spans[_A, 0] + 1, size, mem.values, mem.arena,
        mem.meta[ARENA], mem.words, mem.digest, to,
    )  # fmt: skip


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
    _put_ja3(mem, tx, _TO_SERVER, frame, data, version, np.int64(0))
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
            if not sound_names(data, at, length):
                return np.int64(-1)
            name = at + 3
            size = np.int64(data[at + 2]) if length > 2 else np.int64(0)
        at += length
    _put_ja3(mem, tx, _TO_CLIENT, frame, data, legacy, cipher)
    _put_version(mem, tx, frame, version)
    _put_random(mem, tx, _TO_CLIENT, frame, data, begun + 2)
    note(mem, tx, _VERSION, _TO_CLIENT, 0, frame, version)
    note(mem, tx, _CIPHER, _TO_CLIENT, 0, frame, cipher)
    if size > 0:
        put(mem, tx, _PROTOCOL, _TO_CLIENT, 0, frame, data, name, size)
    return version
