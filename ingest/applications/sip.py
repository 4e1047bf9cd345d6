"""SIP (RFC 3261) over UDP and TCP: each message is a transaction."""

from __future__ import annotations

import re
from typing import ClassVar

from ingest.applications import headers
from ingest.applications.parser import StreamParser, Transaction
from ingest.applications.tables import TO_CLIENT, TO_SERVER

_METHODS = (
    b"INVITE", b"ACK", b"OPTIONS", b"CANCEL", b"BYE", b"REGISTER", b"PRACK", b"SUBSCRIBE", b"NOTIFY",
    b"PUBLISH", b"INFO", b"REFER", b"MESSAGE", b"UPDATE",
)  # fmt: skip
_STARTS = tuple(method + b" " for method in _METHODS)
_END = re.compile(rb"\r?\n\r?\n")
_NAMES = {
    b"from": "sip.from", b"f": "sip.from", b"to": "sip.to", b"t": "sip.to", b"via": "sip.via",
    b"v": "sip.via",
    b"user-agent": "sip.user_agent", b"content-type": "sip.content_type", b"c": "sip.content_type",
    b"content-length": "sip.content_length", b"l": "sip.content_length",
}  # fmt: skip
#: Lines of a session description (RFC 8866), of the session and of a medium.
_SDP = {
    b"s": "sdp.session_name", b"o": "sdp.origin", b"i": "sdp.session_info", b"u": "sdp.uri",
    b"e": "sdp.email", b"p": "sdp.phone_number", b"c": "sdp.connection_data", b"b": "sdp.bandwidth",
    b"t": "sdp.time", b"r": "sdp.repeat_time", b"z": "sdp.timezone", b"k": "sdp.encryption_key",
    b"a": "sdp.attribute",
}  # fmt: skip
_MEDIUM = {
    b"m": "sdp.media.media", b"i": "sdp.media.media_info", b"c": "sdp.media.connection_data",
    b"b": "sdp.bandwidth", b"k": "sdp.media.encryption_key", b"a": "sdp.attribute",
}  # fmt: skip
#: Bytes of a message's head.
MOST_HEAD = 64 << 10


class Sip(StreamParser):
    """One conversation's messages."""

    name: ClassVar[str] = "sip"

    def datagram(self, direction: int, data: bytes, frame: int, time: int) -> None:
        """A message, or bytes that keep a path open."""
        if not data.strip(b"\r\n\0"):
            return
        found = _END.search(data)
        head, body = (data[: found.start()], data[found.end() :]) if found else (data, b"")
        self._units(direction, frame, data, found)
        if not self._message(head, body, frame, time):
            self.odd("sip.invalid_data", direction, frame)

    def _units(self, direction: int, frame: int, data: bytes, found: re.Match[bytes] | None) -> None:
        """The message, its first line, headers and body as they stand there."""
        if not self.settings.units:
            return
        self.unit("sip.pdu", direction, frame, data)
        line = data.find(b"\n") + 1
        if not line or found is None:
            return
        kind = "response" if data.startswith(b"SIP/") else "request"
        self.unit(f"sip.{kind}.line", direction, frame, data[:line])
        end = found.start() + (2 if data[found.start()] == 13 else 1)
        self.unit(f"sip.{kind}.headers", direction, frame, data[line:end])
        if data[found.end() :]:
            self.unit(f"sip.{kind}.body", direction, frame, data[found.end() :])

    def advance(self, direction: int) -> None:
        """Messages over TCP end where their length says."""
        stream = self.streams[direction]
        while stream.data:
            blank = len(stream.data) - len(stream.data.lstrip(b"\r\n"))
            if blank:
                stream.drop(blank)
                continue
            found = _END.search(stream.data)
            if not found:
                if len(stream.data) > MOST_HEAD:
                    self.odd("applayer.parser_limit_reached", direction, stream.frame(MOST_HEAD))
                    self.done[direction] = True
                return
            head = bytes(stream.data[: found.start()])
            end = found.end() + _length(head)
            if len(stream.data) < end:
                stream.need = end
                return
            body = bytes(stream.data[found.end() : end])
            frame, time = stream.frame(end), stream.time(end)
            self._units(direction, frame, bytes(stream.data[:end]), found)
            stream.drop(end)
            stream.need = 1
            if not self._message(head, body, frame, time):
                self.odd("sip.invalid_data", direction, frame)
                self.done[direction] = True
                return

    def _message(self, head: bytes, body: bytes, frame: int, time: int) -> bool:
        line, _, block = head.partition(b"\n")
        line = line.rstrip(b"\r")
        parts = line.split(b" ", 2)
        if len(parts) < 2:
            return False
        response = parts[0].startswith(b"SIP/")
        if not response and (len(parts) < 3 or not parts[2].startswith(b"SIP/")):
            return False
        d = TO_CLIENT if response else TO_SERVER
        made = self.begin(frame, time)
        put = made.put
        if response:
            put("sip.protocol", d, frame, parts[0])
            put("sip.stat_code", d, frame, parts[1])
            put("sip.stat_msg", d, frame, parts[2] if len(parts) > 2 else b"")
            put("sip.response_line", d, frame, line)
            if parts[1].isdigit():
                made.note("sip.stat_code", d, frame, int(parts[1][:9]))
        else:
            put("sip.method", d, frame, parts[0])
            put("sip.uri", d, frame, parts[1])
            put("sip.protocol", d, frame, parts[2])
            put("sip.request_line", d, frame, line)
        counts: dict[str, int] = {}
        for field in headers.parse(block)[0]:
            kind = _NAMES.get(field.key)
            if kind is not None:
                put(kind, d, frame, field.value, counts.get(kind, 0))
                counts[kind] = counts.get(kind, 0) + 1
        if body:
            put("sip.body", d, frame, body)
            _describe(made, d, frame, body)
        made.whole(d, frame)
        self.finish(made)
        return True


def _describe(made: Transaction, d: int, frame: int, body: bytes) -> None:
    """The lines of a session description."""
    if not body.startswith(b"v="):
        return
    known, counts = _SDP, dict[str, int]()
    for text in body.split(b"\n")[:256]:
        if text.startswith(b"m="):
            known = _MEDIUM
        kind = known.get(text[:1]) if text[1:2] == b"=" else None
        if kind is not None:
            made.put(kind, d, frame, text[2:].rstrip(b"\r"), counts.get(kind, 0))
            counts[kind] = counts.get(kind, 0) + 1


def _length(head: bytes) -> int:
    for field in headers.parse(head)[0]:
        if field.key in (b"content-length", b"l") and field.value.isdigit():
            return min(int(field.value[:9]), 1 << 20)
    return 0


def looks(direction: int, data: bytes, ports: tuple[int, int]) -> bool | None:
    """Whether bytes begin a message."""
    data = data.lstrip(b"\r\n")
    if data.startswith(b"SIP/2.0 "):
        return True
    if data.startswith(_STARTS):
        line = data.split(b"\n", 1)[0]
        return b" SIP/" in line if b"\n" in data else (None if len(data) < 2048 else False)
    return None if 0 < len(data) < 10 and any(s.startswith(data) for s in (*_STARTS, b"SIP/2.0 ")) else False
