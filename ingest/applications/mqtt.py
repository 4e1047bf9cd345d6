"""MQTT 3.1, 3.1.1 and 5: each packet is a transaction."""

from __future__ import annotations

from typing import ClassVar

from citywall.applicationsettings import ApplicationSettings
from ingest.applications.hello import Cut, Reader
from ingest.applications.parser import StreamParser, Transaction
from ingest.applications.tables import TO_CLIENT, TO_SERVER

_CONNECT, _CONNACK, _PUBLISH, _SUBSCRIBE, _SUBACK, _UNSUBSCRIBE, _UNSUBACK = 1, 2, 3, 8, 9, 10, 11
_PUBACK, _PUBREC, _PUBREL, _PUBCOMP, _DISCONNECT, _AUTH = 4, 5, 6, 7, 14, 15
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


class Mqtt(StreamParser):
    """One connection's packets."""

    name: ClassVar[str] = "mqtt"

    def __init__(
        self, settings: ApplicationSettings, ports: tuple[int, int] = (0, 0), about: str = ""
    ) -> None:
        super().__init__(settings, ports, about)
        self.version = 4

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
                self.unit("mqtt.pdu", direction, frame, bytes(stream.data[:end]))
                self.unit("mqtt.header", direction, frame, bytes(stream.data[: 1 + size]))
                self.unit("mqtt.data", direction, frame, body)
            stream.drop(end)
            stream.need = 2
            made = self.begin(frame, time)
            made.note("mqtt.type", direction, frame, first >> 4)
            made.note("mqtt.flags", direction, frame, first & 15)
            made.note("mqtt.qos", direction, frame, first >> 1 & 3)
            try:
                self._packet(made, direction, first, body, frame)
            except Cut:
                self.odd("mqtt.malformed_traffic", direction, frame, made)
            made.note("mqtt.protocol_version", direction, frame, self.version)
            made.whole(direction, frame)
            self.finish(made)

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
