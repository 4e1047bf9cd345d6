"""EtherNet/IP (ODVA volume 2, chapter 2): messages, and the answers of the same session and kind."""

from __future__ import annotations

import struct
from typing import ClassVar, NamedTuple

from citywall.applicationsettings import ApplicationSettings
from ingest.applications import cip
from ingest.applications.parser import StreamParser, Transaction
from ingest.applications.tables import TO_CLIENT, TO_SERVER

LIST_SERVICES, LIST_IDENTITY, LIST_INTERFACES, REGISTER, UNREGISTER = 4, 0x63, 0x64, 0x65, 0x66
_SEND, _SEND_UNIT = 0x6F, 0x70
#: Commands and statuses that there are.
COMMANDS = (
    0,
    LIST_SERVICES,
    LIST_IDENTITY,
    LIST_INTERFACES,
    REGISTER,
    UNREGISTER,
    _SEND,
    _SEND_UNIT,
    0x72,
    0x73,
)
STATUSES = (0, 1, 2, 3, 0x64, 0x65, 0x69, 0x6A)
HEADER = 24
_HEAD = struct.Struct("<HHII8sI")
_IDENTITY, _SERVICES, _CONNECTED, _UNCONNECTED = 0x0C, 0x100, 0xB1, 0xB2
_CONTAINED = struct.Struct("<H16xHHHBBHIB")
_MOST_ITEMS = 64


class Item(NamedTuple):
    """One thing in a message: what it is, where it stands in it, and its sequence number, -1 for none."""

    kind: int
    start: int
    data: bytes
    sequence: int
    message: cip.Cip | None
    at: int  # where `message` begins


class Pdu(NamedTuple):
    """A message. `items` is empty where it could not be read (`sound` is false) or has none."""

    command: int
    session: int
    status: int
    body: bytes
    items: list[Item]
    sound: bool

    def answers(self, asked: Pdu) -> bool:
        """Whether it is the answer to another one."""
        same = self.session == asked.session or self.command == REGISTER
        if self.command != asked.command or not same or self._cip() != asked._cip():
            return False
        mine, theirs = ([i for i in p.items[1:2] if i.kind == _CONNECTED] for p in (self, asked))
        if not self._cip() or not mine or not theirs:
            return True
        return mine[0].sequence == theirs[0].sequence

    def _cip(self) -> bool:
        return self.sound and self.command in (_SEND, _SEND_UNIT)


class Enip(StreamParser):
    """One connection's messages."""

    name: ClassVar[str] = "enip"

    def __init__(
        self, settings: ApplicationSettings, ports: tuple[int, int] = (0, 0), about: str = ""
    ) -> None:
        super().__init__(settings, ports, about)
        self.asked: list[tuple[Transaction, Pdu]] = []

    def datagram(self, direction: int, data: bytes, frame: int, time: int) -> None:
        """A message over UDP."""
        if len(data) >= HEADER and len(data) >= HEADER + int.from_bytes(data[2:4], "little"):
            self._message(direction, data, frame, time)

    def advance(self, direction: int) -> None:
        """Messages over TCP follow each other."""
        stream = self.streams[direction]
        while len(stream.data) >= HEADER:
            size = HEADER + int.from_bytes(stream.data[2:4], "little")
            if len(stream.data) < size:
                stream.need = size
                return
            frame, time = stream.mark(size)
            data = bytes(stream.data[:size])
            stream.drop(size)
            self._message(direction, data, frame, time)
        stream.need = HEADER

    def _message(self, d: int, data: bytes, frame: int, time: int) -> None:
        pdu = read(data)
        made = self._asking(pdu) if d == TO_CLIENT else None
        if made is None:
            made = self.begin(frame, time)
            if d == TO_SERVER:
                self.asked.append((made, pdu))
                if len(self.asked) > 1024:
                    self.finish(self.asked.pop(0)[0])
        if self.settings.units:
            self._units(d, data, pdu, frame)
        if not pdu.sound:
            self.odd("enip.invalid_pdu", d, frame, made)
        _tell(made, d, pdu, frame)
        made.whole(d, frame)
        if d == TO_CLIENT:
            self.finish(made)

    def _asking(self, pdu: Pdu) -> Transaction | None:
        """The request that is answered; what was asked before it gets no answer any more."""
        while self.asked:
            made, asked = self.asked.pop(0)
            if made.over:
                continue
            if pdu.answers(asked):
                return made
            self.finish(made)
        return None

    def _units(self, d: int, data: bytes, pdu: Pdu, frame: int) -> None:
        size = HEADER + len(pdu.body)
        self.unit("enip.hdr", d, frame, data[:HEADER])
        self.unit("enip.data", d, frame, pdu.body)
        self.unit("enip.pdu", d, frame, data[:size])
        for item in pdu.items:
            self.unit("enip.enip.item", d, frame, data[item.start : item.start + 4 + len(item.data)])
            if item.message is not None:
                self.unit("enip.cip", d, frame, data[item.at : item.at + len(item.data)])
                for place, length, _ in item.message.inner:
                    self.unit("enip.cip", d, frame, data[item.at + place : item.at + place + length])


