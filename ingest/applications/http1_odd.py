"""What is out of order in the heads of HTTP/1, as libhtp tells it."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING

from ingest.applications.headers import Field, is_token
from ingest.applications.tables import TO_CLIENT, TO_SERVER

if TYPE_CHECKING:
    from ingest.applications.http1 import Http1
    from ingest.applications.parser import Transaction

#: Fields of one head before there are too many.
MOST_FIELDS = 1024
_NUMBER = re.compile(rb"[0-9]+")
_PLAIN = frozenset((b"gzip", b"x-gzip", b"deflate", b"x-deflate", b"lzma", b"br", b"inflate", b"none"))
_NOTHING = frozenset((b"inflate", b"none", b"identity"))


def request(
    parser: Http1,
    transaction: Transaction,
    fields: list[Field],
    *,
    protocol: bytes,
    headless: bool,
    frame: int,
) -> None:
    """A request's head."""
    if not protocol and not headless:
        parser.odd("http.request_line_missing_protocol", TO_SERVER, frame, transaction)
    _fields(parser, transaction, fields, TO_SERVER, frame)


def response(
    parser: Http1,
    transaction: Transaction,
    line: bytes,
    fields: list[Field],
    found: dict[bytes, Field],
    frame: int,
) -> None:
    """An answer's head."""
    odd = parser.odd
    _fields(parser, transaction, fields, TO_CLIENT, frame)
    coding = found.get(b"transfer-encoding")
    chunked = coding is not None and b"chunked" in coding.value.lower()
    if coding is not None and chunked:
        if coding.value.lower() != b"chunked":
            odd("http.response_abnormal_transfer_encoding", TO_CLIENT, frame, transaction)
        if line[:8].upper() in (b"HTTP/1.0", b"HTTP/0.9"):
            odd("http.response_chunked_old_proto", TO_CLIENT, frame, transaction)
    kind = found.get(b"content-type")
    if (
        kind is not None
        and coding is None
        and b"content-length" not in found
        and b"multipart/byteranges" in kind.value.lower()
    ):
        odd("http.response_multipart_byteranges", TO_CLIENT, frame, transaction)
    if (encoding := found.get(b"content-encoding")) is not None:
        _encodings(parser, transaction, encoding.value, frame)


def _fields(parser: Http1, transaction: Transaction, fields: list[Field], d: int, frame: int) -> None:
    side = "request" if d == TO_SERVER else "response"
    times = Counter(field.key for field in fields)
    if len(times) < len(fields):
        parser.odd(f"http.{side}_header_repetition", d, frame, transaction)
    if len(fields) > MOST_FIELDS:
        parser.odd(f"http.{side}_too_many_headers", d, frame, transaction)
    if d == TO_SERVER and any(field.name and not is_token(field.name) for field in fields):
        parser.odd("http.request_header_invalid", d, frame, transaction)
    if times[b"content-length"] > 1:
        lengths = [_NUMBER.search(field.value) for field in fields if field.key == b"content-length"]
        values = {int(number.group()[:18]) if number else -1 for number in lengths}
        if d == TO_SERVER or len(values) > 1 or -1 in values:
            parser.odd(f"http.duplicate_content_length_field_in_{side}", d, frame, transaction)


def _encodings(parser: Http1, transaction: Transaction, value: bytes, frame: int) -> None:
    """Words that name no compression, and more of them than are undone."""
    value = value.lower()
    if value in _PLAIN:
        return
    words = [word for word in value.replace(b" ", b",").split(b",") if word]
    if len(words) > parser.settings.inflate_layers:
        parser.odd("http.too_many_encoding_layers", TO_CLIENT, frame, transaction)
    if any(word not in _PLAIN | _NOTHING for word in words[: parser.settings.inflate_layers]):
        parser.odd("http.abnormal_ce_header", TO_CLIENT, frame, transaction)
