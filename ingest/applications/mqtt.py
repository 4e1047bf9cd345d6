"""MQTT 3.1, 3.1.1 and 5: a packet and those that answer it are a transaction, of the side that began it."""

from __future__ import annotations

from typing import ClassVar

from citywall.applicationsettings import ApplicationSettings
from ingest.applications.hello import Cut, Reader
from ingest.applications.parser import StreamParser, Transaction
from ingest.applications.tables import TO_CLIENT, TO_SERVER

_CONNECT, _CONNACK, _PUBLISH, _SUBSCRIBE, _SUBACK, _UNSUBSCRIBE, _UNSUBACK = 1, 2, 3, 8, 9, 10, 11
_PUBACK, _PUBREC, _PUBREL, _PUBCOMP, _DISCONNECT, _AUTH = 4, 5, 6, 7, 14, 15
_UNASSIGNED = 0
#: What packets answer, and those that are the last answer.
_ANSWERS = {
    _CONNACK: "connect", _PUBACK: "publish", _PUBREC: "publish", _PUBREL: "publish", _PUBCOMP: "publish",
    _SUBACK: "subscribe", _UNSUBACK: "unsubscribe",
}  # fmt: skip
_LAST = frozenset((_CONNACK, _PUBACK, _PUBCOMP, _SUBACK, _UNSUBACK))
_HELLO = -1  # what CONNECT waits under, which has no identifier
#: Topics of a packet, and reason codes, that are told.
_MOST_TOLD = 1024
#: Bytes of a packet that is read; longer ones end the reading.
MOST_PACKET = 1 << 20


def _variable(data: bytes, at: int) -> tuple[int, int]:
    """A number of one to four bytes, and how many they are; (-1, 0) where more are needed."""
    value = 0
    for i in range(4):
        if at + i >= len(data):
            return -1, 0
        value |= (data[at + i] & 0x7F) << 7 * i
        if not data[at + i] & 0x80:
            return value, i + 1
    raise Cut


def _ident(first: int, body: bytes) -> int:
    """The identifier of a packet, -1 where it has none."""
    kind, at = first >> 4, 0
    if kind == _PUBLISH:
        if not first & 6:
            return -1
        at = 2 + int.from_bytes(body[:2], "big")
    elif kind not in _ANSWERS and kind not in (_SUBSCRIBE, _UNSUBSCRIBE):
        return -1
    return int.from_bytes(body[at : at + 2], "big") if kind != _CONNACK and at + 2 <= len(body) else -1


