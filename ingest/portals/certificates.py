"""What a server's certificate says, as far as its drift is watched."""

from __future__ import annotations

import hashlib
from base64 import b64encode

import msgspec

from citywall.portals import PIN
from ingest.applications import certificate
from ingest.applications.der import Broken, item_at, items

#: Names of a certificate that are kept.
_NAMES = 100


class Shown(msgspec.Struct, frozen=True):
    """A certificate: digests of all of it and of its key (a pin), names, and its time in seconds."""

    fingerprint: str
    pin: str
    issuer: str
    subject: str
    serial: str
    begins: int
    ends: int
    names: tuple[str, ...] = ()

    @property
    def self_signed(self) -> bool:
        """Whether it names itself as its issuer."""
        return self.issuer == self.subject

    def covers(self, host: str) -> bool:
        """Whether it was made for a host (RFC 6125: one label of a name may be `*`)."""
        names = self.names or (_common_name(self.subject),)
        below = host.partition(".")[2]
        return any(
            (name := each.lower().rstrip(".")) == host or (below and name == f"*.{below}") for each in names
        )


def read(data: bytes) -> Shown:
    """Take a certificate apart; raises Broken."""
    told = certificate.read(data)
    fields = items(item_at(item_at(data, 0).data, 0).data)
    key = fields[(1 if fields[0].tag == 0xA0 else 0) + 5]
    return Shown(
        hashlib.sha256(data).hexdigest(), pin_of(_whole(key.tag, key.data)), _text(told.issuer),
        _text(told.subject), told.serial.decode("ascii", "replace"), told.not_before, told.not_after,
        tuple(_text(name) for name in told.names[:_NAMES]),
    )  # fmt: skip


def pin_of(key: bytes) -> str:
    """The pin of a public key (its SubjectPublicKeyInfo)."""
    return PIN + b64encode(hashlib.sha256(key).digest()).decode()


def _whole(tag: int, data: bytes) -> bytes:
    """An element with its head, in DER."""
    size = len(data)
    if size < 0x80:
        return bytes((tag, size)) + data
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 | len(length))) + length + data


def _text(data: bytes) -> str:
    return data[:1000].decode("utf-8", "replace")


def _common_name(subject: str) -> str:
    return next((part[3:] for part in reversed(subject.split(", ")) if part.startswith("CN=")), "")


__all__ = ["Broken", "Shown", "pin_of", "read"]
