"""DNS over HTTPS (RFC 8484): messages of DNS in requests and answers of HTTP/2."""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING

from ingest.applications import dns
from ingest.applications.hpack import Field
from ingest.applications.tables import TO_SERVER

if TYPE_CHECKING:
    from ingest.applications.http2 import Http2
    from ingest.applications.parser import Transaction

#: The type of what is sent, and where it is asked for by GET.
TYPE = b"application/dns-message"
_PATH = b"/dns-query?dns="
#: A message of DNS is no longer than this.
MOST = 0xFFFF
_STANDARD = bytes.maketrans(b"-_", b"+/")


def carried(fields: list[Field]) -> bool:
    """Whether a head says that its body is a message of DNS."""
    return any(field.name == b"content-type" and field.value == TYPE for field in fields)


def asked(parser: Http2, transaction: Transaction, frame: int, fields: list[Field]) -> bool:
    """The question in the path of a request that would take a message of DNS; whether there is one."""
    path = next((field.value for field in fields if field.name == b":path"), b"")
    if not path.startswith(_PATH) or not any(f.name == b"accept" and f.value == TYPE for f in fields):
        return False
    text = path.removeprefix(_PATH).translate(_STANDARD).rstrip(b"=")
    try:
        data = base64.b64decode(text + b"=" * (-len(text) % 4), validate=True)
    except binascii.Error:
        return False
    return told(parser, transaction, TO_SERVER, frame, data)


def told(parser: Http2, transaction: Transaction, d: int, frame: int, data: bytes) -> bool:
    """A message of DNS, told as one over UDP would be; whether it is one."""
    if not 12 <= len(data) <= MOST:
        return False
    dns.read(parser, transaction, d, frame, data)
    return True
