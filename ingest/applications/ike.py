"""IKE (RFC 2408, 2409, 7296): each message is a transaction; what is weak in its proposals is told."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar, NamedTuple

from ingest.applications.hello import Cut, Reader
from ingest.applications.parser import Parser, Transaction
from ingest.applications.tables import TO_CLIENT, TO_SERVER

_HEAD = 28
_ENCRYPTED = 1
#: Payloads of version 1, and of version 2.
_SA, _KEY, _NONCE, _VENDOR = 1, 4, 10, 13
_SA2 = 33
#: Payloads of a message, proposals and transforms that are looked at.
_MOST = 64
#: Attributes of version 1 by number, and how rules call them.
_ATTRIBUTES = {
    1: "alg_enc", 2: "alg_hash", 3: "alg_auth", 4: "alg_dh", 5: "sa_group_type", 11: "sa_life_type",
    12: "sa_life_duration", 13: "alg_prf", 14: "sa_key_length", 15: "sa_field_size",
}  # fmt: skip
_ENCRYPTION, _PRF, _INTEGRITY, _GROUP, _NUMBERS = 1, 2, 3, 4, 5
_NAMES = {_ENCRYPTION: "alg_enc", _PRF: "alg_prf", _INTEGRITY: "alg_auth", _GROUP: "alg_dh"}
#: Transforms of version 2 (IANA's numbers) that protect little.
_WEAK = {
    _ENCRYPTION: ({1, 2, 3, 4, 5, 6, 7, 8, 9, 11}, "ike.weak_crypto_enc"),
    _PRF: ({1, 2}, "ike.weak_crypto_prf"),
    _INTEGRITY: ({1, 2, 3, 4, 5, 6, 7}, "ike.weak_crypto_auth"),
    _GROUP: ({1, 2, 5, 22}, "ike.weak_crypto_dh"),
}  # fmt: skip
_AEAD = frozenset({14, 15, 16, 18, 19, 20, 25, 26, 27, 28})
_AH = 2


class _Head(NamedTuple):
    initiator: bytes
    responder: bytes
    following: int
    major: int
    minor: int
    exchange: int
    flags: int
    message: int
    length: int


class Ike(Parser):
    """One conversation's messages."""

    name: ClassVar[str] = "ike"

    def __init__(self, *args: object, **more: object) -> None:
        super().__init__(*args, **more)  # type: ignore[arg-type]
        self._chosen = 0  # transforms of version 1 that the server chose

    def datagram(self, direction: int, data: bytes, frame: int, time: int) -> None:
        """A message."""
        made = self.begin(frame, time)
        try:
            head = _head(data)
            if head.major not in (1, 2):
                raise Cut
            self._heading(made, head, direction, frame)
            if head.major == 1:
                if not head.flags & _ENCRYPTED:
                    self._version1(made, data[_HEAD:], head.following, direction, frame)
            else:
                self._version2(made, data[_HEAD:], head.following, direction, frame)
        except Cut:
            self.odd("ike.malformed_data", direction, frame, made)
        made.whole(direction, frame)
        self.finish(made)

    @staticmethod
    def _heading(made: Transaction, head: _Head, d: int, frame: int) -> None:
        made.note("ike.version", d, frame, head.major)
        made.note("ike.exchtype", d, frame, head.exchange)
        made.note("ike.msgid", d, frame, head.message)
        spi = head.responder if d == TO_CLIENT else head.initiator
        made.put("ike.resp_spi" if d == TO_CLIENT else "ike.init_spi", d, frame, spi.hex().encode())

    def _version1(self, made: Transaction, data: bytes, kind: int, d: int, frame: int) -> None:
        transforms = vendors = 0
        key = nonce = b""
        for payload, body in _payloads(data, kind):
            if payload == _SA:
                for attributes in _transforms1(body):
                    if not transforms and d == TO_CLIENT:
                        _attributes(made, attributes, d, frame)
                    transforms += 1
            elif payload == _KEY:
                key = body
            elif payload == _NONCE:
                nonce = body
            elif payload == _VENDOR:
                made.put("ike.vendor", d, frame, body.hex().encode(), vendors)
                vendors += 1
        for what, body in (("key_exchange", key), ("nonce", nonce)):
            if body:
                made.put(f"ike.{what}_payload", d, frame, body)
                made.note(f"ike.{what}_payload_length", d, frame, len(body))
        if d == TO_CLIENT:
            if self._chosen <= 1 < self._chosen + transforms:
                self.odd("ike.multiple_server_proposal", d, frame, made)
            self._chosen += transforms

    def _version2(self, made: Transaction, data: bytes, kind: int, d: int, frame: int) -> None:
        for payload, body in _payloads(data, kind):
            if payload != _SA2:
                continue
            for proto, transforms in _proposals2(body):
                for event in dict.fromkeys(_weaknesses(proto, transforms)):
                    self.odd(event, d, frame, made)
                if d == TO_CLIENT:
                    for what, number in transforms:
                        if what in _NAMES:
                            made.note(f"ike.sa.{_NAMES[what]}", d, frame, number)


