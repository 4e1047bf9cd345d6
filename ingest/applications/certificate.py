"""X.509 certificates (RFC 5280), as far as an observer needs them."""

from __future__ import annotations

import hashlib
from calendar import timegm
from datetime import datetime
from functools import lru_cache
from typing import NamedTuple

from ingest.applications.der import Broken, Item, item_at, items, oid

_SHORT = {
    "2.5.4.3": "CN", "2.5.4.4": "SN", "2.5.4.5": "serialNumber", "2.5.4.6": "C", "2.5.4.7": "L",
    "2.5.4.8": "ST", "2.5.4.9": "street", "2.5.4.10": "O", "2.5.4.11": "OU", "2.5.4.12": "title",
    "2.5.4.13": "description", "2.5.4.15": "businessCategory", "2.5.4.17": "postalCode", "2.5.4.42": "GN",
    "0.9.2342.19200300.100.1.25": "DC", "0.9.2342.19200300.100.1.1": "UID",
    "1.2.840.113549.1.9.1": "emailAddress", "1.3.6.1.4.1.311.60.2.1.3": "jurisdictionC",
    "1.3.6.1.4.1.311.60.2.1.2": "jurisdictionST", "1.3.6.1.4.1.311.60.2.1.1": "jurisdictionL",
}  # fmt: skip
_ALTERNATIVE_NAME = "2.5.29.17"


class Certificate(NamedTuple):
    """What a certificate says. Names as `C=.., O=.., CN=..`; times in seconds since the epoch, 0 unknown."""

    subject: bytes
    issuer: bytes
    serial: bytes
    not_before: int
    not_after: int
    names: tuple[bytes, ...]


def fingerprint(data: bytes) -> bytes:
    """SHA-1 in pairs joined by colons."""
    return hashlib.sha1(data, usedforsecurity=False).digest().hex(":").encode()


def is_cut(data: bytes) -> bool:
    """Whether the head of a certificate's element, or of what is signed in it, ends before it is whole."""
    at, end = 0, len(data)
    for _ in range(2):
        if at + 2 > end:
            return True
        long = data[at + 1] & 0x7F if data[at + 1] & 0x80 else 0
        start = at + 2 + long
        if start > end:
            return True
        stop = start + (int.from_bytes(data[at + 2 : start], "big") if long else data[at + 1])
        if stop > end:
            return False
        at, end = start, stop
    return False


@lru_cache(512)  # servers show the same ones again and again
def read(data: bytes) -> Certificate:
    """Take a certificate apart; raises Broken."""
    fields = items(item_at(item_at(data, 0).data, 0).data)
    at = 1 if fields and fields[0].tag == 0xA0 else 0
    if len(fields) < at + 6:
        raise Broken("a certificate lacks fields")
    serial, _, issuer, validity, subject = fields[at : at + 5]
    times = items(validity.data)
    names: tuple[bytes, ...] = ()
    for field in fields[at + 6 :]:
        if field.tag == 0xA3:
            names = _alternatives(field)
    return Certificate(
        _name(subject), _name(issuer), serial.data.hex(":").upper().encode(),
        _time(times[0]) if times else 0, _time(times[1]) if len(times) > 1 else 0, names,
    )  # fmt: skip


def _name(field: Item) -> bytes:
    parts: list[bytes] = []
    for group in items(field.data):
        for pair in items(group.data):
            kind, value = items(pair.data)[:2]
            text = oid(kind.data)
            content = value.data
            if value.tag == 0x1E:  # BMPString
                content = content.decode("utf-16-be", "replace").encode()
            parts.append(_SHORT.get(text, text).encode() + b"=" + content)
    return b", ".join(parts)


def _alternatives(field: Item) -> tuple[bytes, ...]:
    found: list[bytes] = []
    for extension in items(item_at(field.data, 0).data):
        pieces = items(extension.data)
        if len(pieces) > 1 and oid(pieces[0].data) == _ALTERNATIVE_NAME:
            for name in items(item_at(pieces[-1].data, 0).data):
                if name.tag in (0x81, 0x82, 0x86):
                    found.append(name.data)
                elif name.tag == 0x87 and len(name.data) == 4:
                    found.append(".".join(map(str, name.data)).encode())
    return tuple(found)


def _time(field: Item) -> int:
    text = field.data.decode("ascii", "replace").rstrip("Z")
    if field.tag == 0x17:  # UTCTime: years from 1950
        text = ("19" if text[:2] >= "50" else "20") + text
    try:
        return timegm(datetime.strptime(text[:14], "%Y%m%d%H%M%S").timetuple())  # noqa: DTZ007
    except (ValueError, OverflowError):
        return 0
