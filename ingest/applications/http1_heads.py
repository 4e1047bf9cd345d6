"""Heads of HTTP/1: where a block of fields ends, in order or as strange as browsers bear it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ingest.applications import headers, loose_headers
from ingest.applications.tables import TO_CLIENT, TO_SERVER

if TYPE_CHECKING:
    from ingest.applications.http1 import Http1

#: How often a head with strange ends of lines is read before it is read like others.
MOST_TRIES = 64
# A line of blanks ends a head as an empty one does, unless the head goes on behind it.
_HEAD_END = re.compile(rb"\n(?:\r?\n|[ \t]+\r?\n(?=[^ \t\r\n]))")
_ANSWER_END = re.compile(rb"\n\r?\n")


def fields(parser: Http1, d: int, line: bytes, line_end: int) -> bool:
    """The fields behind a first line, where they are whole."""
    stream = parser.streams[d]
    data = stream.data
    if data[line_end + 1 : line_end + 3] == b"\r\n" or data[line_end + 1 : line_end + 2] == b"\n":
        end = line_end + (3 if data[line_end + 1] == 13 else 2)
        block = b""
    else:
        new = max(line_end + 1, stream.need - 4 if stream.need > 4 else 0)
        found = (_ANSWER_END if d else _HEAD_END).search(data, new)
        if d == TO_CLIENT and _is_strange(parser, data[new : found.end() if found else None]):
            return strange(parser, line_end)
        if not found:
            return parser.more(d)
        end = found.end()
        block = bytes(data[line_end + 1 : found.start() + 1])
    found_fields, sound = headers.parse(block)
    raw = bytes(data[line_end + 1 : end])
    if d == TO_SERVER:
        parser.asks(line, raw, found_fields, end)
    else:
        parser.answers(line, raw, found_fields, end)
    if not sound:
        side = "request" if d == TO_SERVER else "response"
        parser.odd(f"http.{side}_field_missing_colon", d, stream.frame(0), parser.half(d))
    return True


def _is_strange(parser: Http1, new: bytearray) -> bool:
    """Whether the head of an answer is one of those; `new`: what was not looked at yet."""
    return parser.tries < MOST_TRIES and (parser.tries > 0 or loose_headers.is_strange(bytes(new)))


def strange(parser: Http1, line_end: int) -> bool:
    """A head whose lines end in strange ways; `line_end`: where the last byte of its first line is."""
    stream = parser.streams[TO_CLIENT]
    data = bytes(stream.data)
    read = loose_headers.parse(data, line_end + 1)
    if read is None:
        parser.tries += 1  # it is read from its beginning each time
        return parser.more(TO_CLIENT)
    found, sound, end = read
    parser.tries = 0
    parser.answers(data[:line_end].rstrip(b"\r"), data[line_end + 1 : end], found, end)
    if not sound:
        parser.odd("http.response_field_missing_colon", TO_CLIENT, stream.frame(0), parser.response)
    return True


def no_status(parser: Http1, line_end: int) -> bool:
    """A first line that is no status line: skipped where one can follow at once, else a body."""
    stream = parser.streams[TO_CLIENT]
    following = stream.data[line_end + 1 : line_end + 2]
    if line_end >= 0 and following == b"H" and len(stream.data) > line_end + 2:
        stream.drop(line_end + 1)
        stream.need = 1
        return True
    return parser.headless()


def looks_like_response(parser: Http1, line_end: int) -> bool:
    """Whether what an answer begins with is a status line, or may become one."""
    data = parser.streams[TO_CLIENT].data
    head = bytes(data[:4]).upper()
    return b"HTTP".startswith(head) if line_end < 0 else head == b"HTTP"
