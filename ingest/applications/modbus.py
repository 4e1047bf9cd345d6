"""Modbus/TCP (MODBUS Messaging on TCP/IP 1.0b): requests and the responses of the same identifier."""

from __future__ import annotations

from typing import ClassVar

from citywall.applicationsettings import ApplicationSettings
from ingest.applications.parser import StreamParser, Transaction
from ingest.applications.tables import TO_CLIENT, TO_SERVER

_READS, _WRITES, _MULTIPLE = (1, 2, 3, 4), (5, 6), (15, 16)


class Modbus(StreamParser):
    """One connection's requests and responses."""

    name: ClassVar[str] = "modbus"

    def __init__(
        self, settings: ApplicationSettings, ports: tuple[int, int] = (0, 0), about: str = ""
    ) -> None:
        super().__init__(settings, ports, about)
        self.asked: dict[int, Transaction] = {}

    def advance(self, direction: int) -> None:
        """Message by message."""
        stream = self.streams[direction]
        while len(stream.data) >= 8:
            head = stream.data
            ident, protocol, length = (int.from_bytes(head[i : i + 2], "big") for i in (0, 2, 4))
            frame = stream.frame(8)
            if protocol != 0 or not 2 <= length <= 254:
                self.odd(
                    "modbus.invalid_protocol_id" if protocol else "modbus.invalid_length", direction, frame
                )
                self.done[direction] = True
                return
            end = 6 + length
            if len(stream.data) < end:
                stream.need = end
                return
            body = bytes(stream.data[6:end])
            frame, time = stream.frame(end), stream.time(end)
            stream.drop(end)
            stream.need = 8
            self._message(direction, ident, body, frame, time)

    def _message(self, d: int, ident: int, body: bytes, frame: int, time: int) -> None:
        made = self.asked.pop(ident, None) if d == TO_CLIENT else None
        if made is None or made.over:
            made = self.begin(frame, time)
        function = body[1]
        made.put("modbus.data", d, frame, body[2:])
        if d == TO_CLIENT:
            if function & 0x80 and len(body) > 2:
                made.note("modbus.exception", d, frame, body[2])
            made.whole(d, frame)
            self.finish(made)
            return
        made.note("modbus.unit", d, frame, body[0])
        made.note("modbus.function", d, frame, function)
        if function == 8 and len(body) >= 4:
            made.note("modbus.subfunction", d, frame, int.from_bytes(body[2:4], "big"))
        elif function in (*_READS, *_WRITES, *_MULTIPLE) and len(body) >= 6:
            made.note("modbus.address", d, frame, int.from_bytes(body[2:4], "big"))
            field = "modbus.value" if function in _WRITES else "modbus.quantity"
            made.note(field, d, frame, int.from_bytes(body[4:6], "big"))
        made.whole(d, frame)
        self.asked[ident] = made
        if len(self.asked) > 1024:
            self.finish(self.asked.pop(next(iter(self.asked))))


def looks(direction: int, data: bytes, ports: tuple[int, int]) -> bool | None:
    """Whether bytes begin a message: by port, since nothing else tells."""
    if 502 not in ports or direction not in (TO_SERVER, TO_CLIENT):
        return False
    if len(data) < 8:
        return None
    return data[2:4] == b"\0\0" and 2 <= int.from_bytes(data[4:6], "big") <= 254
