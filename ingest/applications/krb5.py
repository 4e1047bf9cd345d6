"""Kerberos 5 (RFC 4120) over UDP and TCP: each message is a transaction."""

from __future__ import annotations

from typing import ClassVar

from ingest.applications.der import Broken, Item, integer, item_at, items
from ingest.applications.parser import StreamParser, Transaction
from ingest.applications.tables import TO_CLIENT, TO_SERVER

_REQUESTS, _REPLIES, _ERROR = (10, 12), (11, 13), 30
_WEAK = frozenset((1, 2, 3, 4, 5, 7, 8, 16, 23, 24))


class Krb5(StreamParser):
    """One conversation's messages."""

    name: ClassVar[str] = "krb5"

    def datagram(self, direction: int, data: bytes, frame: int, time: int) -> None:
        """A message."""
        self._message(direction, data, frame, time)

    def advance(self, direction: int) -> None:
        """Messages over TCP stand behind their length."""
        stream = self.streams[direction]
        while len(stream.data) >= 4:
            end = 4 + (int.from_bytes(stream.data[:4], "big") & 0x7FFFFFFF)
            if end > 1 << 20:
                self.odd("krb5.malformed_data", direction, stream.frame(4))
                self.done[direction] = True
                return
            if len(stream.data) < end:
                stream.need = end
                return
            data = bytes(stream.data[4:end])
            frame, time = stream.frame(end), stream.time(end)
            stream.drop(end)
            stream.need = 4
            self._message(direction, data, frame, time)

    def _message(self, d: int, data: bytes, frame: int, time: int) -> None:
        made = self.begin(frame, time)
        try:
            outer = item_at(data, 0)
            kind = outer.tag & 31
            made.note("krb5.msg_type", d, frame, kind)
            fields = {field.tag & 31: field for field in items(item_at(outer.data, 0).data, 32)}
            if kind in _REQUESTS and 4 in fields:
                body = {field.tag & 31: field for field in items(item_at(fields[4].data, 0).data, 32)}
                _names(made, d, frame, body, {1: "krb5.cname", 3: "krb5.sname"}, 2)
            elif kind in _REPLIES:
                _names(made, d, frame, fields, {4: "krb5.cname"}, 3)
                self._ticket(made, d, frame, fields)
            elif kind == _ERROR:
                made.note("krb5.err_code", d, frame, integer(item_at(fields[6].data, 0).data))
                _names(made, d, frame, fields, {8: "krb5.cname", 10: "krb5.sname"}, 9)
        except (Broken, KeyError, IndexError):
            self.odd("krb5.malformed_data", d, frame, made)
        made.whole(d, frame)
        self.finish(made)

    def _ticket(self, made: Transaction, d: int, frame: int, fields: dict[int, Item]) -> None:
        ticket = {f.tag & 31: f for f in items(item_at(item_at(fields[5].data, 0).data, 0).data, 8)}
        if 2 in ticket:
            _put_name(made, d, frame, "krb5.sname", ticket[2])
        sealed = {f.tag & 31: f for f in items(item_at(ticket[3].data, 0).data, 8)}
        made.note("krb5.ticket_encryption", d, frame, integer(item_at(sealed[0].data, 0).data))
        mine = {f.tag & 31: f for f in items(item_at(fields[6].data, 0).data, 8)}
        kind = integer(item_at(mine[0].data, 0).data)
        if kind in _WEAK:
            made.note("krb5.weak_encryption", d, frame, 1)
            self.odd("krb5.weak_encryption", d, frame, made)


def _names(
    made: Transaction, d: int, frame: int, fields: dict[int, Item], names: dict[int, str], realm: int
) -> None:
    for at, kind in names.items():
        if at in fields:
            _put_name(made, d, frame, kind, fields[at])
    if realm in fields:
        made.put("krb5.realm", d, frame, item_at(fields[realm].data, 0).data)


def _put_name(made: Transaction, d: int, frame: int, kind: str, field: Item) -> None:
    parts = items(items(item_at(field.data, 0).data)[1].data)
    texts = [text.data for text in items(parts[0].data, 32)]
    if kind == "krb5.cname":
        made.put(kind, d, frame, b"/".join(texts))
        return
    for part, text in enumerate(texts):
        made.put(kind, d, frame, text, part)


def looks(direction: int, data: bytes, ports: tuple[int, int]) -> bool | None:
    """Whether bytes begin a message, with or without a length before it."""
    if 88 not in ports or direction not in (TO_SERVER, TO_CLIENT):
        return False
    if len(data) < 10:
        return None
    for at in (0, 4):
        if data[at] & 0xE0 == 0x60 and data[at] & 31 in (*_REQUESTS, *_REPLIES, 14, 15, _ERROR):
            return True
    return False
