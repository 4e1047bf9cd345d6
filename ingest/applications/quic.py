"""QUIC (RFC 9000, RFC 9001, RFC 9369): the hellos in its first packets, whose keys everybody can know."""

from __future__ import annotations

from typing import ClassVar

from citywall.applicationsettings import ApplicationSettings
from ingest.applications.fingerprints import ja3s, md5
from ingest.applications.hello import Cut, Reader, put_client, read_client, read_server
from ingest.applications.parser import Parser, Transaction
from ingest.applications.quic_keys import VERSIONS, keys_of, unprotect
from ingest.applications.tables import TO_CLIENT, TO_SERVER

#: Bytes of hellos that are put together, pieces of them, and datagrams of a connection that are looked at.
MOST_HELLO, MOST_PIECES, MOST_DATAGRAMS = 1 << 14, 64, 64
_CLIENT_HELLO, _SERVER_HELLO = 1, 2
_PADDING, _PING, _ACK, _ACK_ECN, _CRYPTO, _CLOSE = 0, 1, 2, 3, 6, 0x1C
_LONGEST_ID = 20


class Quic(Parser):
    """One connection: one transaction, told when both hellos are known."""

    name: ClassVar[str] = "quic"

    def __init__(
        self, settings: ApplicationSettings, ports: tuple[int, int] = (0, 0), about: str = ""
    ) -> None:
        super().__init__(settings, ports, about)
        self.only: Transaction | None = None
        self.version = 0
        self.named = [False, False]  # which side's version was told
        self.connection = b""  # the id that keys follow from
        self.pieces: tuple[dict[int, bytes], dict[int, bytes]] = ({}, {})
        self.told = [False, False]
        self.looked_at = 0

    def datagram(self, direction: int, data: bytes, frame: int, time: int) -> None:
        """A datagram, which may hold several packets."""
        self.looked_at += 1
        if self.looked_at > MOST_DATAGRAMS:
            self.stop()
        if self.done[direction]:
            return
        at = 0
        while at < len(data):
            try:
                at += self._packet(direction, data[at:], frame, time)
            except Cut:
                return

    def _packet(self, d: int, data: bytes, frame: int, time: int) -> int:
        """One packet; how long it is. Raises Cut where that is not to be known."""
        reader = Reader(data)
        first, version = reader.number(1), reader.number(4)
        if not first & 0x80 or version not in VERSIONS:
            raise Cut
        initial = first >> 4 & 3 == VERSIONS[version][2]
        to, _ = _id(reader), _id(reader)
        token = reader.take(_varint(reader)) if initial else b""
        length = _varint(reader)
        end = reader.at + length
        if end > len(data):
            raise Cut
        if initial:
            self._initial(d, data[:end], reader.at, (version, to, token), frame, time)
        return end

    def _initial(
        self, d: int, data: bytes, number_at: int, said: tuple[int, bytes, bytes], frame: int, time: int
    ) -> None:
        version, to, token = said
        if d == TO_SERVER and (not self.version or (token and to != self.connection)):
            self.version, self.connection = version, to
            self.pieces = ({}, {})
        if version != self.version:
            return
        plain = unprotect(data, number_at, len(data), keys_of(version, self.connection)[d])
        if plain is None:
            return
        if self.only is None:
            self.only = self.begin(frame, time)
        if not self.named[d]:
            self.named[d] = True
            self.only.put("quic.version", d, frame, version.to_bytes(4, "big"))
            self.only.note("quic.version", d, frame, version)
        try:
            self._frames(d, Reader(plain))
        except Cut:
            self.odd("quic.error_on_data", d, frame, self.only)
            return
        self._hello(d, frame, self.only)

    def _frames(self, d: int, reader: Reader) -> None:
        """Keep what a packet holds of the handshake; raises Cut where its frames make no sense."""
        while reader.left:
            kind = _varint(reader)
            if kind in (_PADDING, _PING):
                continue
            if kind in (_ACK, _ACK_ECN):
                _varint(reader), _varint(reader)
                ranges = _varint(reader)
                for _ in range(2 * min(ranges, reader.left) + 1 + (3 if kind == _ACK_ECN else 0)):
                    _varint(reader)
            elif kind == _CRYPTO:
                at = _varint(reader)
                piece = reader.take(_varint(reader))
                if at + len(piece) <= MOST_HELLO and len(self.pieces[d]) < MOST_PIECES:
                    kept = self.pieces[d].get(at, b"")
                    self.pieces[d][at] = max(kept, piece, key=len)
            elif kind == _CLOSE:
                return
            else:
                raise Cut

    def _hello(self, d: int, frame: int, only: Transaction) -> None:
        whole = self._joined(d)
        length = int.from_bytes(whole[1:4], "big")
        if self.told[d] or len(whole) < 4 or len(whole) < 4 + length:
            return
        self.told[d] = True
        try:
            if d == TO_SERVER and whole[0] == _CLIENT_HELLO:
                hello, server_name, random, _ = read_client(whole[4 : 4 + length])
                put_client(only, frame, hello, server_name, random, quic=True)
            elif d == TO_CLIENT and whole[0] == _SERVER_HELLO:
                self._server(whole[4 : 4 + length], frame, only)
        except Cut:
            self.odd("quic.error_on_data", d, frame, only)
        only.whole(d, frame)
        if all(self.told):
            self.stop()
            self.finish(only)

    @staticmethod
    def _server(body: bytes, frame: int, only: Transaction) -> None:
        legacy, version, cipher, extensions, _, _ = read_server(body)
        text = ja3s(legacy, cipher, extensions)
        only.put("ja3s.string", TO_CLIENT, frame, text)
        only.put("ja3s.hash", TO_CLIENT, frame, md5(text))
        only.note("tls.version", TO_CLIENT, frame, version)
        only.note("tls.cipher", TO_CLIENT, frame, cipher)

    def _joined(self, d: int) -> bytes:
        """What there is of a direction's handshake from its beginning on."""
        out = bytearray()
        for at in sorted(self.pieces[d]):
            if at > len(out):
                break
            out += self.pieces[d][at][len(out) - at :]
        return bytes(out)


def _varint(reader: Reader) -> int:
    """A number of 1, 2, 4 or 8 bytes, as its first two bits say."""
    first = reader.number(1)
    more = (1 << (first >> 6)) - 1
    return (first & 0x3F) << 8 * more | (reader.number(more) if more else 0)


def _id(reader: Reader) -> bytes:
    """A connection id."""
    length = reader.number(1)
    if length > _LONGEST_ID:
        raise Cut
    return reader.take(length)


def looks(direction: int, data: bytes, ports: tuple[int, int]) -> bool | None:
    """Whether a datagram begins with a client's first packet, of a version that is known."""
    if direction != TO_SERVER or len(data) < 64 or data[0] & 0xC0 != 0xC0:
        return False
    version = int.from_bytes(data[1:5], "big")
    return version in VERSIONS and data[0] >> 4 & 3 == VERSIONS[version][2] and 8 <= data[5] <= _LONGEST_ID
