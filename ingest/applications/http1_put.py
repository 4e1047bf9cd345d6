"""What an HTTP/1 message gives: buffers named after Suricata's keywords."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from citywall.applicationsettings import ApplicationSettings
from ingest.applications import http1_odd, uri
from ingest.applications.files import put_file
from ingest.applications.headers import Field, merged, parameter, parse
from ingest.applications.inflate import inflate
from ingest.applications.parser import Transaction
from ingest.applications.tables import KIND, TO_CLIENT, TO_SERVER

if TYPE_CHECKING:
    from ingest.applications.http1 import Body, Http1

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
_HOST = re.compile(rb"[0-9A-Za-z_-]{1,63}(\.[0-9A-Za-z_-]{1,63})*")
_STATUS = re.compile(rb"\s*(\S+)(?:[ \t]+(\S+)(?:[ \t]+(.*))?)?", re.DOTALL)
_SCHEMES = (b"basic", b"digest", b"bearer", b"negotiate", b"ntlm")


def request(
    parser: Http1,
    transaction: Transaction,
    line: bytes,
    raw: bytes,
    fields: list[Field],
    found: dict[bytes, Field],
    frame: int,
    *,
    headless: bool = False,
) -> tuple[bytes, bytes]:
    """A request's head; its method and path."""
    method, _, rest = line.partition(b" ")
    if b"\t" in method:
        method, _, rest = line.partition(b"\t")
    target, _, protocol = rest.strip(b" \t").rpartition(b" ")
    if not target:
        target, protocol = protocol, b""
    elif not protocol.upper().startswith(b"HTTP/"):
        target, protocol = rest.strip(b" \t"), b""
    target = target.strip(b" \t")
    put, d = transaction.put, TO_SERVER
    normal, uri_host, _ = uri.split(target, authority=method == b"CONNECT")
    if method == b"CONNECT" and not (uri_host.startswith(b"[") or _HOST.fullmatch(uri_host)):
        uri_host = b""
    put("http.method", d, frame, method)
    put("http.uri", d, frame, normal)
    put("http.uri.raw", d, frame, target)
    transaction.note("urilen", d, frame, len(normal))
    transaction.note("urilen.raw", d, frame, len(target))
    if protocol:
        put("http.protocol", d, frame, protocol)
    put("http.request_line", d, frame, line)
    _host(parser, transaction, found, uri_host, target, protocol, frame)
    for key, kind in _REQUEST:
        if (field := found.get(key)) is not None:
            put(kind, d, frame, field.value)
    _block(transaction, d, frame, line, raw, fields, found, b"cookie")
    if (auth := found.get(b"authorization")) is not None:
        scheme = auth.value.split(None, 1)[:1]
        if not scheme or scheme[0].lower() not in _SCHEMES:
            parser.odd("http.request_auth_unrecognized", d, frame, transaction)
    http1_odd.request(parser, transaction, fields, protocol=protocol, headless=headless, frame=frame)
    return method, normal.partition(b"?")[0]


def _host(
    parser: Http1,
    transaction: Transaction,
    found: dict[bytes, Field],
    uri_host: bytes,
    target: bytes,
    protocol: bytes,
    frame: int,
) -> None:
    field = found.get(b"host")
    host = uri.host_of(field.value)[0] if field is not None else b""
    if field is None and protocol.endswith(b"/1.1"):
        parser.odd("http.missing_host_header", TO_SERVER, frame, transaction)
    elif field is not None and uri_host and uri_host != host:
        parser.odd("http.host_header_ambiguous", TO_SERVER, frame, transaction)
    if host and not host.startswith(b"[") and not _HOST.fullmatch(host):
        parser.odd("http.request_header_host_invalid", TO_SERVER, frame, transaction)
    if uri_host:
        transaction.put("http.host", TO_SERVER, frame, uri_host)
        start = target.lower().find(uri_host)
        raw = target[start : start + len(uri_host)] if start >= 0 else uri_host
        transaction.put("http.host.raw", TO_SERVER, frame, raw)
    elif field is not None:
        transaction.put("http.host", TO_SERVER, frame, host)
        transaction.put("http.host.raw", TO_SERVER, frame, field.value)


def status_of(line: bytes) -> int:
    """The status code of a status line, -1 without one."""
    found = _STATUS.match(line)
    code = found.group(2) if found else None
    return int(code) if code is not None and code.isdigit() and len(code) < 6 else -1


def response(
    parser: Http1,
    transaction: Transaction,
    line: bytes,
    raw: bytes,
    fields: list[Field],
    found: dict[bytes, Field],
    frame: int,
) -> None:
    """A response's head."""
    put, d = transaction.put, TO_CLIENT
    parts = _STATUS.match(line)
    put("http.response_line", d, frame, line)
    if parts:
        put("http.protocol", d, frame, parts.group(1))
        if parts.group(2):
            put("http.stat_code", d, frame, parts.group(2))
            if parts.group(2).isdigit():
                transaction.note("http.stat_code", d, frame, int(parts.group(2)[:9]))
        if parts.group(3):
            put("http.stat_msg", d, frame, parts.group(3).strip(b" \t"))
    for key, kind in _RESPONSE:
        if (field := found.get(key)) is not None:
            put(kind, d, frame, field.value)
    _block(transaction, d, frame, line, raw, fields, found, b"set-cookie")
    http1_odd.response(parser, transaction, line, fields, found, frame)


