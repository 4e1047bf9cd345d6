"""What an HTTP/2 message gives: buffers named after Suricata's keywords, as for HTTP/1."""

from __future__ import annotations

from citywall.applicationsettings import ApplicationSettings
from ingest.applications.files import put_file
from ingest.applications.hpack import Field
from ingest.applications.inflate import inflate
from ingest.applications.parser import Transaction
from ingest.applications.tables import TO_SERVER

_REQUEST = (
    (b"user-agent", "http.user_agent"), (b"cookie", "http.cookie"), (b"referer", "http.referer"),
    (b"accept", "http.accept"), (b"accept-encoding", "http.accept_enc"),
    (b"accept-language", "http.accept_lang"), (b"content-type", "http.content_type"),
    (b"content-length", "http.content_len"), (b"connection", "http.connection"),
)  # fmt: skip
_RESPONSE = (
    (b"server", "http.server"), (b"location", "http.location"), (b"set-cookie", "http.cookie"),
    (b"content-type", "http.content_type"), (b"content-length", "http.content_len"),
    (b"connection", "http.connection"),
)  # fmt: skip


def head(transaction: Transaction, d: int, frame: int, fields: list[Field], *, first: bool) -> list[str]:
    """A block of fields; `first`: it is a message's head, not a trailer. Gives the events it calls for."""
    put = transaction.put
    kind = "http.request_header" if d == TO_SERVER else "http.response_header"
    part = transaction.rows[1::4].count(d)
    for i, field in enumerate(fields, part):
        put(kind, d, frame, field.name + b": " + field.value, i)
        put("http2.header_name", d, frame, field.name, i)
    if not first:
        return []
    cookie = b"cookie" if d == TO_SERVER else b"set-cookie"
    lines = [(field.name, field.value) for field in fields]
    normal = [(n, v.strip(b" \t")) for n, v in lines if n.lower() != cookie]
    if normal:
        put("http.header", d, frame, b"".join(n + b": " + v + b"\r\n" for n, v in normal))
    put("http.header.raw", d, frame, b"".join(n + b": " + v + b"\r\n" for n, v in lines))
    put("http.header_names", d, frame, b"\r\n" + b"".join(n + b"\r\n" for n, _ in lines) + b"\r\n")
    put("http.protocol", d, frame, b"HTTP/2")
    for key, buffer in _REQUEST if d == TO_SERVER else _RESPONSE:
        if (value := joined(fields, key)) is not None:
            put(buffer, d, frame, value)
    if d == TO_SERVER:
        return _request(transaction, frame, fields)
    _response(transaction, d, frame, fields)
    return []


def joined(fields: list[Field], name: bytes) -> bytes | None:
    """The value of a field; of one that comes again in words of its own, all values."""
    values = [field for field in fields if field.name == name]
    if not values:
        return None
    return b", ".join([values[0].value, *(field.value for field in values[1:] if not field.again)])


def _first(fields: list[Field], name: bytes) -> bytes | None:
    return next((field.value for field in fields if field.name == name), None)


def _request(transaction: Transaction, frame: int, fields: list[Field]) -> list[str]:
    put, d = transaction.put, TO_SERVER
    method, path = _first(fields, b":method"), _first(fields, b":path")
    if method is not None:
        put("http.method", d, frame, method)
    if path is not None:
        for kind, field in (("http.uri", "urilen"), ("http.uri.raw", "urilen.raw")):
            put(kind, d, frame, path)
            transaction.note(field, d, frame, len(path))
    put("http.request_line", d, frame, (method or b"") + b" " + (path or b"") + b" HTTP/2\r\n")
    authority = joined(fields, b":authority")
    if authority is not None:
        put("http.host.raw", d, frame, authority)
        put("http.host", d, frame, host_of(authority))
    events = [
        "http2.userinfo_in_uri"
        for field in fields
        if field.name.lower() == b":authority" and b"@" in field.value
    ]
    host = _first(fields, b"host")
    if authority is not None and host is not None and authority.lower() != host.lower():
        events.append("http2.authority_host_mismatch")
    return events


def host_of(authority: bytes) -> bytes:
    """The host of an authority: without user, port and capitals."""
    _, user, rest = authority.partition(b"@")
    return (rest if user else authority).partition(b":")[0].lower()


def _response(transaction: Transaction, d: int, frame: int, fields: list[Field]) -> None:
    status = _first(fields, b":status")
    transaction.put("http.response_line", d, frame, b"HTTP/2 " + (status or b"") + b"\r\n")
    if status is not None:
        transaction.put("http.stat_code", d, frame, status)
        if status.isdigit():
            transaction.note("http.stat_code", d, frame, int(status[:9]))


def body(
    transaction: Transaction,
    d: int,
    frame: int,
    data: bytes,
    size: int,
    encoding: bytes,
    settings: ApplicationSettings,
    *,
    complete: bool,
) -> str:
    """A body that ended, or what was seen of it; the event it calls for."""
    whole = complete and len(data) == size
    event = ""
    if encoding:
        data, sound = inflate(
            data, encoding, settings.inflate_bytes, settings.inflate_layers, with_lzma=settings.lzma
        )
        event = "http2.failed_decompression" if not sound and whole else ""
    size = len(data) if whole else max(size, len(data) + 1)
    transaction.put("http.request_body" if d == TO_SERVER else "http.response_body", d, frame, data)
    put_file(transaction, d, frame, data, size=size, complete=whole, hashes=settings.hashes)
    return event