class Mqtt(StreamParser):
    """One connection's packets."""

    name: ClassVar[str] = "mqtt"

    def __init__(
        self, settings: ApplicationSettings, ports: tuple[int, int] = (0, 0), about: str = ""
    ) -> None:
        super().__init__(settings, ports, about)
        self.version = 4
        self.connected = False
        self.waiting: dict[int, tuple[Transaction, int]] = {}  # not yet answered, and whose: by identifier
        # The frame of a side's last packet, and what came first with it.
        self.came: list[tuple[int, bytes]] = [(0, b""), (0, b"")]

    def advance(self, direction: int) -> None:
        """Packet by packet."""
        stream = self.streams[direction]
        while len(stream.data) >= 2:
            try:
                length, size = _variable(bytes(stream.data[:5]), 1)
            except Cut:
                length, size = MOST_PACKET + 1, 0
            if length > MOST_PACKET:
                self.odd("mqtt.malformed_traffic", direction, stream.frame(2))
                self.done[direction] = True
                return
            end = 1 + size + length
            if length < 0 or len(stream.data) < end:
                stream.need = max(end, len(stream.data) + 1)
                return
            first, body = stream.data[0], bytes(stream.data[1 + size : end])
            frame, time = stream.frame(end), stream.time(end)
            if self.settings.units:
                self._units(direction, frame, end, length)
            stream.drop(end)
            stream.need = 2
            self._take(direction, first, body, frame, time)

    def _units(self, d: int, frame: int, end: int, length: int) -> None:
        """The units of a packet. Suricata takes head and data from the first of those that come together."""
        data = self.streams[d].data
        if self.came[d][0] != frame:
            self.came[d] = frame, bytes(data[: self.streams[d].together(end)])
        first = self.came[d][1]
        self.unit("mqtt.pdu", d, frame, bytes(data[:end]))
        self.unit("mqtt.header", d, frame, first[:2])
        if length:
            self.unit("mqtt.data", d, frame, first[2 : 2 + length])

    def _take(self, direction: int, first: int, body: bytes, frame: int, time: int) -> None:
        """A packet: of the transaction that it answers, or the first of another."""
        kind, ident = first >> 4, _ident(first, body)
        answered = self._answered(kind, ident)
        made, d = answered or (self.begin(frame, time), direction)
        begun = answered is None
        made.note("mqtt.type", d, frame, kind)
        made.note("mqtt.flags", d, frame, first & 15)
        made.note("mqtt.qos", d, frame, first >> 1 & 3)
        try:
            self._packet(made, d, first, body, frame)
        except Cut:
            self.odd("mqtt.malformed_traffic", d, frame, made)
            self.stop()
        made.note("mqtt.protocol_version", d, frame, self.version)
        if begun and not self.done[d]:
            self._odd_of(made, d, first, frame)
        asks = kind == _CONNECT or (kind in (_PUBLISH, _SUBSCRIBE, _UNSUBSCRIBE) and first & 6 and ident >= 0)
        if begun and asks:
            self.waiting[_HELLO if kind == _CONNECT else ident] = made, d
        elif begun or kind in _LAST:
            made.whole(d, frame)
            self.finish(made)

    def _answered(self, kind: int, ident: int) -> tuple[Transaction, int] | None:
        """The transaction that a packet answers, and its side; it waits on until the last answer."""
        key = _HELLO if kind == _CONNACK else ident
        if kind not in _ANSWERS or key not in self.waiting:
            return None
        found = self.waiting.pop(key) if kind in _LAST else self.waiting[key]
        self.connected |= kind == _CONNACK
        return None if found[0].over else found

    def _odd_of(self, made: Transaction, d: int, first: int, frame: int) -> None:
        """What is odd about a packet that begins a transaction."""
        kind = first >> 4
        if kind == _CONNECT and self.connected:
            self.odd("mqtt.double_connect", d, frame, made)
        if kind == _UNASSIGNED:
            self.odd("mqtt.unassigned_msg_type", d, frame, made)
        if kind in (_PUBLISH, _SUBSCRIBE, _UNSUBSCRIBE) and first & 6 == 6:
            self.odd("mqtt.invalid_qos_level", d, frame, made)
        if kind in _ANSWERS:
            self.odd(f"mqtt.missing_{_ANSWERS[kind]}", d, frame, made)
        if not self.connected and kind not in (_UNASSIGNED, _CONNECT, _CONNACK):
            self.odd("mqtt.unintroduced_message", d, frame, made)

    def end(self, frame: int) -> None:
        """What was not answered never will be."""
        for made, d in self.waiting.values():
            if not made.over:
                made.whole(d, frame)
        self.waiting.clear()
        super().end(frame)

    def _packet(self, made: Transaction, d: int, first: int, body: bytes, frame: int) -> None:
        kind, reader = first >> 4, Reader(body)
        if kind == _CONNECT:
            self._connect(made, d, reader, frame)
        elif kind == _CONNACK:
            made.note("mqtt.connack.session_present", d, frame, reader.number(1) & 1)
            made.note("mqtt.reason_code", d, frame, reader.number(1))
        elif kind == _PUBLISH:
            made.put("mqtt.publish.topic", d, frame, reader.vector(2))
            if first & 6:
                reader.take(2)
            self._properties(reader)
            made.put("mqtt.publish.message", d, frame, reader.take(reader.left))
        elif kind in (_SUBSCRIBE, _UNSUBSCRIBE):
            reader.take(2)
            self._properties(reader)
            part = 0
            while reader.left and part < _MOST_TOLD:
                name = "mqtt.subscribe.topic" if kind == _SUBSCRIBE else "mqtt.unsubscribe.topic"
                made.put(name, d, frame, reader.vector(2), part)
                if kind == _SUBSCRIBE:
                    reader.take(1)
                part += 1

        elif kind in (_SUBACK, _UNSUBACK):
            reader.take(2)
            self._properties(reader)
            for code in reader.take(reader.left)[:_MOST_TOLD]:
                made.note("mqtt.reason_code", d, frame, code)
        elif self.version == 5 and kind in (_PUBACK, _PUBREC, _PUBREL, _PUBCOMP, _DISCONNECT, _AUTH):
            if kind not in (_DISCONNECT, _AUTH):
                reader.take(2)
            # Nothing said is success (MQTT 5.0, 3.4.2.1 and 3.14.2.1).
            made.note("mqtt.reason_code", d, frame, reader.number(1) if reader.left else 0)

    def _properties(self, reader: Reader) -> None:
        if self.version == 5:
            length, size = _variable(reader.data, reader.at)
            reader.take(size + max(length, 0))

    def _connect(self, made: Transaction, d: int, reader: Reader, frame: int) -> None:
        put = made.put
        put("mqtt.connect.protocol_string", d, frame, reader.vector(2))
        self.version = reader.number(1)
        flags = reader.number(1)
        made.note("mqtt.connect.flags", d, frame, flags)
        reader.take(2)
        self._properties(reader)
        put("mqtt.connect.clientid", d, frame, reader.vector(2))
        if flags & 4:
            self._properties(reader)
            put("mqtt.connect.willtopic", d, frame, reader.vector(2))
            put("mqtt.connect.willmessage", d, frame, reader.vector(2))
        if flags & 0x80:
            put("mqtt.connect.username", d, frame, reader.vector(2))
        if flags & 0x40:
            put("mqtt.connect.password", d, frame, reader.vector(2))


def looks(direction: int, data: bytes, ports: tuple[int, int]) -> bool | None:
    """Whether bytes begin with a CONNECT, or a CONNACK at the known port."""
    if direction == TO_CLIENT:
        return (
            data[:2] == b"\x20\x02" and 1883 in ports
            if len(data) >= 4
            else (None if data[:1] == b"\x20" else False)
        )
    if data[:1] != b"\x10" or direction != TO_SERVER:
        return False
    if len(data) < 14:
        return None
    return b"\0\4MQTT" in data[2:12] or b"\0\6MQIsdp" in data[2:14]
