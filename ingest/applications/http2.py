"""HTTP/2 (RFC 9113): frames, and each stream's request and response by the names that HTTP/1 gives them.

Each stream is a transaction; so is each frame on stream 0, which is about the whole connection.
"""

from __future__ import annotations

import struct
from typing import ClassVar

from citywall.applicationsettings import ApplicationSettings
from ingest.applications import doh, http2_put
from ingest.applications.hpack import Broken, Field, Table
from ingest.applications.parser import StreamParser, Transaction
from ingest.applications.tables import PROTOCOL, TO_CLIENT, TO_SERVER

MAGIC = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = (
    range(10)
)
_END_STREAM, _END_HEADERS, _PADDED, _PRIORITY = 1, 4, 8, 32
#: Frames longer than this are read as far as they have come; the rest is passed over.
MOST_FRAME, LEAST_FRAME = 65536, 256
#: Bytes of headers and their continuations, streams of a connection.
MOST_HEADERS, MOST_STREAMS = 102_400, 4096
_FIXED = {GOAWAY: 8, RST_STREAM: 4, PRIORITY: 5, WINDOW_UPDATE: 4}
_LATE = frozenset((RST_STREAM, WINDOW_UPDATE, PRIORITY))
_TABLE_SIZE = 1


class Exchange:
    """What is known of one stream: its transaction, bodies and what of it is over."""

    __slots__ = ("bodies", "dns", "encodings", "over", "sizes", "told", "transaction")

    def __init__(self, transaction: Transaction) -> None:
        self.transaction = transaction
        self.told = [False, False]
        self.over = [False, False]
        self.encodings = [b"", b""]
        self.bodies = [bytearray(), bytearray()]
        self.sizes = [0, 0]
        self.dns = [False, False]


