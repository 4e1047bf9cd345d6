"""DCE/RPC (C706): binds, requests and responses, over TCP and over SMB's pipes."""

from __future__ import annotations

import uuid
from typing import Any, ClassVar

from citywall.applicationsettings import ApplicationSettings
from ingest.applications.parser import Parser, StreamParser, Transaction
from ingest.applications.tables import TO_CLIENT, TO_SERVER

_REQUEST, _RESPONSE, _FAULT, _BIND, _BIND_ACK, _ALTER, _ALTER_ACK = 0, 2, 3, 11, 12, 14, 15
#: Bytes of one call's stub that are kept.
MOST_STUB = 1 << 20


class Calls:
    """What is known of one association: its contexts, and calls under way by identifier."""

    def __init__(self, owner: Parser, *, bare: bool = False) -> None:
        self.owner = owner
        self.bare = bare  # not over SMB: an answer's stub is all behind its common header, as rules know it
        # (interface, version, result: -1 not answered, whether its bind was a first fragment)
        self.contexts: dict[int, tuple[bytes, int, int, int]] = {}
        self.offered: list[int] = []
        self.calls: dict[int, Transaction] = {}
        self.stubs: dict[tuple[int, int], bytearray] = {}

    def pdu(
        self, d: int, data: bytes, frame: int, time: int, made: Transaction | None = None
    ) -> Transaction | None:
        """One whole PDU; where `made` is given, its transaction is used. The transaction it belongs to."""
        if len(data) < 16 or data[0] != 5:
            return None
        kind, flags = data[2], data[3]
        order: Any = "little" if data[4] & 0x10 else "big"
        call = int.from_bytes(data[12:16], order)
        body = data[16:]
        if kind in (_BIND, _ALTER):
            return self._bind(d, flags, body, order, frame, time, made)
        if kind in (_BIND_ACK, _ALTER_ACK):
            self._bound(body, order)
            return None
        if kind in (_REQUEST, _RESPONSE, _FAULT) and len(body) >= 8:
            return self._call(d, kind, flags, call, body, order, frame, time, made)
        return None

    def _bind(
        self, d: int, flags: int, body: bytes, order: Any, frame: int, time: int, made: Transaction | None
    ) -> Transaction:
        made = made or self.owner.begin(frame, time)
        count = body[8] if len(body) > 8 else 0
        at, self.offered = 12, []
        for part in range(count):
            if at + 24 > len(body):
                break
            ident, items = int.from_bytes(body[at : at + 2], order), body[at + 2]
            raw = body[at + 4 : at + 20]
            name = str(uuid.UUID(bytes_le=raw) if order == "little" else uuid.UUID(bytes=raw)).encode()
            version = int.from_bytes(body[at + 20 : at + 22], order)
            if len(self.contexts) < 1024:
                self.contexts[ident] = (name, version, -1, flags & 1)
            self.offered.append(ident)
            made.put("dcerpc.iface", d, frame, name, part)
            made.note("dcerpc.version", d, frame, version, part)
            at += 24 + 20 * items
        made.whole(d, frame)
        return made

    def _bound(self, body: bytes, order: Any) -> None:
        """Which of the offered contexts were taken."""
        if len(body) < 10:
            return
        at = 10 + int.from_bytes(body[8:10], order)
        at += -at % 4
        count = body[at] if at < len(body) else 0
        at += 4
        for ident in self.offered[:count]:
            if at + 4 > len(body) or ident not in self.contexts:
                break
            name, version, _, first = self.contexts[ident]
            self.contexts[ident] = (name, version, int.from_bytes(body[at : at + 2], order), first)
            at += 24

    def _call(
        self, d: int, kind: int, flags: int, call: int, body: bytes, order: Any, frame: int, time: int,
        given: Transaction | None,
    ) -> Transaction:  # fmt: skip
        made = self.calls.get(call)
        if made is None or made.over:
            made = self.calls[call] = given or self.owner.begin(frame, time)
            if len(self.calls) > 1024:
                self.calls.pop(next(iter(self.calls)))
        if self.owner.wanted.calls:
            self._put_call(made, d, kind, flags, call, body, order, frame)
        if flags & 2:
            made.whole(d, frame)
            if kind != _REQUEST:
                self.calls.pop(call, None)
        return made

    def _put_call(
        self, made: Transaction, d: int, kind: int, flags: int, call: int, body: bytes, order: Any, frame: int
    ) -> None:
        """What a request or an answer says, and its stub once that is whole."""
        at = 8
        if kind == _REQUEST:
            if flags & 1:
                context, opnum = int.from_bytes(body[4:6], order), int.from_bytes(body[6:8], order)
                made.note("dcerpc.opnum", d, frame, opnum)
                made.note("dcerpc.context", d, frame, context)
                made.note("dcerpc.endian", d, frame, int(order == "little"))
                if context in self.contexts:
                    name, version, result, first = self.contexts[context]
                    made.note("dcerpc.first", d, frame, first)
                    made.put("dcerpc.iface", d, frame, name)
                    made.note("dcerpc.version", d, frame, version)
                    made.note("dcerpc.ack_result", d, frame, result)
        elif self.bare:
            at = 0
        stub = self.stubs.setdefault((call, d), bytearray())
        if len(stub) < MOST_STUB:
            stub += body[at:]
        if flags & 2:
            if stub:
                made.put("dcerpc.stub_data", d, frame, bytes(stub))
            self.stubs.pop((call, d), None)
        elif len(self.stubs) > 64:
            self.stubs.pop(next(iter(self.stubs)))


class Dcerpc(StreamParser):
    """One association over TCP."""

    name: ClassVar[str] = "dcerpc"

    def __init__(
        self, settings: ApplicationSettings, ports: tuple[int, int] = (0, 0), about: str = ""
    ) -> None:
        super().__init__(settings, ports, about)
        self.calls = Calls(self, bare=True)

    def advance(self, direction: int) -> None:
        """PDU by PDU."""
        stream = self.streams[direction]
        while len(stream.data) >= 16:
            little = stream.data[4] & 0x10
            end = int.from_bytes(stream.data[8:10], "little" if little else "big")
            if stream.data[0] != 5 or end < 16:
                self.done[direction] = True
                return
            if len(stream.data) < end:
                stream.need = end
                return
            data = bytes(stream.data[:end])
            frame, time = stream.mark(end)
            if self.settings.units:
                self._units(direction, data, frame)
            stream.drop(end)
            stream.need = 16
            made = self.calls.pdu(direction, data, frame, time)
            if made is not None and not made.over and (made.complete == 3 or data[2] in (_BIND, _ALTER)):
                self.finish(made)

    def _units(self, d: int, data: bytes, frame: int) -> None:
        self.unit("dcerpc.pdu", d, frame, data)
        self.unit("dcerpc.hdr", d, frame, data[:16])
        if len(data) > 16:
            self.unit("dcerpc.data", d, frame, data[16:])


def looks(direction: int, data: bytes, ports: tuple[int, int]) -> bool | None:
    """Whether bytes begin a PDU of version 5."""
    if data[:1] != b"\5" or direction not in (TO_SERVER, TO_CLIENT):
        return False
    if len(data) < 16:
        return None if data[1:2] in (b"", b"\0", b"\1") else False
    little = data[4] & 0x10
    return (
        data[1] <= 1
        and data[2] <= 19
        and data[4] & 0xEF == 0
        and (int.from_bytes(data[8:10], "little" if little else "big") >= 16)
    )
