"""WebSocket (RFC 6455): each frame is a transaction. It goes on where HTTP/1 was upgraded to it."""

from __future__ import annotations

from typing import ClassVar

from ingest.applications.parser import StreamParser

_MASKED = 0x80


class Websocket(StreamParser):
    """One connection's frames."""

    name: ClassVar[str] = "websocket"

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
            made.put("websocket.payload", direction, frame, payload)
            made.whole(direction, frame)
            self.finish(made)
            stream.drop(at + length)


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
