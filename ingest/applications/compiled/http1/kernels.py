"""HTTP/1 as `ingest.applications.http1` reads it; what is very strange goes to Python.

Plain heads end their lines with CR LF and go on over none: ordinary bytes, `METHOD /target HTTP/x`,
`HTTP/x NNN words`, fields `name: value`; bodies come by Content-Length (RFC 9112 §6), in chunks or to the
end. Strange heads of answers are read here, too, where one piece brought all that their meaning hangs on.
Whatever else comes, a step answers `HAND` with nothing of it used up: the parser in Python goes on from that
very message or part of a body, so a step may always be more careful than it needs to be.

A flow's lists: requests that are not over (what was asked, path), bodies of both directions, what heads said
of them. Its words: what each direction is in the middle of, what is left of a length or chunk, the run of
pieces in which a request ended, whether an interim answer said to go on.
"""

from __future__ import annotations

import numpy as np

from citywall.kernels import copy_bytes, internal, shared, store_le64
from ingest.applications.compiled.layout import (
    BODY,
    BODY_HEAD,
    CONFIG_AT,
    FILE_METHOD,
    HASHES,
    HEAD_METHOD,
    HTTP,
    MARKS,
    META_AT,
    MOST_LINES,
    NOT_ODD,
    OTHER_METHOD,
)
from ingest.applications.compiled.looks.kernels import place_of
from ingest.applications.compiled.memory.kernels import append, copy_out, frame_upto, hold, remove
from ingest.applications.compiled.rows.kernels import (
    asked_for,
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
from ingest.applications.http1_looks import KNOWN
from ingest.applications.loose_headers import MOST_FOLDS
from ingest.applications.parser import MOST_HELD
from ingest.applications.tables import ANOMALY_KIND, FIELD, KIND

# What a direction is in the middle of.
HEAD, LENGTH, SIZE, CHUNK, CHUNK_END, TRAILER, CLOSE = 0, 1, 2, 3, 4, 5, 6
# What a step answers where it does not say up to where it read.
WAIT, NO_ROOM_NOW, HAND = -1, -2, -3
# Lists, and words.
ASKED, BODIES, ABOUT = 0, 1, 3
PHASE, LEFT, SURPLUS, CONTINUED = 0, 2, 4, 5
# States of an answer, `y` of what was asked.
UNANSWERED, ANSWERING, ANSWERED = 0, 1, 2
#: Bytes of a head that are read here, bytes of a body's disposition and the like, requests without an answer.
MOST_HEAD, MOST_OPEN_HERE = 16_000, 1024
ARENA, ODDITIES = META_AT["arena"], META_AT["odd"]
_BODY_BYTES, _WANTS_HASHES, _LAYERS = (CONFIG_AT[name] for name in ("body", "hashes", "layers"))
# Where in the scratch memory fields of a strange head are written out, and joined values behind them.
_TEXT, _JOINED = MOST_HELD + (1 << 16), MOST_HELD + (2 << 16)


def _rows(texts):
    """Texts as rows of bytes, with their lengths."""
    rows = np.zeros((len(texts), max(map(len, texts))), np.uint8)
    for row, text in zip(rows, texts, strict=True):
        row[: len(text)] = np.frombuffer(text.encode(), np.uint8)
    return rows, np.array([len(text) for text in texts], np.int64)


_NAMES = (
    "user-agent", "cookie", "referer", "accept", "accept-encoding", "accept-language", "content-type",
    "content-length", "connection", "server", "location", "set-cookie", "host", "transfer-encoding",
    "content-encoding", "content-disposition", "authorization",
)  # fmt: skip
_KEYS, _KEY_SIZES = _rows(_NAMES)
(_COOKIE, _TYPE, _CONTENT_LENGTH, _SET_COOKIE, _HOST, _TRANSFER, _ENCODING, _DISPOSITION, _AUTHORIZATION) = (
    _NAMES.index(name)
    for name in (
        "cookie", "content-type", "content-length", "set-cookie", "host", "transfer-encoding",
        "content-encoding", "content-disposition", "authorization",
    )
)  # fmt: skip
# Fields that have buffers of their own, in the order of these.
_REQUEST = np.array(
    [
        (_NAMES.index(name), KIND[f"http.{kind}"])
        for name, kind in (
            ("user-agent", "user_agent"), ("cookie", "cookie"), ("referer", "referer"), ("accept", "accept"),
            ("accept-encoding", "accept_enc"), ("accept-language", "accept_lang"),
            ("content-type", "content_type"), ("content-length", "content_len"), ("connection", "connection"),
        )
    ]
)  # fmt: skip
_RESPONSE = np.array(
    [
        (_NAMES.index(name), KIND[f"http.{kind}"])
        for name, kind in (
            ("server", "server"), ("location", "location"), ("set-cookie", "cookie"),
            ("content-type", "content_type"), ("content-length", "content_len"), ("connection", "connection"),
        )
    ]
)  # fmt: skip
_CODINGS, _CODING_SIZES = _rows(
    ("gzip", "x-gzip", "deflate", "x-deflate", "lzma", "br", "inflate", "none", "identity")
)
_IDENTITY = len(_CODING_SIZES) - 1  # known among others, odd by itself
_SCHEMES, _SCHEME_SIZES = _rows(("basic", "digest", "bearer", "negotiate", "ntlm"))
_METHODS, _METHOD_SIZES = _rows(sorted(word.decode() for word in KNOWN))
_WORDS, _WORD_SIZES = _rows(("chunked", "multipart/", "byteranges"))
_CHUNKED, _MULTIPART, _BYTERANGES = 0, 1, 2
_HTTP = np.frombuffer(b"http", np.uint8).copy()
_CONNECT = np.frombuffer(b"CONNECT", np.uint8).copy()
_SLASH = np.frombuffer(b"HTTP/", np.uint8).copy()
_TOKEN = np.zeros(256, np.bool_)
_TOKEN[
    np.frombuffer(b"!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz", np.uint8)
] = True
# What a host's labels are of.
_LABEL = np.zeros(256, np.bool_)
_LABEL[np.frombuffer(b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_-", np.uint8)] = True
# Bytes that a plain head has: 1; CR and LF: 2.
_PLAIN = np.ones(256, np.uint8)
_PLAIN[:32] = 0
_PLAIN[[9, 127]] = 1, 0
_PLAIN[[10, 13]] = 2
_HEX = np.full(256, -1, np.int64)
for _digits, _value in ((b"0123456789", 0), (b"abcdef", 10), (b"ABCDEF", 10)):
    for _i, _digit in enumerate(_digits):
        _HEX[_digit] = _value + _i

_METHOD, _URI, _URI_RAW, _PROTOCOL, _REQUEST_LINE = (
    KIND[f"http.{name}"] for name in ("method", "uri", "uri.raw", "protocol", "request_line")
)
_HOST_KIND, _HOST_RAW = KIND["http.host"], KIND["http.host.raw"]
_RAW, _START, _HEADER, _HEADER_NAMES = (
    KIND[f"http.{name}"] for name in ("header.raw", "start", "header", "header_names")
)
_FIELDS = np.array([KIND["http.request_header"], KIND["http.response_header"]])
_RESPONSE_LINE, _STAT_CODE, _STAT_MSG = (
    KIND[f"http.{name}"] for name in ("response_line", "stat_code", "stat_msg")
)
_BODY_KINDS = np.array([KIND["http.request_body"], KIND["http.response_body"]])
_URILEN, _URILEN_RAW, _CODE = FIELD["urilen"], FIELD["urilen.raw"], FIELD["http.stat_code"]
_FILE_SIZE, _FILE_COMPLETE = FIELD["file.size"], FIELD["file.complete"]
_DATA, _NAME = KIND["file.data"], KIND["file.name"]
_DIGESTS = np.array([[KIND["file.md5"], 32], [KIND["file.sha1"], 40], [KIND["file.sha256"], 64]])
_MISSING_HOST, _HOST_INVALID, _AUTH, _AGAIN = (
    ANOMALY_KIND[f"http.{name}"]
    for name in (
        "missing_host_header", "request_header_host_invalid", "request_auth_unrecognized",
        "100_continue_already_seen",
    )
)  # fmt: skip
_REPETITION = np.array(
    [ANOMALY_KIND["http.request_header_repetition"], ANOMALY_KIND["http.response_header_repetition"]]
)
(_MISSING_COLON, _LENGTH_TWICE, _NO_LENGTH, _ABNORMAL, _OLD_CHUNKED, _RANGES, _MANY_LAYERS, _ODD_CODING) = (
    ANOMALY_KIND[f"http.{name}"]
    for name in (
        "response_field_missing_colon", "duplicate_content_length_field_in_response",
        "invalid_content_length_field_in_response", "response_abnormal_transfer_encoding",
        "response_chunked_old_proto", "response_multipart_byteranges", "too_many_encoding_layers",
        "abnormal_ce_header",
    )
)  # fmt: skip
_EXTENSION = np.array(
    [ANOMALY_KIND["http.request_chunk_extension"], ANOMALY_KIND["http.response_chunk_extension"]]
)
_INVALID_SIZE, _TRAILER_KIND = ANOMALY_KIND["http.invalid_response_chunk_len"], KIND["http.trailer"]
# Columns of what is kept of a field: name, value, its place in _NAMES or -1, the first one of its name, the
# next one whose value is joined to its own, in the first one the last, and the name by which it is compared.
_FROM, _TO, _VALUE, _END, _KEY, _FIRST, _NEXT, _LAST, _COMPARED, _COMPARED_END = 0, 1, 2, 3, 4, 5, 6, 7, 8, 9
_VERSION_1_1 = np.frombuffer(b"/1.1", np.uint8).copy()


@internal
def _lower(byte):
    return byte + 32 if 65 <= byte <= 90 else byte


@shared
def _same(data, at, end, word, size):
    """Whether `data[at:end]` is a word in lower case, whatever its own case."""
    if end - at != size:
        return False
    for i in range(size):
        if _lower(data[at + i]) != word[i]:
            return False
    return True


@shared
def _among(data, at, end, words, sizes):
    """The place of `data[at:end]` among words in lower case, -1 where it is none of them."""
    for row in range(len(sizes)):
        if sizes[row] == end - at and _same(data, at, end, words[row], sizes[row]):
            return np.int64(row)
    return np.int64(-1)


@shared
def _has(data, at, end, row):
    """Whether a word of _WORDS stands in `data[at:end]`, whatever its case."""
    size = _WORD_SIZES[row]
    for i in range(at, end - size + 1):
        if _same(data, i, i + size, _WORDS[row], size):
            return True
    return False


@shared
def _exactly(data, at, end, word):
    """Whether `data[at:end]` begins with a word."""
    if end - at < len(word):
        return False
    for i in range(len(word)):
        if data[at + i] != word[i]:
            return False
    return True


@shared
def _known_method(data, at, end):
    """Whether `data[at:end]` is one of the methods that begin another request."""
    for row in range(len(_METHOD_SIZES)):
        if _METHOD_SIZES[row] == end - at:
            i = 0
            while i < end - at and data[at + i] == _METHODS[row, i]:
                i += 1
            if i == end - at:
                return True
    return False


@internal
def _blank(byte):
    """Whether a byte is skipped before a head."""
    return byte == 32 or 9 <= byte <= 13 or byte == 0


@shared
def _mark(mem, flow, d, upto, frame, time):
    """Frame and time with which the first `upto` bytes of what is read were there."""
    at = np.int64(flow["tables"][MARKS + d])
    while at >= 0:
        node = mem.nodes[at]
        upto -= np.int64(node["a"])
        if upto <= 0:
            return np.int64(node["b"]), np.int64(node["c"])
        at = np.int64(node["after"])
    return frame, time


# Heads.


@shared
def _head_end(data, at, end):
    """Where a plain head ends that begins at `at`; WAIT, or HAND."""
    i = at
    while i < end:
        kind = _PLAIN[data[i]]
        if kind == 1:
            i += 1
            continue
        if kind == 0 or data[i] != 13:
            return np.int64(HAND)
        if i + 1 >= end:
            return np.int64(WAIT)
        if data[i + 1] != 10:
            return np.int64(HAND)
        i += 2
        if i >= end:
            return np.int64(WAIT)
        if data[i] == 32 or data[i] == 9:
            return np.int64(HAND)
        if data[i] == 13:
            if i + 1 >= end:
                return np.int64(WAIT)
            return i + 2 if data[i + 1] == 10 else np.int64(HAND)
    return np.int64(WAIT)


@shared
def _take_fields(mem, data, at, end):
    """The fields from `at` to the empty line before `end`: how many, -1 where they are not plain."""
    lines = mem.lines
    n = 0
    while at < end - 2:
        if n >= MOST_LINES:
            return np.int64(-1)
        stop = place_of(data, at, end, 13)
        colon = at
        while colon < stop and _TOKEN[data[colon]]:
            colon += 1
        if colon == at or colon == stop or data[colon] != 58:
            return np.int64(-1)
        value = colon + 1
        while value < stop and (data[value] == 32 or data[value] == 9):
            value += 1
        last = stop
        while last > value and (data[last - 1] == 32 or data[last - 1] == 9):
            last -= 1
        line = lines[n]
        line[_FROM] = at
        line[_TO] = colon
        line[_VALUE] = value
        line[_END] = last
        line[_COMPARED] = at
        line[_COMPARED_END] = colon
        _chain_field(lines, n, data)
        n += 1
        at = stop + 2
    return np.int64(n)


@shared
def _chain_field(lines, n, text):
    """Field `n` is known: it is chained to others of its name. Lengths of bodies are not joined."""
    line = lines[n]
    line[_KEY] = _among(text, line[_COMPARED], line[_COMPARED_END], _KEYS, _KEY_SIZES)
    line[_FIRST] = n
    line[_NEXT] = -1
    line[_LAST] = n
    for k in range(n):
        if lines[k, _FIRST] == k and _same_name(text, lines[k], line):
            line[_FIRST] = k
            if line[_KEY] != _CONTENT_LENGTH:
                lines[lines[k, _LAST], _NEXT] = n
                lines[k, _LAST] = n
            return


@shared
def _same_name(text, one, other):
    """Whether two fields bear the same name."""
    size = one[_COMPARED_END] - one[_COMPARED]
    if other[_COMPARED_END] - other[_COMPARED] != size or one[_KEY] != other[_KEY]:
        return False
    if one[_KEY] >= 0:
        return True
    for i in range(size):
        if _lower(text[one[_COMPARED] + i]) != _lower(text[other[_COMPARED] + i]):
            return False
    return True


# Strange heads (`ingest.applications.loose_headers`). What hangs on bytes yet to come goes to Python.


@internal
def _end_of_line(data, at):
    """Length of an ordinary end of line, 0 where there is none; two bytes are there."""
    c, d = data[at], data[at + 1]
    if (c == 13 and d == 10) or (c == 10 and d == 13):
        return np.int64(2)
    return np.int64(1) if c == 13 or c == 10 else np.int64(0)


@shared
def _odd_end(data, at, end):
    """Length of an end of line that is deformed, 0 where it is not; HAND where more bytes would tell."""
    if data[at] == 10 and data[at + 1] == 13 and data[at + 2] == 13:
        if at + 3 < end and data[at + 3] != 10:
            return np.int64(0)
        if at + 5 >= end:
            return np.int64(HAND)
        return np.int64(4) if data[at + 4] == 13 and data[at + 5] == 10 else np.int64(0)
    if data[at] != 13 or data[at + 1] != 10 or data[at + 2] != 13:
        return np.int64(0)
    stop = at + 3
    while stop < end and (data[stop] == 13 or data[stop] == 32 or data[stop] == 9):
        stop += 1
    if stop == at + 3 and stop < end:
        return np.int64(0)
    if stop < end and data[stop] == 10:
        stop += 1
    if stop >= end or (data[stop] == 13 and stop + 1 >= end):
        return np.int64(HAND)
    if data[stop] == 10 or (data[stop] == 13 and data[stop + 1] == 10):
        return np.int64(0)
    return stop - at


@shared
def _part(data, at, end):
    """Up to an end of line: where it is, what follows, its length, the byte that folds it or -1; HAND."""
    stop = at
    while stop < end and data[stop] != 13 and data[stop] != 10:
        stop += 1
    none = np.int64(-1)
    if stop + 1 >= end:
        return stop, np.int64(HAND), none, none
    size = _end_of_line(data, stop)
    after = stop + size
    if after >= end:
        return stop, np.int64(HAND), none, none
    if data[after] == 32 or data[after] == 9 or data[after] == 0:
        return stop, after + 1, size, np.int64(data[after])
    if stop + 2 >= end:
        return stop, np.int64(HAND), none, none
    odd_size = _odd_end(data, stop, end)
    if odd_size < 0:
        return stop, np.int64(HAND), none, none
    if odd_size > 0:
        return stop, stop + odd_size, odd_size, none
    return stop, after, size, none


@shared
def _named_here(data, at, end):
    """Whether a field's name and a colon stand there; HAND where they may yet."""
    while at < end and (data[at] == 32 or data[at] == 9):
        at += 1
    begun = at
    while at < end and _TOKEN[data[at]]:
        at += 1
    named = at > begun
    while at < end and (data[at] == 32 or data[at] == 9):
        at += 1
    if at < end and data[at] == 58:
        if named:
            return np.int64(1)
        at += 1
        while at < end and (data[at] == 32 or data[at] == 9):
            at += 1
    return np.int64(HAND) if at == end else np.int64(0)


@shared
def _colon_of(data, at, end):
    """Where the colon behind a name is, -1 where the line has none; HAND."""
    while at < end:
        c = data[at]
        if c == 58:
            return at
        if c == 13 or c == 10:
            at += 1
            if c == 13 and at < end and data[at] == 10:
                at += 1
            if at < end and data[at] != 32:
                return np.int64(-1)
        at += 1
    return np.int64(HAND)


@shared
def _folded_value(data, at, end, out, to):
    """A value with the lines that it goes on over: where it ends in `out`, and in `data`, or HAND."""
    begun = to
    stop, after, size, fold = _part(data, at, end)
    copy_bytes(out, to, data, at, stop - at)
    to += stop - at
    if fold < 0:
        return to, after
    rest = after
    for _ in range(MOST_FOLDS):
        at = after
        named = _named_here(data, at, end)
        if named != 0:
            return to, at if named > 0 else np.int64(HAND)
        if to > begun:
            out[to] = fold or 32
            to += 1
        stop, after, size, fold = _part(data, at, end)
        if after < 0:
            return to, after
        if stop > at or size > 1:
            rest = after
            copy_bytes(out, to, data, at, stop - at)
            to += stop - at
        elif after >= end:
            return to, np.int64(HAND)
        elif data[after] == 10:
            rest = after
        if fold < 0:
            break
    return to, rest


@internal
def _around(byte):
    """Whether a byte around a name or value is not of it."""
    return byte == 32 or 9 <= byte <= 13


@shared
def _without_zeros(text, at, end):
    """Take zero bytes out of a text; where it ends."""
    to = at
    for i in range(at, end):
        if text[i] != 0:
            text[to] = text[i]
            to += 1
    return to


@shared
def _loose_name(line, data, at, colon, text, to):
    """The name before a colon, and the one by which it is compared; where they end."""
    while at < colon and _around(data[at]):
        at += 1
    while colon > at and _around(data[colon - 1]):
        colon -= 1
    size = colon - at
    copy_bytes(text, to, data, at, size)
    copy_bytes(text, to + size, data, at, size)
    line[_FROM] = to
    line[_TO] = to + size
    line[_COMPARED] = to + size
    line[_COMPARED_END] = _without_zeros(text, to + size, to + 2 * size)
    return to + 2 * size


@shared
def _loose_fields(mem, data, at, end):
    """Fields of a strange head, written out: how many, where the head ends, whether each had a colon.

    HAND for the number where the head is not whole, or too much.
    """
    lines, text = mem.lines, mem.scratch
    n = 0
    sound = True
    to = np.int64(_TEXT)
    if at + 1 < end and (data[at] == 10 or (data[at] == 13 and data[at + 1] == 10)):
        return np.int64(n), at + _end_of_line(data, at), sound
    while n < MOST_LINES:
        line = lines[n]
        colon = _colon_of(data, at, end)
        if colon == HAND:
            break
        to = _loose_name(line, data, at, max(colon, at), text, to)
        if colon < 0:
            sound = False
        else:
            at = colon + 1
            while at < end and (data[at] == 32 or data[at] == 9):
                at += 1
        begun = to
        to, at = _folded_value(data, at, end, text, begun)
        if at < 0 or at + 1 >= end:
            break
        first, last = begun, to
        while first < last and (_around(text[first]) or text[first] == 0):
            first += 1
        while last > first and (_around(text[last - 1]) or text[last - 1] == 0):
            last -= 1
        line[_VALUE] = first
        line[_END] = _without_zeros(text, first, last)
        _chain_field(lines, n, text)
        n += 1
        size = _end_of_line(data, at)
        if size > 0:
            return np.int64(n), at + size, sound
    return np.int64(HAND), at, sound


@shared
def _loose_head(mem, data, at, end):
    """A strange head of an answer: where its first line ends, what follows that, and as `_loose_fields`."""
    end = min(end, at + MOST_HEAD)
    none = np.int64(HAND)
    line_end = at
    while line_end < end and data[line_end] != 13 and data[line_end] != 10:
        line_end += 1
    if line_end + 2 >= end:
        return line_end, line_end, none, line_end, True
    if data[line_end] == 13 and data[line_end + 1] != 10:  # a bare CR ends the line
        n, stop, sound = _loose_fields(mem, data, line_end + 1, end)
        return line_end, line_end + 1, n, stop, sound
    raw = line_end + 2 if data[line_end] == 13 else line_end + 1
    if data[raw] == 10:
        return line_end, raw, np.int64(0), raw + 1, True
    if data[raw] == 13:
        if raw + 1 >= end:
            return line_end, raw, none, raw, True
        if data[raw + 1] == 10:
            return line_end, raw, np.int64(0), raw + 2, True
    if not _is_strange(data, raw, end):
        return line_end, raw, none, raw, True
    n, stop, sound = _loose_fields(mem, data, raw, end)
    return line_end, raw, n, stop, sound


@shared
def _is_strange(data, at, end):
    """Whether lines up to an empty one end strangely; False where they do not as far as is known."""
    while at + 1 < end:
        c, d = data[at], data[at + 1]
        if c == 13 and d != 10:
            return True
        if c == 10 and (d == 32 or d == 9 or d == 0 or d == 13):
            return True
        if c == 10 and d == 10:
            return False
        at += 1
    return False


@shared
def _field(lines, n, key):
    """The first field with a name of _NAMES, -1 where there is none."""
    for i in range(n):
        if lines[i, _KEY] == key:
            return np.int64(i)
    return np.int64(-1)


@shared
def _once(lines, n, key):
    """`_field`; -2 where it came more than once."""
    i = _field(lines, n, key)
    for k in range(i + 1, n):
        if i >= 0 and lines[k, _FIRST] == i:
            return np.int64(-2)
    return i


@shared
def _merged_size(lines, i):
    """Length of all values of a field's name, a comma and a blank between them."""
    size = np.int64(-2)
    while i >= 0:
        size += lines[i, _END] - lines[i, _VALUE] + 2
        i = lines[i, _NEXT]
    return size


@shared
def _put_merged(lines, i, data, out, at):
    """Those values; where they end."""
    first = True
    while i >= 0:
        if not first:
            out[at] = 44
            out[at + 1] = 32
            at += 2
        first = False
        size = lines[i, _END] - lines[i, _VALUE]
        copy_bytes(out, at, data, lines[i, _VALUE], size)
        at += size
        i = lines[i, _NEXT]
    return at


@shared
def _put_fields(mem, tx, d, frame, data, n, kinds):
    """Fields that have buffers of their own."""
    lines = mem.lines
    for row in range(len(kinds)):
        i = _field(lines, n, kinds[row, 0])
        if i >= 0:
            at = put_row(mem, tx, kinds[row, 1], d, 0, frame, _merged_size(lines, i))
            if at >= 0:
                _put_merged(lines, i, data, mem.arena, at)


@shared
def _put_name(mem, line, data, at):
    """A name, a colon and a blank; where they end."""
    size = line[_TO] - line[_FROM]
    copy_bytes(mem.arena, at, data, line[_FROM], size)
    mem.arena[at + size] = 58
    mem.arena[at + size + 1] = 32
    return at + size + 2


@internal
def _new_line(out, at):
    out[at] = 13
    out[at + 1] = 10
    return at + 2


@shared
def _put_block(mem, tx, d, frame, data, at, line_end, raw, end, text, n, without):
    """The header block: as it came from `raw` on, with one line a name, the names, each field of `text`."""
    lines = mem.lines
    put(mem, tx, _RAW, d, 0, frame, data, raw, end - raw)
    to = put_row(mem, tx, _START, d, 0, frame, line_end - at + 2 + end - raw)
    if to >= 0:
        copy_bytes(mem.arena, to, data, at, line_end - at)
        to = _new_line(mem.arena, to + line_end - at)
        copy_bytes(mem.arena, to, data, raw, end - raw)
    if n == 0:
        return
    if asked_for(mem, tx, _HEADER):
        size = np.int64(0)
        for i in range(n):
            if lines[i, _FIRST] == i and lines[i, _KEY] != without:
                size += lines[i, _TO] - lines[i, _FROM] + 4 + _merged_size(lines, i)
        to = put_row(mem, tx, _HEADER, d, 0, frame, size)
        for i in range(n):
            if lines[i, _FIRST] == i and lines[i, _KEY] != without:
                to = _put_name(mem, lines[i], text, to)
                to = _new_line(mem.arena, _put_merged(lines, i, text, mem.arena, to))
    if asked_for(mem, tx, _HEADER_NAMES):
        size = np.int64(4)
        for i in range(n):
            if lines[i, _FIRST] == i:
                size += lines[i, _TO] - lines[i, _FROM] + 2
        to = _new_line(mem.arena, put_row(mem, tx, _HEADER_NAMES, d, 0, frame, size))
        for i in range(n):
            if lines[i, _FIRST] == i:
                length = lines[i, _TO] - lines[i, _FROM]
                copy_bytes(mem.arena, to, text, lines[i, _FROM], length)
                to = _new_line(mem.arena, to + length)
        _new_line(mem.arena, to)
    kind = _FIELDS[d]
    if asked_for(mem, tx, kind):
        for i in range(n):
            line = lines[i]
            size = line[_TO] - line[_FROM] + 2 + line[_END] - line[_VALUE]
            to = _put_name(mem, line, text, put_row(mem, tx, kind, d, i, frame, size))
            copy_bytes(mem.arena, to, text, line[_VALUE], line[_END] - line[_VALUE])


@shared
def _repeated(lines, n):
    """Whether a name came more than once."""
    for i in range(n):
        if lines[i, _FIRST] != i:
            return True
    return False


@shared
def _length_of(lines, data, n):
    """What Content-Length says, -1 where there is none, HAND where it is no plain number."""
    i = _once(lines, n, _CONTENT_LENGTH)
    if i == -1:
        return np.int64(-1)
    if i < 0:
        return np.int64(HAND)
    size = lines[i, _END] - lines[i, _VALUE]
    if not 0 < size <= 15:
        return np.int64(HAND)
    value = np.int64(0)
    for k in range(lines[i, _VALUE], lines[i, _END]):
        if not 48 <= data[k] <= 57:
            return np.int64(HAND)
        value = value * 10 + np.int64(data[k]) - 48
    return value


@shared
def _chunked(lines, data, n):
    """1 where a body comes in chunks, 0 where nothing is said of it, HAND where something else is."""
    i = _once(lines, n, _TRANSFER)
    if i == -1:
        return np.int64(0)
    if i < 0 or not _same(data, lines[i, _VALUE], lines[i, _END], _WORDS[_CHUNKED], _WORD_SIZES[_CHUNKED]):
        return np.int64(HAND)
    return np.int64(1)


# Targets (`ingest.applications.uri`).


@shared
def _decode(data, at, end, out, to):
    """Percent-decoded bytes; where they end. None with `%u` come here."""
    while at < end:
        c = data[at]
        if c == 37 and end - at >= 3 and _HEX[data[at + 1]] >= 0 and _HEX[data[at + 2]] >= 0:
            out[to] = _HEX[data[at + 1]] << 4 | _HEX[data[at + 2]]
            at += 3
        else:
            out[to] = c
            at += 1
        to += 1
    return to


@shared
def plain_target(data, at, end):
    """Whether a target is one that `normal_target` knows: no fragment, no `%u`."""
    if end <= at or data[at] != 47:
        return False
    for i in range(at, end):
        if data[i] == 35 or (data[i] == 37 and i + 1 < end and data[i + 1] == 117):
            return False
    return True


@shared
def normal_target(data, at, end, out, begun):
    """A target normalised, at most as long: where it ends in `out` from `begun`; HAND with a dot segment."""
    question = at
    while question < end and data[question] != 63:
        question += 1
    stop = _decode(data, at, question, out, begun)
    to = begun
    for i in range(begun, stop):
        c = out[i] if out[i] != 92 else np.uint8(47)
        if c == 47 and to > begun and out[to - 1] == 47:
            continue
        out[to] = c
        to += 1
    dots = np.int64(0)  # -1: the segment has something else
    for i in range(begun, to):
        if out[i] == 47:
            if dots > 0:
                return np.int64(HAND)
            dots = np.int64(0)
        elif out[i] == 46 and 0 <= dots < 2:
            dots += 1
        else:
            dots = np.int64(-1)
    if dots > 0:
        return np.int64(HAND)
    if question < end:
        out[to] = 63
        to = _decode(data, question + 1, end, out, to + 1)
    return to


# Hosts.


@shared
def _host_end(data, at, end):
    """Where a host ends before its port, without blanks and dots; `at`: the value's first byte."""
    stop = at
    while stop < end and data[stop] != 58:
        stop += 1
    while stop > at and (data[stop - 1] == 32 or data[stop - 1] == 9):
        stop -= 1
    while stop > at and data[stop - 1] == 46:
        stop -= 1
    return stop


@shared
def _sound_host(data, at, end):
    """Whether a host is labels of 1 to 63 bytes between dots."""
    size = 0
    for i in range(at, end):
        if data[i] == 46:
            if size == 0:
                return False
            size = 0
        elif not _LABEL[data[i]] or size == 63:
            return False
        else:
            size += 1
    return size > 0


# Requests.


@shared
def _first_words(data, at, line_end):
    """The two blanks of `METHOD target HTTP/x`: -1 where it is not that."""
    one = at
    while one < line_end and _TOKEN[data[one]]:
        one += 1
    if one == at or one == line_end or data[one] != 32:
        return np.int64(-1), np.int64(-1)
    two = one + 1
    while two < line_end and data[two] != 32 and data[two] != 9:
        two += 1
    if two == line_end or data[two] != 32 or not _exactly(data, two + 1, line_end, _SLASH):
        return np.int64(-1), np.int64(-1)
    for i in range(two + 1, line_end):
        if data[i] == 32 or data[i] == 9:
            return np.int64(-1), np.int64(-1)
    return one, two


@shared
def _method_class(data, at, end):
    if end - at == 4 and data[at] == 72 and data[at + 1] == 69 and data[at + 2] == 65 and data[at + 3] == 68:
        return HEAD_METHOD
    if end - at == 4 and data[at] == 80 and data[at + 1] == 79 and data[at + 2] == 83 and data[at + 3] == 84:
        return FILE_METHOD
    if end - at == 3 and data[at] == 80 and data[at + 1] == 85 and data[at + 2] == 84:
        return FILE_METHOD
    return OTHER_METHOD


@shared
def _surplus(mem, flow, data, at, end):
    """What follows a request in the same run: whether it is another one; 0 where it may be a body."""
    stop = at
    while stop < end and data[stop] != 10:
        stop += 1
    if stop == end:
        return False
    while at < stop and _blank(data[at]) and data[at] != 0:
        at += 1
    word = at
    while word < stop and (not _blank(data[word]) or data[word] == 0):
        word += 1
    return word == at or _known_method(data, at, word)


@shared
def _request(mem, owner, data, at, end, begun, frame, time):
    """A request's head; where it ends."""
    flow = mem.flows[owner]
    if flow["words"][SURPLUS] != 0:
        if flow["words"][SURPLUS] == flow["run"][0] and not _surplus(mem, flow, data, at, end):
            return np.int64(HAND)
        flow["words"][SURPLUS] = 0
    if _blank(data[at]):
        while at < end and _blank(data[at]):
            at += 1
        return at
    stop = _head_end(data, at, end)
    line_end = place_of(data, at, end, 13)
    if line_end + 1 < end or stop >= 0:
        one, two = _first_words(data, at, line_end)
        if one < 0 or not plain_target(data, one + 1, two) or flow["open"] >= MOST_OPEN_HERE:
            return np.int64(HAND)
        if one - at == 7 and _exactly(data, at, one, _CONNECT):
            return np.int64(HAND)
    else:
        one = two = at
    if stop < 0:
        return stop if end - at <= MOST_HEAD else np.int64(HAND)
    n = _take_fields(mem, data, line_end + 2, stop)
    if n < 0 or stop - at > MOST_HEAD:
        return np.int64(HAND)
    lines = mem.lines
    chunked, length = _chunked(lines, data, n), _length_of(lines, data, n)
    host, auth = _once(lines, n, _HOST), _once(lines, n, _AUTHORIZATION)
    if chunked < 0 or length < -1 or host < -1 or auth < -1:
        return np.int64(HAND)
    if host >= 0 and lines[host, _VALUE] < lines[host, _END] and data[lines[host, _VALUE]] == 91:
        return np.int64(HAND)
    if not enough(mem, 1, 40 + n, 12 * (stop - at) + 2048, 3, 3 * (stop - at)):
        return np.int64(NO_ROOM_NOW)
    uri = mem.meta[ARENA]
    if normal_target(data, one + 1, two, mem.arena, uri) < 0:
        return np.int64(HAND)
    first, when = _mark(mem, flow, 0, at + 1 - begun, frame, time)
    known = frame_upto(mem, flow, 0, stop - begun, frame)
    tx = begin(mem, owner, HTTP, first, when)
    asked = append(mem, flow, ASKED, tx, mem.txs[tx]["number"], 0)
    mem.nodes[asked]["x"] = _method_class(data, at, one)
    mem.nodes[asked]["y"] = UNANSWERED
    put(mem, tx, _METHOD, 0, 0, known, data, at, one - at)
    uri = mem.meta[ARENA]
    size = normal_target(data, one + 1, two, mem.arena, uri) - uri
    path = np.int64(0)
    while path < size and mem.arena[uri + path] != 63:
        path += 1
    hold(mem, asked, mem.arena, uri, path)
    put_row(mem, tx, _URI, 0, 0, known, size)  # its bytes stand there already
    put(mem, tx, _URI_RAW, 0, 0, known, data, one + 1, two - one - 1)
    note(mem, tx, _URILEN, 0, 0, known, size)
    note(mem, tx, _URILEN_RAW, 0, 0, known, two - one - 1)
    put(mem, tx, _PROTOCOL, 0, 0, known, data, two + 1, line_end - two - 1)
    put(mem, tx, _REQUEST_LINE, 0, 0, known, data, at, line_end - at)
    _put_host(mem, owner, tx, known, data, host, line_end)
    _put_fields(mem, tx, 0, known, data, n, _REQUEST)
    _put_block(mem, tx, 0, known, data, at, line_end, line_end + 2, stop, data, n, _COOKIE)
    if auth >= 0:
        scheme = lines[auth, _VALUE]
        while scheme < lines[auth, _END] and data[scheme] != 32 and data[scheme] != 9:
            scheme += 1
        if _among(data, lines[auth, _VALUE], scheme, _SCHEMES, _SCHEME_SIZES) < 0:
            odd(mem, owner, _AUTH, 0, known, tx)
    if _repeated(lines, n):
        odd(mem, owner, _REPETITION[0], 0, known, tx)
    _body_begins(mem, owner, asked, 0, data, n, chunked, length, known, False)
    return stop


@shared
def _put_host(mem, owner, tx, frame, data, host, line_end):
    """The host, and what is odd about it."""
    if host < 0:
        if _exactly(data, line_end - 4, line_end, _VERSION_1_1):
            odd(mem, owner, _MISSING_HOST, 0, frame, tx)
        return
    line = mem.lines[host]
    at = line[_VALUE]
    end = _host_end(data, at, line[_END])
    if end > at and not _sound_host(data, at, end):
        odd(mem, owner, _HOST_INVALID, 0, frame, tx)
    to = put_row(mem, tx, _HOST_KIND, 0, 0, frame, end - at)
    if to >= 0:
        for i in range(end - at):
            mem.arena[to + i] = _lower(data[at + i])
    put(mem, tx, _HOST_RAW, 0, 0, frame, data, at, line[_END] - at)


# Answers.


@shared
def _waiting(mem, flow):
    """The request that is answered next: what was asked, -1 where there is none."""
    at = np.int64(flow["tables"][ASKED])
    found = np.int64(-1)
    while at >= 0:
        state = mem.nodes[at]["y"]
        if state == ANSWERING:
            return at
        if state == UNANSWERED and found < 0:
            found = at
        at = np.int64(mem.nodes[at]["after"])
    return found


@shared
def _words_of(data, at, line_end):
    """The words of a status line: where the first ends, the second begins and ends, and the rest begins.

    There is no second where it ends at its beginning; words end at any white space and follow blanks.
    """
    one = at
    while one < line_end and not _around(data[one]):
        one += 1
    two = one
    while two < line_end and (data[two] == 32 or data[two] == 9):
        two += 1
    end = two
    while two > one and end < line_end and not _around(data[end]):
        end += 1
    rest = end
    while rest < line_end and (data[rest] == 32 or data[rest] == 9):
        rest += 1
    return one, two, end, rest


@shared
def _number_of(data, at, end, most):
    """The number that a word of digits is, of its first digits at most; -1 where it is none."""
    value = np.int64(0)
    for i in range(at, end):
        if not 48 <= data[i] <= 57:
            return np.int64(-1)
        if i - at < most:
            value = value * 10 + np.int64(data[i]) - 48
    return value if end > at else np.int64(-1)


@shared
def _begins_answer(data, at, end):
    """Whether bytes begin an answer, or may."""
    for i in range(min(end - at, np.int64(4))):
        if _lower(data[at + i]) != _HTTP[i]:
            return False
    return True


@shared
def _no_status(mem, flow, data, at, end):
    """A first line that is no status line: skipped where one can follow at once, else a body (HTTP/0.9)."""
    line_end = at
    while line_end < end and data[line_end] != 10:
        line_end += 1
    asked = _waiting(mem, flow)
    if line_end + 2 >= end or asked < 0:
        return np.int64(HAND)
    if data[line_end + 1] == 72:
        return line_end + 1
    mem.nodes[asked]["y"] = ANSWERING
    flow["words"][PHASE + 1] = CLOSE
    return at


@shared
def _answer_chunked(lines, text, n):
    """1 where an answer's body comes in chunks, 2 where that is said strangely, 0 where it is not."""
    first = _field(lines, n, _TRANSFER)
    i = first
    while i >= 0:
        if _has(text, lines[i, _VALUE], lines[i, _END], _CHUNKED):
            plain = i == first and lines[first, _NEXT] < 0
            return np.int64(1 if plain and lines[i, _END] - lines[i, _VALUE] == _WORD_SIZES[_CHUNKED] else 2)
        i = lines[i, _NEXT]
    return np.int64(0)


@shared
def _answer_length(lines, text, n):
    """What the first Content-Length says, -1 where there is none, -2 where it says nothing."""
    i = _field(lines, n, _CONTENT_LENGTH)
    if i < 0:
        return np.int64(-1)
    at, end = lines[i, _VALUE], min(lines[i, _END], lines[i, _VALUE] + 256)
    while at < end and not 48 <= text[at] <= 57:
        at += 1
    stop = at
    while stop < end and 48 <= text[stop] <= 57:
        stop += 1
    value = _number_of(text, at, stop, 18)
    while stop < end and (text[stop] == 32 or text[stop] == 9):
        stop += 1
    return value if value >= 0 and (stop == end or text[stop] == 44) else np.int64(-2)


@shared
def _lengths_differ(lines, text, n):
    """Whether there is more than one Content-Length, and they say different things, or one nothing."""
    first = np.int64(-2)
    count = 0
    differ = False
    for i in range(n):
        if lines[i, _KEY] != _CONTENT_LENGTH:
            continue
        at, end = lines[i, _VALUE], lines[i, _END]
        while at < end and not 48 <= text[at] <= 57:
            at += 1
        stop = at
        while stop < end and 48 <= text[stop] <= 57:
            stop += 1
        value = _number_of(text, at, stop, 18)
        count += 1
        if value < 0 or (count > 1 and value != first):
            differ = True
        first = value
    return count > 1 and differ


@shared
def _odd_codings(mem, owner, tx, frame, coding, text):
    """Words of a Content-Encoding that name no compression, and more of them than are undone."""
    lines, out = mem.lines, mem.scratch
    if coding < 0:
        return
    at = np.int64(_JOINED)
    end = _put_merged(lines, coding, text, out, at)
    whole = _among(out, at, end, _CODINGS, _CODING_SIZES)
    if whole >= 0 and whole != _IDENTITY:
        return
    count = 0
    strange = False
    while at < end:
        stop = at
        while stop < end and out[stop] != 32 and out[stop] != 44:
            stop += 1
        if stop > at:
            count += 1
            if count <= mem.config[_LAYERS] and _among(out, at, stop, _CODINGS, _CODING_SIZES) < 0:
                strange = True
        at = stop + 1
    if count > mem.config[_LAYERS]:
        odd(mem, owner, _MANY_LAYERS, 1, frame, tx)
    if strange:
        odd(mem, owner, _ODD_CODING, 1, frame, tx)


@shared
def _odd_answer(mem, owner, tx, frame, data, at, line_end, text, n, chunked, bare):
    """What is out of order in an answer's head (`ingest.applications.http1_odd`)."""
    lines = mem.lines
    if _repeated(lines, n):
        odd(mem, owner, _REPETITION[1], 1, frame, tx)
    if _lengths_differ(lines, text, n):
        odd(mem, owner, _LENGTH_TWICE, 1, frame, tx)
    if chunked == 2:
        odd(mem, owner, _ABNORMAL, 1, frame, tx)
    if chunked and line_end - at >= 8 and data[at + 4] == 47 and data[at + 6] == 46:
        if (data[at + 5] == 49 and data[at + 7] == 48) or (data[at + 5] == 48 and data[at + 7] == 57):
            odd(mem, owner, _OLD_CHUNKED, 1, frame, tx)
    kind = _field(lines, n, _TYPE)
    while bare and kind >= 0:
        if _has(text, lines[kind, _VALUE], lines[kind, _END], _BYTERANGES):
            odd(mem, owner, _RANGES, 1, frame, tx)
            break
        kind = lines[kind, _NEXT]
    _odd_codings(mem, owner, tx, frame, _field(lines, n, _ENCODING), text)


@shared
def _put_status(mem, tx, frame, data, at, line_end):
    """The words of a status line."""
    one, two, end, rest = _words_of(data, at, line_end)
    put(mem, tx, _RESPONSE_LINE, 1, 0, frame, data, at, line_end - at)
    put(mem, tx, _PROTOCOL, 1, 0, frame, data, at, one - at)
    if end == two:
        return
    put(mem, tx, _STAT_CODE, 1, 0, frame, data, two, end - two)
    code = _number_of(data, two, end, 9)
    if code >= 0:
        note(mem, tx, _CODE, 1, 0, frame, code)
    last = line_end
    while last > rest and (data[last - 1] == 32 or data[last - 1] == 9):
        last -= 1
    if rest > end and rest < line_end:
        put(mem, tx, _STAT_MSG, 1, 0, frame, data, rest, last - rest)


@shared
def _response(mem, owner, data, at, end, begun, frame):
    """An answer's head; where it ends."""
    flow = mem.flows[owner]
    if _blank(data[at]):
        while at < end and _blank(data[at]):
            at += 1
        return at
    here = flow["tables"][MARKS + 1] < 0  # all that is read came with this piece
    if not _begins_answer(data, at, end):
        return _no_status(mem, flow, data, at, end) if here else np.int64(HAND)
    stop = _head_end(data, at, end)
    if stop == WAIT:
        return stop if end - at <= MOST_HEAD else np.int64(HAND)
    line_end = place_of(data, at, end, 13)
    raw, text, sound = line_end + 2, data, True
    n = _take_fields(mem, data, raw, stop) if stop >= 0 else np.int64(HAND)
    if n < 0:
        if not here:
            return np.int64(HAND)
        text = mem.scratch
        line_end, raw, n, stop, sound = _loose_head(mem, data, at, end)
    asked = _waiting(mem, flow)
    if asked < 0 or n < 0 or stop - at > MOST_HEAD or (not sound and stop >= end):
        return np.int64(HAND)
    lines = mem.lines
    chunked, length = _answer_chunked(lines, text, n), _answer_length(lines, text, n)
    bare = _field(lines, n, _TRANSFER) < 0 and _field(lines, n, _CONTENT_LENGTH) < 0
    _, two, word_end, _ = _words_of(data, at, line_end)
    code = _number_of(data, two, word_end, 5) if word_end - two < 6 else np.int64(-1)
    if 100 <= code < 200 and (code == 101 or not bare):
        return np.int64(HAND)
    if not enough(mem, 0, 48 + n, 12 * (stop - at) + 2048, 3, 3 * (stop - at)):
        return np.int64(NO_ROOM_NOW)
    known = frame_upto(mem, flow, 1, stop - begun, frame)
    tx = np.int64(mem.nodes[asked]["a"])
    mem.nodes[asked]["y"] = ANSWERING
    told = tx
    if 100 <= code < 200:
        if code == 100 and flow["words"][CONTINUED]:
            odd(mem, owner, _AGAIN, 1, known, tx)
        flow["words"][CONTINUED] = 1 if code == 100 else 0
    else:
        flow["words"][CONTINUED] = 0
        _put_status(mem, tx, known, data, at, line_end)
        _put_fields(mem, tx, 1, known, text, n, _RESPONSE)
        _put_block(mem, tx, 1, known, data, at, line_end, raw, stop, text, n, _SET_COOKIE)
        _odd_answer(mem, owner, tx, known, data, at, line_end, text, n, chunked, bare)
        none = mem.nodes[asked]["x"] == HEAD_METHOD or (bare and (code == 204 or code == 304))
        if not none and chunked == 0 and length == -2:
            odd(mem, owner, _NO_LENGTH, 1, known, tx)
        _body_begins(mem, owner, asked, 1, text, n, chunked, length, known, none)
        if flow["words"][PHASE + 1] == HEAD:
            told = np.int64(-1)
    if not sound:
        odd(mem, owner, _MISSING_COLON, 1, frame, told)
    return stop


# Bodies.


@shared
def _body_begins(mem, owner, asked, d, data, n, chunked, length, frame, none):
    """A head is over: what follows it. `none`: no body, whatever it says."""
    flow = mem.flows[owner]
    if none or (chunked == 0 and (length == 0 or (length < 0 and d == 0))):
        _finished(mem, owner, asked, d, frame)
        return
    if chunked:
        flow["words"][PHASE + d] = SIZE
    elif length > 0:
        flow["words"][PHASE + d] = LENGTH
        flow["words"][LEFT + d] = length
    else:
        flow["words"][PHASE + d] = CLOSE
    lines = mem.lines
    coding, disposition = _field(lines, n, _ENCODING), _field(lines, n, _DISPOSITION)
    kind = _field(lines, n, _TYPE) if d == 0 else np.int64(-1)
    if kind >= 0 and not _has(data, lines[kind, _VALUE], lines[kind, _END], _MULTIPART):
        kind = np.int64(-1)
    if coding < 0 and disposition < 0 and kind < 0:
        return
    about = append(mem, flow, ABOUT + d, 0, 0, 0)
    node = mem.nodes[about]
    at = mem.meta[ARENA]  # as a place to write at: what is behind is nobody's
    one = _put_merged(lines, coding, data, mem.arena, at)
    two = _put_merged(lines, disposition, data, mem.arena, one)
    three = _put_merged(lines, kind, data, mem.arena, two)
    node["a"] = one - at
    node["b"] = two - one
    node["c"] = three - two
    hold(mem, about, mem.arena, at, three - at)


@shared
def _asked_of(mem, flow, d):
    """What was asked in the exchange whose request or answer is being read."""
    return np.int64(flow["ends"][ASKED]) if d == 0 else _waiting(mem, flow)


@shared
def _room_to_finish(mem, flow, d, more):
    """Whether there is room for a body that comes to its end with `more` bytes."""
    body, asked = np.int64(flow["tables"][BODIES + d]), _asked_of(mem, flow, d)
    about = np.int64(flow["tables"][ABOUT + d])
    size = more + (np.int64(mem.nodes[body]["size"]) if body >= 0 else np.int64(0))
    size = 2 * size + 2 * np.int64(mem.nodes[asked]["size"]) + 1024
    if about >= 0:
        size += np.int64(mem.nodes[about]["size"])
    return enough(mem, 0, 16, size, 1, more)


@shared
def _take_body(mem, owner, d, data, at, end, begun, frame):
    """Bytes of a body, of a chunk, or of what goes on until the end."""
    flow = mem.flows[owner]
    phase, left = np.int64(flow["words"][PHASE + d]), np.int64(flow["words"][LEFT + d])
    n = end - at if phase == CLOSE else min(left, end - at)
    body = np.int64(flow["tables"][BODIES + d])
    kept = np.int64(mem.nodes[body]["size"]) if body >= 0 else np.int64(0)
    more = min(n, max(mem.config[_BODY_BYTES] - kept, np.int64(0)))
    ends = phase == LENGTH and n == left
    room = _room_to_finish(mem, flow, d, more) if ends else enough(mem, 0, 0, 0, 1, more)
    if not room:
        return np.int64(NO_ROOM_NOW)
    if body < 0:
        body = append(mem, flow, BODIES + d, 0, 0, 0)
        mem.nodes[body]["x"] = 0
    hold(mem, body, data, at, more)
    mem.nodes[body]["x"] += n
    if phase != CLOSE:
        flow["words"][LEFT + d] = left - n
    if ends:
        known = frame_upto(mem, flow, d, at + n - begun, frame)
        _finished(mem, owner, _asked_of(mem, flow, d), d, known)
    elif phase == CHUNK and n == left:
        flow["words"][PHASE + d] = CHUNK_END
    return at + n


@shared
def _no_size(mem, owner, d, at, begun, frame):
    """What should be the size of an answer's chunk is none: no chunks after all."""
    if d == 0:
        return np.int64(HAND)
    if not enough(mem, 0, 1, 0, 0, 0):
        return np.int64(NO_ROOM_NOW)
    flow = mem.flows[owner]
    known = frame_upto(mem, flow, d, at + 1 - begun, frame)
    odd(mem, owner, _INVALID_SIZE, d, known, np.int64(mem.nodes[_asked_of(mem, flow, d)]["a"]))
    flow["words"][PHASE + d] = CLOSE
    return at


@shared
def _take_size(mem, owner, d, data, at, end, begun, frame):
    """The line with a chunk's size."""
    flow = mem.flows[owner]
    stop = place_of(data, at, end, 10)
    first = at
    while first < stop and _around(data[first]):
        first += 1
    if stop == end:
        if first < min(end, at + 64) and _HEX[data[first]] < 0:
            return _no_size(mem, owner, d, at, begun, frame)
        return np.int64(WAIT) if end - at <= 64 else np.int64(HAND)
    if first == stop:
        return stop + 1
    value, i, digits = np.int64(0), first, 0
    while i < stop and _HEX[data[i]] >= 0 and digits < 9:
        value = value << 4 | _HEX[data[i]]
        digits += 1 if value else 0
        i += 1
    if i == first or digits > 8:
        return _no_size(mem, owner, d, at, begun, frame)
    while i < stop and data[i] != 59:
        i += 1
    if i < stop:
        if not enough(mem, 0, 1, 0, 0, 0):
            return np.int64(NO_ROOM_NOW)
        known = frame_upto(mem, flow, d, stop + 1 - begun, frame)
        odd(mem, owner, _EXTENSION[d], d, known, np.int64(mem.nodes[_asked_of(mem, flow, d)]["a"]))
    flow["words"][PHASE + d] = CHUNK if value else TRAILER
    flow["words"][LEFT + d] = value
    return stop + 1


@shared
def _take_line(mem, owner, d, data, at, end, begun, frame):
    """The line behind a chunk, or one behind the last chunk."""
    flow = mem.flows[owner]
    stop = place_of(data, at, end, 10)
    if stop == end:
        return np.int64(WAIT) if end - at == 1 and data[at] == 13 else np.int64(HAND)
    if flow["words"][PHASE + d] == CHUNK_END:
        flow["words"][PHASE + d] = SIZE
        return stop + 1
    last = stop
    while at < last and data[at] == 13:
        at += 1
    while last > at and data[last - 1] == 13:
        last -= 1
    known = frame_upto(mem, flow, d, stop + 1 - begun, frame)
    asked = _asked_of(mem, flow, d)
    if at < last:
        if not enough(mem, 0, 1, last - at, 0, 0):
            return np.int64(NO_ROOM_NOW)
        put(mem, np.int64(mem.nodes[asked]["a"]), _TRAILER_KIND, d, 0, known, data, at, last - at)
        return stop + 1
    if not _room_to_finish(mem, flow, d, np.int64(0)):
        return np.int64(NO_ROOM_NOW)
    _finished(mem, owner, asked, d, known)
    return stop + 1


@shared
def _put_body(mem, owner, asked, d, frame):
    """A body came to its end."""
    flow = mem.flows[owner]
    body = np.int64(flow["tables"][BODIES + d])
    if body < 0:
        return
    tx = np.int64(mem.nodes[asked]["a"])
    node = mem.nodes[body]
    first, kept, size = np.int64(node["first"]), np.int64(node["size"]), np.int64(node["x"])
    if flow["tables"][ABOUT + d] >= 0:
        _leave_body(mem, owner, asked, d, frame)
        return
    at = _put_kept(mem, tx, _BODY_KINDS[d], d, frame, first, kept)
    if d == 0 and mem.nodes[asked]["x"] != FILE_METHOD:
        return
    if kept > 0:
        at = max(at, _put_kept(mem, tx, _DATA, d, frame, first, kept))
    name = mem.nodes[asked]
    if name["size"] > 0:
        _put_kept(mem, tx, _NAME, d, frame, np.int64(name["first"]), np.int64(name["size"]))
    note(mem, tx, _FILE_SIZE, d, 0, frame, size)
    note(mem, tx, _FILE_COMPLETE, d, 0, frame, 1 if kept == size else 0)
    if kept != size or not mem.config[_WANTS_HASHES]:
        return
    for i in range(len(_DIGESTS)):
        if asked_for(mem, tx, _DIGESTS[i, 0]):
            if at < 0:  # bytes that nobody asked for stand behind all others for Python
                at = mem.meta[ARENA]
                copy_out(mem, first, kept, mem.arena, at)
                mem.meta[ARENA] = at + kept
            to = put_row(mem, tx, _DIGESTS[i, 0], d, 0, frame, _DIGESTS[i, 1])
            job(mem, tx, HASHES, i, to, frame, at, kept)


@shared
def _put_kept(mem, tx, kind, d, frame, first, n):
    """A buffer whose bytes are in pages: where they are now, -1 where it is not kept."""
    at = put_row(mem, tx, kind, d, 0, frame, n)
    if at >= 0:
        copy_out(mem, first, n, mem.arena, at)
    return at


@shared
def _leave_body(mem, owner, asked, d, frame):
    """A body that Python undoes or takes apart: it and what is known of it."""
    flow = mem.flows[owner]
    node, name = mem.nodes[np.int64(flow["tables"][BODIES + d])], mem.nodes[asked]
    about = mem.nodes[np.int64(flow["tables"][ABOUT + d])]
    at = mem.meta[ARENA]
    to = at + 8 * BODY_HEAD
    store_le64(mem.arena, at, np.int64(node["size"]))
    store_le64(mem.arena, at + 8, np.int64(node["x"]))
    store_le64(mem.arena, at + 16, np.int64(about["a"]))
    store_le64(mem.arena, at + 24, np.int64(about["b"]))
    store_le64(mem.arena, at + 32, np.int64(about["c"]))
    store_le64(mem.arena, at + 40, np.int64(name["size"]))
    store_le64(mem.arena, at + 48, np.int64(name["x"]))
    copy_out(mem, np.int64(node["first"]), np.int64(node["size"]), mem.arena, to)
    to += np.int64(node["size"])
    copy_out(mem, np.int64(about["first"]), np.int64(about["size"]), mem.arena, to)
    to += np.int64(about["size"])
    copy_out(mem, np.int64(name["first"]), np.int64(name["size"]), mem.arena, to)
    to += np.int64(name["size"])
    mem.meta[ARENA] = to
    tx = np.int64(name["a"])
    job(mem, tx, BODY, d, mem.meta[ODDITIES], frame, at, to - at)
    odd(mem, owner, NOT_ODD, d, frame, tx)
    mem.txs[tx]["known"] -= 1


@shared
def _finished(mem, owner, asked, d, frame):
    """One half of a transaction is whole."""
    flow = mem.flows[owner]
    tx = np.int64(mem.nodes[asked]["a"])
    flow["words"][PHASE + d] = HEAD
    _put_body(mem, owner, asked, d, frame)
    for table in (BODIES + d, ABOUT + d):
        if flow["tables"][table] >= 0:
            remove(mem, flow, table, np.int64(flow["tables"][table]))
    whole(mem, tx, d, frame)
    over = mem.txs[tx]["complete"] == 3
    if d == 0:
        flow["words"][SURPLUS] = 0 if over else flow["run"][0]
    else:
        mem.nodes[asked]["y"] = ANSWERED
    if over:
        remove(mem, flow, ASKED, asked)
        finish(mem, tx)


@shared
def http1_stream(mem, owner, d, data, at, end, frame, time):
    """Message by message, bodies as they come; `handed` is set where Python goes on from what is answered."""
    flow = mem.flows[owner]
    begun = at
    flow["last_frame"][d] = frame
    flow["last_time"][d] = time
    flow["need"][d] = 1
    while at < end:
        phase = np.int64(flow["words"][PHASE + d])
        if phase == HEAD:
            if d == 0:
                to = _request(mem, owner, data, at, end, begun, frame, time)
            else:
                to = _response(mem, owner, data, at, end, begun, frame)
        elif phase == SIZE:
            to = _take_size(mem, owner, d, data, at, end, begun, frame)
        elif phase == CHUNK_END or phase == TRAILER:
            to = _take_line(mem, owner, d, data, at, end, begun, frame)
        else:
            to = _take_body(mem, owner, d, data, at, end, begun, frame)
        if to < 0:
            if to == HAND:
                flow["handed"] = 1 + d
            elif to == WAIT:
                flow["need"][d] = end - at + 1
            break
        at = to
    return at


@shared
def http1_end(mem, owner, frame):
    """A flow is over: 0 where at most an answer ends that goes on until the end, else NO_ROOM_NOW or HAND."""
    flow = mem.flows[owner]
    for d in range(2):
        phase = flow["words"][PHASE + d]
        if flow["tail_size"][d] > 0 or (phase != HEAD and phase != CLOSE):
            return np.int64(HAND)
    if flow["words"][PHASE + 1] == CLOSE:
        if not _room_to_finish(mem, flow, 1, np.int64(0)):
            return np.int64(NO_ROOM_NOW)
        _finished(mem, owner, _waiting(mem, flow), 1, frame)
    return np.int64(0)
