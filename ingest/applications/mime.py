"""Mail (RFC 5322, 2045): its fields, and the parts that are files, as buffers of its transaction."""

from __future__ import annotations

import binascii
import quopri
import re
from typing import NamedTuple

from ingest.applications import headers
from ingest.applications.files import put_file
from ingest.applications.headers import Field, parameter
from ingest.applications.parser import Transaction

_FIELDS = {
    b"from": "email.from", b"to": "email.to", b"cc": "email.cc", b"date": "email.date",
    b"subject": "email.subject", b"message-id": "email.message_id", b"x-mailer": "email.x_mailer",
}  # fmt: skip
_URL = re.compile(rb"(?:https?|ftp)://([^\s\"'<>]{3,2000})", re.IGNORECASE)
_END = re.compile(rb"\r?\n\r?\n")
_MESSAGES = (b"message/rfc822", b"message/global")
_NOT_BASE64 = re.compile(rb"[^A-Za-z0-9+/]")
#: Parts of one mail, and how deep they may stand in one another.
MOST_PARTS, MOST_DEPTH = 256, 8
#: Bytes of a file's name beyond which Suricata 8.0.6 tells and cuts it.
MOST_NAME = 255


class Part(NamedTuple):
    """A part without parts: its fields and its contents, decoded."""

    fields: dict[bytes, Field]
    data: bytes


def put_mail(
    transaction: Transaction, d: int, frame: int, data: bytes, *, whole: bool, hashes: bool
) -> list[str]:
    """A mail is over; Suricata's names of what is odd about it."""
    odd: list[str] = []
    head, body = _split(data)
    fields = headers.parse(head)[0]
    seen: dict[str, int] = {}
    received = 0
    for field in fields:
        kind = _FIELDS.get(field.key)
        if kind is not None:
            transaction.put(kind, d, frame, field.value, seen.get(kind, 0))
            seen[kind] = seen.get(kind, 0) + 1
        elif field.key == b"received":
            transaction.put("email.received", d, frame, field.value, received)
            received += 1
    parts: list[Part] = []
    _walk(headers.merged(fields), body, parts, odd, 0)
    files = urls = 0
    for part in parts:
        name = _name(part.fields)
        if len(name) > MOST_NAME and "smtp.mime_long_filename" not in odd:
            odd.append("smtp.mime_long_filename")
        media = part.fields.get(b"content-type")
        text = media is None or media.value.lower().startswith((b"text/", b"message/"))
        is_file = bool(name) or not text
        if is_file:
            put_file(
                transaction, d, frame, part.data, name=name[:MOST_NAME],
                complete=whole or part is not parts[-1], hashes=hashes, part=files,
            )  # fmt: skip
            files += 1
        else:
            for found in _URL.finditer(part.data):
                if urls < 256:
                    transaction.put("email.url", d, frame, found.group(1), urls)
                    urls += 1
    return odd


def _split(data: bytes) -> tuple[bytes, bytes]:
    if data.startswith((b"\n", b"\r\n")):
        return b"", data.lstrip(b"\r\n")
    found = _END.search(data)
    return (data[: found.start()], data[found.end() :]) if found else (data, b"")


def _walk(fields: dict[bytes, Field], body: bytes, parts: list[Part], odd: list[str], depth: int) -> None:
    kind = fields.get(b"content-type")
    if kind is not None and depth < MOST_DEPTH and kind.value.lower().startswith(_MESSAGES):
        head, inner = _split(body)  # it stands there as it is: RFC 2046 §5.2.1 bears no coding of it
        _walk(headers.merged(headers.parse(head)[0]), inner, parts, odd, depth + 1)
        return
    boundary = parameter(kind.value, b"boundary") if kind is not None else b""
    if len(boundary) > 254:
        odd.append("smtp.mime_long_boundary")
    if (
        not boundary
        or depth >= MOST_DEPTH
        or (kind is not None and not kind.value.lower().startswith(b"multipart/"))
    ):
        parts.append(Part(fields, _decoded(fields, body)))
        return
    for piece in (b"\n" + body).split(b"\n--" + boundary)[1:]:
        if piece.startswith(b"--") or len(parts) >= MOST_PARTS:
            return
        head, inner = _split(piece.partition(b"\n")[2])
        _walk(headers.merged(headers.parse(head)[0]), inner.removesuffix(b"\r"), parts, odd, depth + 1)


def _decoded(fields: dict[bytes, Field], body: bytes) -> bytes:
    coding = fields.get(b"content-transfer-encoding")
    how = coding.value.lower() if coding is not None else b""
    if how == b"base64":
        text = _NOT_BASE64.sub(b"", body)
        text = text[: len(text) - 1] if len(text) % 4 == 1 else text
        return binascii.a2b_base64(text + b"=" * (-len(text) % 4))
    if how == b"quoted-printable":
        return quopri.decodestring(body)
    return body


def _name(fields: dict[bytes, Field]) -> bytes:
    for key, name in ((b"content-disposition", b"filename"), (b"content-type", b"name")):
        if (field := fields.get(key)) is not None and (found := parameter(field.value, name)):
            return found
    return b""
