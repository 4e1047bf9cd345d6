"""PostgreSQL's protocol 3: requests with answers up to ReadyForQuery; an SSLRequest goes on as TLS."""

from __future__ import annotations

from typing import ClassVar

from citywall.applicationsettings import ApplicationSettings
from ingest.applications.parser import MOST_HELD, StreamParser, Transaction
from ingest.applications.tables import TO_CLIENT, TO_SERVER

#: First bytes of messages that have a type: of clients and of servers.
FROM_CLIENT, FROM_SERVER = b"QXdcfpPBDECSHF", b"RSKZTDCENAGHWVdcIsnt123v"
#: Codes of messages without a type: cancel, SSL, GSS; and the upper half of a version.
CODES, VERSION = (80877102, 80877103, 80877104), 3
#: Bytes of a first message, and of any.
MOST_FIRST, MOST = 10_000, 1 << 24
_CANCEL, _SSL = CODES[0], CODES[1]
_MOST_WAITING = 1024


class Pgsql(StreamParser):
    """One connection."""

    name: ClassVar[str] = "pgsql"

    def __init__(
        self, settings: ApplicationSettings, ports: tuple[int, int] = (0, 0), about: str = ""
    ) -> None:
        super().__init__(settings, ports, about)
        self.asked: list[Transaction] = []
        self.securing = 0  # the wish for encryption that one byte will answer
        self.skip = [0, 0]  # bytes of a long message that are passed over

    def advance(self, direction: int) -> None:
        """Message by message."""
        stream = self.streams[direction]
        while stream.data and not self.done[direction] and not self.becomes:
            if self.skip[direction]:
                n = min(self.skip[direction], len(stream.data))
                stream.drop(n)
                self.skip[direction] -= n
                continue
            if direction == TO_CLIENT and self.securing:
                self._secured(bytes(stream.data[:1]), *stream.mark(1))
                stream.drop(1)
                continue
            bare = direction == TO_SERVER and stream.data[0] == 0
            if len(stream.data) < 8 - 3 * (not bare):
                stream.need = 8 - 3 * (not bare)
                return
            size = int.from_bytes(stream.data[1 - bare : 5 - bare], "big") + (not bare)
            if size < 5 + 3 * bare or size > MOST:
                self._broken(direction, "pgsql.invalid_length", *stream.mark(5))
                return
            if size > MOST_HELD // 2:  # nothing of it is told but that it came
                kind, at = stream.data[0], stream.mark(5)
                self.skip[direction] = size
                (self._request if direction == TO_SERVER else self._answer)(kind, b"", *at)
                continue
            if len(stream.data) < size:
                stream.need = size
                return
            frame, time = stream.mark(size)
            message = bytes(stream.data[:size])
            stream.drop(size)
            stream.need = 1
            if bare:
                self._first(message, frame, time)
            else:
                (self._request if direction == TO_SERVER else self._answer)(
                    message[0], message[5:], frame, time
                )

    def _broken(self, direction: int, event: str, frame: int, time: int) -> None:
        """What is wrong belongs to a transaction of its own; nothing more is read."""
        made = self.begin(frame, time)
        self.odd(event, direction, frame, made)
        made.whole(direction, frame)
        self.finish(made)
        self.done[direction] = True

    def _asks(self, frame: int, time: int) -> Transaction:
        made = self.begin(frame, time)
        made.whole(TO_SERVER, frame)
        self.asked.append(made)
        if len(self.asked) > _MOST_WAITING:
            self.finish(self.asked.pop(0))
        return made

    def _first(self, message: bytes, frame: int, time: int) -> None:
        """A start, or what stands before it."""
        code = int.from_bytes(message[4:8], "big")
        if code not in CODES and code >> 16 != VERSION:
            self._broken(TO_SERVER, "pgsql.malformed_request", frame, time)
            return
        made = self._asks(frame, time)
        if code == _CANCEL:  # nobody answers it
            self.asked.remove(made)
            self.finish(made)
        elif code in CODES:
            self.securing = code

    def _secured(self, answer: bytes, frame: int, time: int) -> None:
        wished, self.securing = self.securing, 0
        made = self.asked.pop(0) if self.asked else self.begin(frame, time)
        made.whole(TO_CLIENT, frame)
        self.finish(made)
        if answer == b"S" and wished == _SSL:
            self.becomes = "tls"
        elif answer not in (b"S", b"N", b"G"):
            self.odd("pgsql.malformed_response", TO_CLIENT, frame, made)
            self.done[TO_CLIENT] = True
        elif answer != b"N":  # GSS: all that follows is encrypted
            self.stop()

    def _request(self, kind: int, body: bytes, frame: int, time: int) -> None:
        if kind == b"Q"[0]:
            self._asks(frame, time).put("pgsql.query", TO_SERVER, frame, body.partition(b"\0")[0])
        elif kind == b"X"[0]:
            made = self._asks(frame, time)
            self.asked.remove(made)
            self.finish(made)
        elif kind in b"SF":  # a row of extended messages is over
            self._asks(frame, time)

    def _answer(self, kind: int, _body: bytes, frame: int, time: int) -> None:
        if kind != b"Z"[0] or not self.asked:
            return
        made = self.asked.pop(0)
        made.whole(TO_CLIENT, frame)
        self.finish(made)


def looks(direction: int, data: bytes, ports: tuple[int, int]) -> bool | None:
    """Whether bytes begin a connection: by port, kind and length of the message."""
    if 5432 not in ports:
        return False
    if not data:
        return None
    if direction == TO_SERVER and data[0] == 0:
        if len(data) < 8:
            return None
        code = int.from_bytes(data[4:8], "big")
        return 8 <= int.from_bytes(data[:4], "big") <= MOST_FIRST and (code in CODES or code >> 16 == VERSION)
    if direction == TO_CLIENT and len(data) == 1 and data[0] in b"SN":
        return True
    if data[0] not in (FROM_CLIENT if direction == TO_SERVER else FROM_SERVER):
        return False
    return None if len(data) < 5 else 4 <= int.from_bytes(data[1:5], "big") < MOST
