"""WebSocket (RFC 6455), after an HTTP/1 upgrade: a frame a transaction, a message whole with its last."""

from __future__ import annotations

import zlib
from typing import Any, ClassVar

from citywall.applicationsettings import ApplicationSettings
from ingest.applications.parser import StreamParser, Transaction

_MASKED = _LAST = 0x80
_COMPRESSED, _CONTROL = 0x40, 8


class Websocket(StreamParser):
    """One connection's frames."""

    name: ClassVar[str] = "websocket"

    def __init__(
        self, settings: ApplicationSettings, ports: tuple[int, int] = (0, 0), about: str = ""
    ) -> None:
        super().__init__(settings, ports, about)
        self.messages = [bytearray(), bytearray()]  # of several frames, not whole yet
        self.compressed = [False, False]
        self.engines: list[Any] = [None, None]

    def advance(self, direction: int) -> None:
        """Frame by frame; of long ones what is kept of a body, the rest passes."""
        stream = self.streams[direction]
        while True:
            data = stream.data
            head = _head(data)
            if head is None:
                stream.need = len(data) + 1
                return
            at, length = head
            kept = min(length, self.settings.body_bytes)
            if len(data) < at + length:
                if length > 1 << 20:  # more than may be held back
                    self.done[direction] = True
                stream.need = at + length
                return
            frame, time = stream.frame(at + length), stream.time(at + length)
            made = self.begin(frame, time)
            payload = bytes(data[at : at + kept])
            made.note("websocket.flags", direction, frame, data[0] & 0xF0)
            made.note("websocket.opcode", direction, frame, data[0] & 0x0F)
            if data[1] & _MASKED:
                key = bytes(data[at - 4 : at])
                made.note("websocket.mask", direction, frame, int.from_bytes(key, "big"))
                whole = (key * (len(payload) // 4 + 1))[: len(payload)]
                payload = (int.from_bytes(payload, "big") ^ int.from_bytes(whole, "big")).to_bytes(
                    len(payload), "big"
                )
            if self.settings.units:
                self._units(direction, frame, bytes(data[: at + length]), at)
            if data[0] & 0x0F < _CONTROL:
                payload = self._message(direction, data[0], payload, frame, made)
            made.put("websocket.payload", direction, frame, payload)
            made.whole(direction, frame)
            self.finish(made)
            stream.drop(at + length)

    def _units(self, d: int, frame: int, data: bytes, at: int) -> None:
        self.unit("websocket.header", d, frame, data[:at])
        self.unit("websocket.pdu", d, frame, data)
        self.unit("websocket.data", d, frame, data[at:])

    def _message(self, d: int, first: int, payload: bytes, frame: int, made: Transaction) -> bytes:
        """What of a message is told with this frame: with its last one all of it, inflated (RFC 7692)."""
        held, last = self.messages[d], bool(first & _LAST)
        room = self.settings.body_bytes - len(held)
        if held or not last:
            if not held:
                self.compressed[d] = bool(first & _COMPRESSED)
            if len(payload) > room > 0:
                self.odd("websocket.reassembly_limit_reached", d, frame, made)
            held += payload[: max(room, 0)]
            if not last:
                return payload
            payload = bytes(held)
            held.clear()
        else:
            self.compressed[d] = bool(first & _COMPRESSED)
        return self._inflated(d, payload) if self.compressed[d] else payload

    def _inflated(self, d: int, payload: bytes) -> bytes:
        """A message without its compression, which goes on from one to the next."""
        engine = self.engines[d]
        if engine is None:
            engine = self.engines[d] = zlib.decompressobj(-15)
        try:
            out = engine.decompress(payload + b"\0\0\xff\xff", max(self.settings.inflate_bytes, 1))
        except zlib.error:
            return payload
        while engine.unconsumed_tail:  # what is not kept still fills the window
            engine.decompress(engine.unconsumed_tail, 1 << 16)
        return out or payload


def _head(data: bytearray) -> tuple[int, int] | None:
    """Where a frame's payload begins, and its length; None where its head is not whole."""
    if len(data) < 2:
        return None
    length, at = data[1] & 0x7F, 2
    if length >= 126:
        size = 2 if length == 126 else 8
        if len(data) < 2 + size:
            return None
        length, at = int.from_bytes(data[2 : 2 + size], "big"), 2 + size
    if data[1] & _MASKED:
        at += 4
    return (at, length) if len(data) >= at else None


def looks(_direction: int, _data: bytes, _ports: tuple[int, int]) -> bool | None:
    """Frames have no mark of their own: only an upgrade says that they begin."""
    return False
