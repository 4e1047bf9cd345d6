"""LDAP (RFC 4511): requests and the answers of the same number."""

from __future__ import annotations

from typing import ClassVar

from citywall.applicationsettings import ApplicationSettings
from ingest.applications.der import Broken, Item, integer, item_at, items
from ingest.applications.parser import StreamParser, Transaction
from ingest.applications.tables import TO_CLIENT, TO_SERVER

_MOST_MESSAGE = 1 << 20
_FINAL = frozenset((1, 5, 7, 9, 11, 13, 15, 24))  # operations that end an exchange
_UNBIND, _ABANDON = 2, 16
_WITH_NAME = frozenset((3, 6, 8, 12, 14))


class Ldap(StreamParser):
    """One connection's exchanges."""

    name: ClassVar[str] = "ldap"

    def __init__(
        self, settings: ApplicationSettings, ports: tuple[int, int] = (0, 0), about: str = ""
    ) -> None:
        super().__init__(settings, ports, about)
        self.asked: dict[int, Transaction] = {}
        self.answers: dict[int, int] = {}

    def datagram(self, direction: int, data: bytes, frame: int, time: int) -> None:
        """A message without a connection."""
        try:
            self._message(direction, item_at(data, 0), frame, time)
        except (Broken, IndexError):
            self.odd("ldap.invalid_data", direction, frame)

    def advance(self, direction: int) -> None:
        """Message by message."""
        stream = self.streams[direction]
        while len(stream.data) >= 2:
            end = _length(bytes(stream.data[:6]))
            if end > _MOST_MESSAGE or stream.data[0] != 0x30:
                self.odd("ldap.invalid_data", direction, stream.frame(2))
                self.done[direction] = True
                return
            if end < 0 or len(stream.data) < end:
                stream.need = max(end, len(stream.data) + 1)
                return
            data = bytes(stream.data[:end])
            frame, time = stream.frame(end), stream.time(end)
            stream.drop(end)
            stream.need = 2
            self.datagram(direction, data, frame, time)

    def _message(self, d: int, whole: Item, frame: int, time: int) -> None:
        parts = items(whole.data, 3)
        ident, operation = parts[0], parts[1]
        number, kind = integer(ident.data), operation.tag & 31
        made = self.asked.get(number)
        if made is None or made.over or d == TO_SERVER:
            made = self.begin(frame, time)
            self.asked[number] = made
            if len(self.asked) > 1024:
                self.asked.pop(next(iter(self.asked)))
        if d == TO_SERVER:
            self._request(made, kind, operation, frame)
            return
        count = self.answers.get(number, 0)
        made.note("ldap.responses.operation", d, frame, kind, count)
        if kind == 4:
            made.put("ldap.responses.dn", d, frame, item_at(operation.data, 0).data, count)
        self.answers[number] = count + 1
        if kind in _FINAL:
            fields = items(operation.data, 3)
            made.note("ldap.result", d, frame, integer(fields[0].data))
            made.put("ldap.responses.message", d, frame, fields[2].data)
            made.note("ldap.responses.count", d, frame, count + 1)
            made.whole(d, frame)
            self.asked.pop(number, None)
            self.answers.pop(number, None)
            self.finish(made)

    def _request(self, made: Transaction, kind: int, operation: Item, frame: int) -> None:
        d = TO_SERVER
        made.note("ldap.request.operation", d, frame, kind)
        if kind in _WITH_NAME:
            made.put("ldap.request.dn", d, frame, item_at(operation.data, 0).data)
        elif kind == 0:
            made.put("ldap.request.dn", d, frame, items(operation.data, 3)[1].data)
        elif kind == 10:
            made.put("ldap.request.dn", d, frame, operation.data)
        made.whole(d, frame)
        if kind in (_UNBIND, _ABANDON):
            self.finish(made)


def _length(head: bytes) -> int:
    """Bytes of the element that begins so, -1 where that is not known yet."""
    if not head[1] & 0x80:
        return 2 + head[1]
    n = head[1] & 0x7F
    if n == 0 or n > 4:
        return _MOST_MESSAGE + 1
    return 2 + n + int.from_bytes(head[2 : 2 + n], "big") if len(head) >= 2 + n else -1


def looks(direction: int, data: bytes, ports: tuple[int, int]) -> bool | None:
    """Whether bytes begin a message: by port, or a bind or search in full."""
    if data[:1] != b"\x30" or direction not in (TO_SERVER, TO_CLIENT):
        return False
    if len(data) < 7:
        return None if {389, 3268} & set(ports) else False
    size = 2 + (data[1] & 0x7F if data[1] & 0x80 else 0)
    if data[size : size + 1] != b"\2" or size + 1 >= len(data) or not 1 <= data[size + 1] <= 4:
        return False
    at = size + 2 + data[size + 1]
    known = bool({389, 3268} & set(ports))
    return at < len(data) and (
        data[at] & 0xE0 == 0x60 if known else data[at] == 0x60 and b"\2\1\3" in data[at : at + 6]
    )
