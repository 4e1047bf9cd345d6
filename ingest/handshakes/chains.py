"""Certificates out of a server's handshake, and what is told of each."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from typing import NamedTuple

from ingest.applications import certificate
from ingest.applications.der import Broken

_SERVER_HELLO, _CERTIFICATE, _TLCP = 2, 11, 0x0101
#: Object identifiers of SM2: of its keys, and of its signatures with SM3.
_SM = (b"\x2a\x81\x1c\xcf\x55\x01\x82\x2d", b"\x2a\x81\x1c\xcf\x55\x01\x83\x75")
#: Certificates whose reading is remembered: servers show the same again and again.
_REMEMBERED = 512


class Shown(NamedTuple):
    """What is told of a certificate; names as far as they can be read, times in seconds, 0 unknown."""

    subject: str
    issuer: str
    not_before: int
    not_after: int
    sha256: str
    sha1: str
    self_signed: bool
    sm: bool


def certificates(flight: bytes) -> tuple[int, list[bytes]]:
    """The version that a server speaks, and the certificates that are its own: of TLCP there are two.

    `flight` is a server's bytes from its hello to its certificates.
    """
    at, version = 0, 0
    while at + 5 <= len(flight):
        end = min(at + 5 + int.from_bytes(flight[at + 3 : at + 5], "big"), len(flight))
        message = at + 5
        while message + 4 <= end:
            kind, size = flight[message], int.from_bytes(flight[message + 1 : message + 4], "big")
            body = flight[message + 4 : min(message + 4 + size, end)]
            if kind == _SERVER_HELLO and len(body) >= 2:
                version = int.from_bytes(body[:2], "big")
            elif kind == _CERTIFICATE:
                return version, _chain(body, 2 if version == _TLCP else 1)
            message += 4 + size
        at = end
    return version, []


def _chain(body: bytes, most: int) -> list[bytes]:
    found: list[bytes] = []
    at = 3
    while at + 3 <= len(body) and len(found) < most:
        end = at + 3 + int.from_bytes(body[at : at + 3], "big")
        if end > len(body) or end == at + 3:
            break
        found.append(body[at + 3 : end])
        at = end
    return found


@lru_cache(maxsize=_REMEMBERED)
def shown(data: bytes) -> Shown:
    """What is told of a certificate."""
    sha256 = hashlib.sha256(data).hexdigest()
    sha1 = hashlib.sha1(data, usedforsecurity=False).hexdigest()
    sm = any(identifier in data for identifier in _SM)
    try:
        read = certificate.read(data)
    except (Broken, ValueError):
        return Shown("", "", 0, 0, sha256, sha1, self_signed=False, sm=sm)
    subject = _common(read.subject) or (_plain(read.names[0]) if read.names else "") or _plain(read.subject)
    issuer = _common(read.issuer) or _plain(read.issuer)
    return Shown(
        subject, issuer, read.not_before, read.not_after, sha256, sha1,
        self_signed=bool(read.subject) and read.subject == read.issuer, sm=sm,
    )  # fmt: skip


def _common(name: bytes) -> str:
    """The common name in a distinguished name."""
    for part in name.split(b", "):
        if part.startswith(b"CN="):
            return _plain(part[3:])
    return ""


def _plain(text: bytes) -> str:
    """Text as events hold it: lower case, what is no plain letter replaced."""
    return "".join(chr(c) if 32 <= c < 127 else "?" for c in text.lower())