def _head(data: bytes) -> _Head:
    reader = Reader(data)
    spis = reader.take(8), reader.take(8)
    following, version, exchange, flags = (reader.number(1) for _ in range(4))
    return _Head(
        *spis, following, version >> 4, version & 15, exchange, flags, reader.number(4), reader.number(4)
    )


def _payloads(data: bytes, kind: int) -> Iterator[tuple[int, bytes]]:
    """(kind, content) of the payloads that hang together; raises Cut where one is cut off."""
    reader = Reader(data)
    for _ in range(_MOST):
        if kind == 0 or not reader.left:
            return
        following, _, length = reader.number(1), reader.number(1), reader.number(2)
        if length < 4:
            raise Cut
        yield kind, reader.take(length - 4)
        kind = following


def _transforms1(body: bytes) -> Iterator[bytes]:
    """The attributes of each transform of a security association."""
    reader = Reader(body)
    if reader.number(4) != 1:  # IPsec
        return
    reader.take(4)
    for _, proposal in _payloads(reader.take(reader.left), 2):
        inner = Reader(proposal)
        inner.take(2)
        spi, _ = inner.number(1), inner.number(1)
        inner.take(spi)
        for _, transform in _payloads(inner.take(inner.left), 3):
            if len(transform) < 4:
                raise Cut
            yield transform[4:]


def _attributes(made: Transaction, data: bytes, d: int, frame: int) -> None:
    """Note the first value of each attribute."""
    reader, known = Reader(data), set[str]()
    while reader.left >= 4:
        kind, value = reader.number(2), reader.number(2)
        if not kind & 0x8000:
            if value > reader.left:
                return
            raw = reader.take(value)
            if value != 4:
                continue
            value = int.from_bytes(raw, "big")
        name = _ATTRIBUTES.get(kind & 0x7FFF)
        if name is not None and name not in known:
            known.add(name)
            made.note(f"ike.sa.{name}", d, frame, value)


def _proposals2(body: bytes) -> Iterator[tuple[int, list[tuple[int, int]]]]:
    """(protocol, [(kind of transform, number)]) of each proposal."""
    reader = Reader(body)
    for _ in range(_MOST):
        if not reader.left:
            return
        more, _, length = reader.number(1), reader.number(1), reader.number(2)
        if length < 8:
            raise Cut
        inner = Reader(reader.take(length - 4))
        _, proto, spi, count = (inner.number(1) for _ in range(4))
        inner.take(spi)
        found = []
        for _ in range(min(count, _MOST)):
            _, _, size = inner.number(1), inner.number(1), inner.number(2)
            if size < 8:
                raise Cut
            transform = Reader(inner.take(size - 4))
            kind, _, number = transform.number(1), transform.number(1), transform.number(2)
            found.append((kind, number))
        yield proto, found
        if more == 0:
            return


def _weaknesses(proto: int, transforms: list[tuple[int, int]]) -> Iterator[str]:
    kinds = {kind for kind, _ in transforms}
    for kind, number in transforms:
        weak, event = _WEAK.get(kind, (frozenset(), ""))
        if number in weak:
            yield event
        elif kind in (_PRF, _GROUP) and number == 0:
            yield "ike.invalid_proposal"
        elif not _ENCRYPTION <= kind <= _NUMBERS:
            yield "ike.unknown_proposal"
    if _GROUP not in kinds:
        yield "ike.weak_crypto_no_dh"
    if proto == _AH:
        yield "ike.no_encryption"
    kept = any(kind == _INTEGRITY and number for kind, number in transforms)
    if not kept and not any(kind == _ENCRYPTION and number in _AEAD for kind, number in transforms):
        yield "ike.weak_crypto_no_auth"


def looks(direction: int, data: bytes, ports: tuple[int, int]) -> bool | None:
    """Whether a datagram is a message: by port, version and, in version 2, exchange and length."""
    if 500 not in ports or len(data) < _HEAD or direction not in (TO_SERVER, TO_CLIENT):
        return False
    if data[17] >> 4 == 1:
        return True
    return data[17] == 0x20 and 34 <= data[18] <= 37 and int.from_bytes(data[24:28], "big") == len(data)
