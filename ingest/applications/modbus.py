"""Modbus/TCP (MODBUS Messaging on TCP/IP 1.0b): requests and the responses to them."""

from __future__ import annotations

from typing import ClassVar

from citywall.applicationsettings import ApplicationSettings
from ingest.applications.modbus_judging import KNOWN, Message, answers, judge, misfit, told
from ingest.applications.parser import StreamParser, Transaction
from ingest.applications.tables import TO_CLIENT, TO_SERVER

#: Requests without a response that are a flood.
_FLOOD = 500
_HEAD, _LEAST, _MOST, _EXCEPTION = 6, 2, 254, 3


class Modbus(StreamParser):
    """One connection's requests and responses."""

    name: ClassVar[str] = "modbus"

    def __init__(
        self, settings: ApplicationSettings, ports: tuple[int, int] = (0, 0), about: str = ""
    ) -> None:
        super().__init__(settings, ports, about)
        self.waiting: dict[int, list[tuple[Transaction, Message]]] = {}  # requests by identifier
        self.unanswered = 0
        self.flooded = False

    def advance(self, direction: int) -> None:
        """Message by message."""
        stream = self.streams[direction]
        stream.need = _HEAD
        while len(stream.data) >= _HEAD:
            head = stream.data
            ident, protocol, length = (int.from_bytes(head[i : i + 2], "big") for i in (0, 2, 4))
            end = _HEAD + length
            if not _LEAST <= length <= _MOST:
                frame, time = stream.mark(_HEAD)
                # Where the next begins nobody can know: behind that many bytes, or what came along.
                stream.drop(min(end, stream.together(_HEAD)))
                self._message(direction, ident, misfit(protocol), b"", (frame, time))
                continue
            if len(stream.data) < end:
                stream.need = end
                return
            body = bytes(stream.data[_HEAD:end])
            mark = stream.mark(end)
            stream.drop(end)
            self._message(direction, ident, judge(direction, protocol, body), body[2:], mark)

    def _message(self, d: int, ident: int, message: Message, data: bytes, mark: tuple[int, int]) -> None:
        frame, time = mark
        wrong, made = message.wrong, None
        if d == TO_CLIENT:
            made, more = self._asked(ident, message)
            wrong |= more
        answered = made is not None
        if made is None:
            made = self.begin(frame, time)
            self._say(made, d, frame, message)
        made.put("modbus.data", d, frame, data)
        for event in told(message, wrong, answer=d == TO_CLIENT):
            self.odd(event, d, frame, made)
        made.whole(d, frame)
        if d == TO_SERVER:
            self._wait(ident, made, message, frame)
            return
        if message.kind == "exception":
            made.note("modbus.exception", d, frame, message.said[0])
        if not answered:
            self.odd("modbus.unsolicited_response", d, frame, made)
        self.finish(made)

    def _asked(self, ident: int, response: Message) -> tuple[Transaction | None, int]:
        """The first request that a response is to, and what is wrong between them."""
        waiting = self.waiting.get(ident, [])
        for at, (made, request) in enumerate(waiting):
            wrong = answers(response, request)
            if wrong is not None:
                self._forget(ident, at)
                return made, wrong
        return None, 0

    def _forget(self, ident: int, at: int) -> Transaction:
        """A request waits no longer."""
        waiting = self.waiting[ident]
        made, _ = waiting.pop(at)
        if not waiting:
            del self.waiting[ident]
        self.unanswered -= 1
        if self.unanswered < _FLOOD:
            self.flooded = False
        return made

    def _wait(self, ident: int, made: Transaction, request: Message, frame: int) -> None:
        if self.unanswered >= _FLOOD:
            if not self.flooded:
                self.odd("modbus.flooded", TO_SERVER, frame, made)
            else:  # to read no more here, as Suricata does, would hide whoever asks for it
                self.finish(self._forget(next(iter(self.waiting)), 0))
            self.flooded = True
        self.waiting.setdefault(ident, []).append((made, request))
        self.unanswered += 1

    @staticmethod
    def _say(made: Transaction, d: int, frame: int, message: Message) -> None:
        """What rules ask of a transaction, of its request where it has one."""
        function = message.function & 0x7F
        made.note("modbus.unit", d, frame, message.unit)
        made.note("modbus.function", d, frame, function)
        made.note("modbus.category", d, frame, message.category)
        said = message.said
        if message.kind == "diagnostic":
            made.note("modbus.subfunction", d, frame, said[0])
        elif message.kind in ("read", "write", "several", "both", "mask"):
            made.note("modbus.address", d, frame, said[0])
            if message.kind in ("read", "several", "both"):
                made.note("modbus.quantity", d, frame, said[1])
            elif message.kind == "write" and function in (5, 6):
                made.note("modbus.value", d, frame, said[1])


def looks(direction: int, data: bytes, ports: tuple[int, int]) -> bool | None:
    """Whether bytes begin a message: by port, since little else tells, and with a function that is known."""
    if 502 not in ports or direction not in (TO_SERVER, TO_CLIENT):
        return False
    if len(data) < 8:
        return None
    length = int.from_bytes(data[4:6], "big")
    fits = data[2:4] == b"\0\0" and _LEAST <= length <= _MOST and data[7] & 0x7F in KNOWN
    return fits and (data[7] < 0x80 or length == _EXCEPTION)