def read(data: bytes) -> Pdu:
    """A whole message."""
    command, length, session, status, _, _ = _HEAD.unpack_from(data)
    body = data[HEADER : HEADER + length]
    items: list[Item] = []
    sound = True
    try:
        if command in (_SEND, _SEND_UNIT):
            items = _items(body, 6)
        elif command in (LIST_SERVICES, LIST_IDENTITY, LIST_INTERFACES) and body:
            items = _items(body, 0)
        elif command == REGISTER and len(body) < 4:
            sound = False
    except cip.Malformed:
        sound = False
    return Pdu(command, session, status, body, items, sound)


def _items(body: bytes, at: int) -> list[Item]:
    if len(body) < at + 2:
        raise cip.Malformed
    count = int.from_bytes(body[at : at + 2], "little")
    at += 2
    found = []
    for _ in range(min(count, _MOST_ITEMS)):
        if at + 4 > len(body):
            raise cip.Malformed
        kind, length = (int.from_bytes(body[i : i + 2], "little") for i in (at, at + 2))
        if at + 4 + length > len(body):
            raise cip.Malformed
        found.append(_item(kind, HEADER + at, body[at + 4 : at + 4 + length]))
        at += 4 + length
    return found


def _item(kind: int, start: int, data: bytes) -> Item:
    sequence, message, at = -1, None, start + 4
    if kind == _CONNECTED:
        if len(data) < 2:
            raise cip.Malformed
        sequence, at = int.from_bytes(data[:2], "little"), at + 2
    if kind in (_CONNECTED, _UNCONNECTED):
        message = cip.read(data[at - start - 4 :])[0]
    elif (kind == _IDENTITY and (len(data) < 34 or len(data) < 34 + data[32])) or (
        kind == _SERVICES and len(data) < 20
    ):
        raise cip.Malformed
    return Item(kind, start, data, sequence, message, at)


def _tell(made: Transaction, d: int, pdu: Pdu, frame: int) -> None:
    made.note("enip.command", d, frame, pdu.command)
    made.note("enip.status", d, frame, pdu.status)
    first = pdu.items[0] if pdu.items else None
    if pdu.command == REGISTER and pdu.sound:
        made.note("enip.protocol_version", d, frame, int.from_bytes(pdu.body[:2], "little"))
    elif d == TO_CLIENT and first is not None and pdu.command == LIST_IDENTITY and first.kind == _IDENTITY:
        _tell_identity(made, first.data, frame)
    elif d == TO_CLIENT and first is not None and pdu.command == LIST_SERVICES and first.kind == _SERVICES:
        made.note("enip.protocol_version", d, frame, int.from_bytes(first.data[:2], "little"))
        made.note("enip.capabilities", d, frame, int.from_bytes(first.data[2:4], "little"))
        made.put("enip.service_name", d, frame, first.data[4:20])
    message = next((item.message for item in pdu.items if item.message is not None), None)
    if message is not None and pdu.command in (_SEND, _SEND_UNIT):
        _tell_cip(made, d, message, frame, 0)
        for part, (_, _, inner) in enumerate(message.inner, 1):
            _tell_cip(made, d, inner, frame, part)


def _tell_identity(made: Transaction, data: bytes, frame: int) -> None:
    d = TO_CLIENT
    version, vendor, device, product, major, minor, status, serial, size = _CONTAINED.unpack_from(data)
    for field, value in (
        ("enip.protocol_version", version), ("enip.vendor_id", vendor), ("enip.device_type", device),
        ("enip.product_code", product), ("enip.revision", major << 8 | minor),
        ("enip.identity_status", status), ("enip.serial", serial), ("enip.state", data[33 + size]),
    ):  # fmt: skip
        made.note(field, d, frame, value)
    made.put("enip.product_name", d, frame, data[33 : 33 + size])


def _tell_cip(made: Transaction, d: int, message: cip.Cip, frame: int, part: int) -> None:
    """`part`: 0 for the message itself, then those in it."""
    made.note("enip.cip_service", d, frame, message.service, part)
    if message.answer:
        if d == TO_CLIENT:
            made.note("enip.cip_status", d, frame, message.status, part)
            if len(message.extended) == 2:
                made.note(
                    "enip.cip_extendedstatus", d, frame, int.from_bytes(message.extended, "little"), part
                )
        return
    if d != TO_SERVER:
        return
    for kind, value in message.segments:
        if kind in _SEGMENTS:
            made.note(_SEGMENTS[kind], d, frame, value, part)
    for value in message.attributes:
        made.note("enip.cip_attribute", d, frame, value, part)


_SEGMENTS = {
    cip.CLASS: "enip.cip_class", cip.INSTANCE: "enip.cip_instance", cip.ATTRIBUTE: "enip.cip_attribute",
}  # fmt: skip


def looks(direction: int, data: bytes, ports: tuple[int, int]) -> bool | None:
    """Whether bytes begin a message: by port, command, status and the lengths that some commands have."""
    if 44818 not in ports or direction < 0:
        return False
    if len(data) < HEADER:
        return None
    command, length, _, status, _, options = _HEAD.unpack_from(data)
    if command not in COMMANDS or status not in STATUSES:
        return False
    if command == 0:
        return bool(options == 0)
    return bool(command != REGISTER or length == 4) and bool(command != UNREGISTER or length in (0, 4))