def _block(
    transaction: Transaction,
    d: int,
    frame: int,
    line: bytes,
    raw: bytes,
    fields: list[Field],
    found: dict[bytes, Field],
    without: bytes,
) -> None:
    """The header block: as it came, normalised (without cookies, one line a field), its names."""
    put = transaction.put
    if raw:
        put("http.header.raw", d, frame, raw)
        put("http.start", d, frame, line + b"\r\n" + raw)
    if not found:
        return
    lines = [field.name + b": " + field.value + b"\r\n" for field in found.values() if field.key != without]
    put("http.header", d, frame, b"".join(lines))
    put("http.header_names", d, frame, b"\r\n" + b"\r\n".join(f.name for f in found.values()) + b"\r\n\r\n")
    kind = "http.request_header" if d == TO_SERVER else "http.response_header"
    for part, field in enumerate(fields):
        put(kind, d, frame, field.name + b": " + field.value, part)


def becomes(transaction: Transaction, found: dict[bytes, Field]) -> str:
    """The protocol that goes on after an answer that changes it; "?" for one to be found out."""
    upgrade = found.get(b"upgrade")
    value = upgrade.value if upgrade is not None else b""
    if value == b"h2c":
        kinds = (KIND["http.method"], KIND["http.uri.raw"])
        asked = b" ".join(row[4] for row in transaction.buffers if row[0] in kinds)
        return f"http2:{asked.decode('latin-1')}"
    return "websocket" if value.lower() == b"websocket" else "?"


def body(
    parser: Http1,
    transaction: Transaction,
    d: int,
    frame: int,
    body: Body,
    head: dict[bytes, Field],
) -> None:
    """A body came to its end, or what was seen of it."""
    disposition, kind = head.get(b"content-disposition"), head.get(b"content-type")
    sound = content(
        parser.settings, transaction, d, frame, bytes(body.kept), size=body.size, lost=body.lost,
        coding=body.coding, disposition=b"" if disposition is None else disposition.value,
        kind=b"" if kind is None else kind.value, asked=parser.asked.get(transaction.number, (b"", b"")),
    )  # fmt: skip
    if not sound:
        parser.odd("http.gzip_decompression_failed", d, frame, transaction)


def content(
    settings: ApplicationSettings,
    transaction: Transaction,
    d: int,
    frame: int,
    data: bytes,
    *,
    size: int,
    lost: bool,
    coding: bytes,
    disposition: bytes,
    kind: bytes,
    asked: tuple[bytes, bytes],
) -> bool:
    """What was kept of `size` bytes of a body; whether all that there is could be undone.

    `coding`, `disposition`, `kind`: what its head says of it; `asked`: method and path.
    """
    if size == 0:
        return True
    whole = not lost and len(data) == size
    sound = True
    if coding:
        data, sound = inflate(
            data, coding, settings.inflate_bytes, settings.inflate_layers, with_lzma=settings.lzma
        )
    size = len(data) if whole else max(size, len(data) + 1)
    method, path = asked
    transaction.put("http.response_body" if d == TO_CLIENT else "http.request_body", d, frame, data)
    boundary = parameter(kind, b"boundary") if d == TO_SERVER and kind else b""
    if boundary and kind.lower().startswith(b"multipart/"):
        _parts(transaction, frame, data, boundary, whole, hashes=settings.hashes)
    elif d == TO_CLIENT or method in (b"POST", b"PUT"):
        name = parameter(disposition, b"filename") if disposition else b""
        put_file(
            transaction, d, frame, data, name=name or path, size=size, complete=whole, hashes=settings.hashes
        )
    return sound or not whole


def _parts(
    transaction: Transaction, frame: int, data: bytes, boundary: bytes, whole: bool, *, hashes: bool
) -> None:
    """The files of a multipart form (RFC 7578)."""
    part = 0
    pieces = data.split(b"--" + boundary)
    for i, piece in enumerate(pieces[1:], 1):
        if piece.startswith(b"--"):
            break
        head, sep, content = piece.lstrip(b"\r\n").partition(b"\r\n\r\n")
        if not sep:
            continue
        field = merged(parse(head)[0]).get(b"content-disposition")
        name = parameter(field.value, b"filename") if field is not None else b""
        if name:
            last = i == len(pieces) - 1
            content = content if last else content.removesuffix(b"\r\n")
            complete = whole or not last
            put_file(
                transaction, TO_SERVER, frame, content, name=name, complete=complete, hashes=hashes, part=part
            )
            part += 1