class Http2(StreamParser):
    """One connection's streams."""

    name: ClassVar[str] = "http2"

    def __init__(
        self, settings: ApplicationSettings, ports: tuple[int, int] = (0, 0), about: str = ""
    ) -> None:
        super().__init__(settings, ports, about)
        self.exchanges: dict[int, Exchange] = {}
        self.tables = [Table(), Table()]
        self.skip = [0, 0]
        self.begun = False  # the client's first bytes were read
        self.parts: list[tuple[int, bytearray]] = [(0, bytearray()), (0, bytearray())]
        self.promised = 0
        self.latest: Transaction | None = None
        self.doh = False  # messages of DNS were seen
        if about:
            self._upgraded(about)

    def _upgraded(self, about: str) -> None:
        """The request that asked for the change, in HTTP/1, is stream 1's."""
        method, _, path = about.partition(" ")
        exchange = self._exchange(1, 0, 0)
        assert exchange is not None
        exchange.over[TO_SERVER] = True
        fields = [Field(b":method", method.encode("latin-1")), Field(b":path", path.encode("latin-1"))]
        self._headers(exchange, TO_SERVER, 0, fields)

    def advance(self, direction: int) -> None:
        """Take frames while they are whole."""
        stream = self.streams[direction]
        if direction == TO_SERVER and not self.begun:
            if len(stream.data) < len(MAGIC):
                stream.need = len(MAGIC)
                return
            self.begun = True
            if stream.data.startswith(MAGIC):
                stream.drop(len(MAGIC))
            else:
                self._odd("http2.invalid_client_magic", direction, stream.frame(len(MAGIC)))
        while not self.done[direction] and self._frame(direction):
            pass

    def _frame(self, d: int) -> bool:
        stream = self.streams[d]
        if self.skip[d]:
            n = min(self.skip[d], len(stream.data))
            stream.drop(n)
            self.skip[d] -= n
            stream.need = 1
            if self.skip[d]:
                return False
        data = stream.data
        if len(data) < 9:
            stream.need = 9
            return False
        length = int.from_bytes(data[:3], "big")
        have = min(len(data) - 9, length)
        if have < length:
            if length < MOST_FRAME or have < LEAST_FRAME:
                stream.need = 9 + (length if length < MOST_FRAME else LEAST_FRAME)
                return False
            self._odd("http2.long_frame_data", d, stream.frame(9 + have))
            self.skip[d] = length - have
        kind, flags = data[3], data[4]
        number = int.from_bytes(data[5:9], "big") & 0x7FFFFFFF
        payload = bytes(data[9 : 9 + have])
        frame, time = stream.frame(9 + have), stream.time(9 + have)
        if self.settings.units:
            self.unit("http2.hdr", d, frame, bytes(data[:9]))
            self.unit("http2.data", d, frame, payload)
            self.unit("http2.pdu", d, frame, bytes(data[:9]) + payload)
        stream.drop(9 + have)
        stream.need = 9
        if kind != SETTINGS or length:
            self._take(d, kind, flags, number, payload, frame, time)
        return True

    def _odd(self, kind: str, d: int, frame: int, transaction: Transaction | None = None) -> None:
        """Both directions of a stream are looked at again after any of its frames."""
        transaction = transaction or self.latest
        if transaction is not None:
            for direction in (d, 1 - d):
                self.odd(kind, direction, frame, transaction)

    def _exchange(self, number: int, frame: int, time: int) -> Exchange | None:
        found = self.exchanges.get(number)
        if found is None:
            if len(self.exchanges) >= MOST_STREAMS:
                self._odd("http2.too_many_streams", TO_SERVER, frame)
                self.stop()
                return None
            found = self.exchanges[number] = Exchange(self.begin(frame, time))
            self.latest = found.transaction
        return found

    def _take(
        self, d: int, kind: int, flags: int, number: int, payload: bytes, frame: int, time: int
    ) -> None:
        """One frame."""
        fields, sound = self._fields(d, kind, flags, number, payload, frame)
        exchange = self._owner(d, kind, flags, number, payload, frame, time)
        if exchange is None:
            return
        transaction = exchange.transaction
        transaction.note("http2.frametype", d, frame, kind)
        if sound:
            self._numbers(transaction, d, kind, flags, payload, frame)
        for field in fields:
            if field.resize >= 0:
                transaction.note("http2.size_update", d, frame, field.resize)
            elif field.fault:
                event = "header_integer_overflow" if field.fault == "overflow" else "invalid_header"
                self._odd(f"http2.{event}", d, frame, transaction)
        good = [field for field in fields if field.resize < 0 and not field.fault]
        if good:
            self._headers(exchange, d, frame, good)
        if number == 0:
            if kind == DATA:
                self._odd("http2.data_stream_zero", d, frame, transaction)
            transaction.whole(d, frame)
            self.finish(transaction)
            return
        if kind == DATA:
            self._body(exchange, d, flags, payload)
        if flags & _END_STREAM and kind in (DATA, HEADERS):
            self._ended(exchange, d, frame)

    def _owner(
        self, d: int, kind: int, flags: int, number: int, payload: bytes, frame: int, time: int
    ) -> Exchange | None:
        """What a frame belongs to: its stream, the one it promises, or nothing but itself."""
        if number == 0:
            self.latest = self.begin(frame, time)
            return Exchange(self.latest)
        if kind == PUSH_PROMISE and len(payload) >= 4:
            at = 1 if flags & _PADDED else 0
            number = int.from_bytes(payload[at : at + 4], "big") & 0x7FFFFFFF
            self.promised = 0 if flags & _END_HEADERS else number
        elif kind == CONTINUATION and d == TO_CLIENT and self.promised:
            number = self.promised
            self.promised = 0 if flags & _END_HEADERS else number
        known = number in self.exchanges
        exchange = self._exchange(number, frame, time)
        if exchange is not None and known and all(exchange.over) and kind not in _LATE:
            self._odd("http2.stream_id_reuse", d, frame)
        return exchange

    def _fields(
        self, d: int, kind: int, flags: int, number: int, payload: bytes, frame: int
    ) -> tuple[list[Field], bool]:
        """The header fields that a frame completes, and whether the frame can be read."""
        if kind in _FIXED:
            size = _FIXED[kind]
            sound = len(payload) >= size if kind == GOAWAY else len(payload) == size
            if not sound:
                self._odd("http2.invalid_frame_length", d, frame)
            return [], sound
        at = 0
        if kind in (HEADERS, PUSH_PROMISE):
            at = (1 if flags & _PADDED else 0) + (4 if kind == PUSH_PROMISE else 0)
            at += 5 if kind == HEADERS and flags & _PRIORITY else 0
            if kind == HEADERS and not flags & _END_HEADERS:
                self.parts[d] = (number, bytearray(payload[at : at + MOST_HEADERS]))
                return [], len(payload) >= at
        elif kind == CONTINUATION:
            owner, held = self.parts[d]
            if owner == number:
                if len(held) + len(payload) >= MOST_HEADERS:
                    self._odd("http2.reassembly_limit_reached", d, frame)
                held += payload[: max(0, MOST_HEADERS - len(held))]
                if not flags & _END_HEADERS:
                    return [], True
                payload = bytes(held)
                self.parts[d] = (0, bytearray())
        else:
            return [], True
        try:
            if at > len(payload):
                raise Broken("no room for what stands before the headers")
            return self.tables[d].fields(payload[at:]), True
        except Broken:
            self._odd("http2.invalid_frame_data", d, frame)
            return [], False

    def _numbers(
        self, transaction: Transaction, d: int, kind: int, flags: int, payload: bytes, frame: int
    ) -> None:
        note = transaction.note
        if kind == GOAWAY:
            note("http2.errorcode", d, frame, int.from_bytes(payload[4:8], "big"))
        elif kind == RST_STREAM:
            note("http2.errorcode", d, frame, int.from_bytes(payload, "big"))
        elif kind == PRIORITY:
            note("http2.priority", d, frame, payload[4])
        elif kind == HEADERS and flags & _PRIORITY:
            at = 1 if flags & _PADDED else 0
            note("http2.priority", d, frame, payload[at + 4])
        elif kind == WINDOW_UPDATE:
            note("http2.window", d, frame, int.from_bytes(payload, "big") & 0x7FFFFFFF)
        elif kind == SETTINGS:
            for ident, value in struct.iter_unpack(">HI", payload[: len(payload) // 6 * 6]):
                note("http2.settings", d, frame, ident << 32 | value)
                if ident == _TABLE_SIZE:
                    self.tables[1 - d].limit(value)

    def _headers(self, exchange: Exchange, d: int, frame: int, fields: list[Field]) -> None:
        """A block of fields: the first of a direction is the message's head."""
        for event in http2_put.head(exchange.transaction, d, frame, fields, first=not exchange.told[d]):
            self._odd(event, d, frame, exchange.transaction)
        exchange.told[d] = True
        for field in fields:
            if field.name == b"content-encoding":
                exchange.encodings[d] = field.value
        exchange.dns[d] = exchange.dns[d] or doh.carried(fields)
        if d == TO_SERVER and doh.asked(self, exchange.transaction, frame, fields):
            self._over_https()

    def begin(self, frame: int, time: int) -> Transaction:
        """A new transaction: once there was DNS, all are of that protocol."""
        made = super().begin(frame, time)
        if self.doh:
            made.protocol = PROTOCOL["doh2"]
        return made

    def _over_https(self) -> None:
        self.doh = True
        for transaction in self.open:
            transaction.protocol = PROTOCOL["doh2"]

    def _body(self, exchange: Exchange, d: int, flags: int, payload: bytes) -> None:
        if flags & _PADDED and payload and payload[0] < len(payload):
            payload = payload[1 : len(payload) - payload[0]]
        kept = exchange.bodies[d]
        kept += payload[: max(0, self.settings.body_bytes - len(kept))]
        exchange.sizes[d] += len(payload)

    def _ended(self, exchange: Exchange, d: int, frame: int) -> None:
        """A direction of a stream is over."""
        if exchange.over[d]:
            return
        exchange.over[d] = True
        self._told(exchange, d, frame, complete=True)
        exchange.transaction.whole(d, frame)
        if all(exchange.over) and not exchange.transaction.over:
            self.finish(exchange.transaction)

    def _told(self, exchange: Exchange, d: int, frame: int, *, complete: bool) -> None:
        if not exchange.sizes[d]:
            return
        body, exchange.bodies[d] = bytes(exchange.bodies[d]), bytearray()
        event = http2_put.body(
            exchange.transaction, d, frame, body, exchange.sizes[d], exchange.encodings[d], self.settings,
            complete=complete,
        )  # fmt: skip
        size, exchange.sizes[d] = exchange.sizes[d], 0
        if exchange.dns[d] and complete:
            if size > doh.MOST:
                side = "request" if d == TO_SERVER else "response"
                self._odd(f"http2.dns_{side}_too_long", d, frame, exchange.transaction)
            elif doh.told(self, exchange.transaction, d, frame, body):
                self._over_https()
        if event:
            self._odd(event, d, frame, exchange.transaction)

    def close(self, direction: int, frame: int) -> None:
        """The connection is over: bodies that were cut off are told as far as they came."""
        for exchange in self.exchanges.values():
            if not exchange.over[direction]:
                self._told(exchange, direction, frame, complete=False)


def looks(direction: int, data: bytes, ports: tuple[int, int]) -> bool | None:
    """Whether bytes begin a connection: the client's by its magic, the server's by a frame of settings."""
    if direction == TO_SERVER:
        start = MAGIC[:16]
        return data.startswith(start) or (None if start.startswith(data) else False)
    if len(data) < 9:
        return None if data[:1] in (b"", b"\0") and data[3:4] in (b"", b"\4") else False
    length = int.from_bytes(data[:3], "big")
    return (
        length <= 16384
        and length % 6 == 0
        and data[3] == SETTINGS
        and data[4] & 0xFE == 0
        and data[5:9] == bytes(4)
    )
