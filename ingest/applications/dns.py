"""DNS (RFC 1035) over UDP and TCP: each message is a transaction, its names without compression."""

from __future__ import annotations

import struct
from typing import ClassVar

from ingest.applications.parser import Parser, StreamParser, Transaction
from ingest.applications.tables import TO_CLIENT, TO_SERVER

#: Records of one message that are read, and labels of one name.
MOST_RECORDS, MOST_LABELS = 1024, 128
#: Bytes of a name, written out.
MOST_NAME = 1025
#: Labels and pointers of a name that are followed.
MOST_STEPS = 255
LOOP, TRUNCATED, STEPS = 1, 2, 4
#: What is told of a name, by bit.
ODD = {LOOP: "dns.infinite_loop", TRUNCATED: "dns.name_too_long", STEPS: "dns.too_many_labels"}
_HEADER = struct.Struct(">6H")
_FIXED = struct.Struct(">HHIH")
_PORTS = (53, 5353, 5355)
_NAMED = frozenset((2, 5, 12, 39))  # records whose data is a name
_NAMING = {2: 0, 5: 0, 6: 0, 12: 0, 15: 2}  # those whose data has a name, and where it stands
_SECTIONS = ("answers", "authorities", "additionals")
# What a section that cannot be read is called; answers are part of the message proper.
_WRONG = {"authorities": "dns.invalid_authorities", "additionals": "dns.invalid_additionals"}


class Malformed(ValueError):
    """A message that cannot be read. `event` is Suricata's name of what is wrong."""

    def __init__(self, event: str) -> None:
        super().__init__(event)
        self.event = event


def name_in(data: bytes, at: int, end: int) -> tuple[bytes, int, int]:
    """The name at an offset, labels joined by dots; where it ends; bits of `ODD` of what is odd about it.

    As Suricata reads names: pointers may go ahead, and what is too long or goes in a circle behind a pointer
    is cut off. Bytes from `end` on do not belong to it until a pointer was followed.
    """
    name, after, odd, steps = bytearray(), -1, 0, 0
    while at < end:
        length = data[at]
        if length == 0:
            at += 1
            break
        if length < 64:
            if at + 1 + length > end:
                raise Malformed("dns.malformed_data")
            if not odd & TRUNCATED:
                name += b"." * bool(name) + data[at + 1 : at + 1 + length]
            at += 1 + length
        else:
            to = int.from_bytes(data[at : at + 2], "big") & 0x3FFF
            if length < 0xC0 or at + 2 > end or to > len(data) or (to == at and after < 0):
                raise Malformed("dns.malformed_data")
            if to == at:
                odd |= LOOP
                break
            after = at + 2 if after < 0 else after
            at, end = to, len(data)
        steps += 1
        if steps > MOST_STEPS:
            if after < 0:
                raise Malformed("dns.malformed_data")
            odd |= STEPS | TRUNCATED
            break
        if len(name) > MOST_NAME:
            del name[MOST_NAME:]
            odd |= TRUNCATED
            if after >= 0:
                break
    return bytes(name), at if after < 0 else after, odd


def name_at(data: bytes, at: int) -> tuple[bytes, int]:
    """As `name_in`, where a name must be sound: pointers go back, and nothing is cut off."""
    labels: list[bytes] = []
    size, after, hops = 0, -1, 0
    while True:
        if at >= len(data):
            raise Malformed("dns.malformed_data")
        length = data[at]
        if length == 0:
            at += 1
            break
        if length >= 0xC0:
            if at + 2 > len(data):
                raise Malformed("dns.malformed_data")
            if after < 0:
                after = at + 2
            to = (length & 0x3F) << 8 | data[at + 1]
            hops += 1
            if to >= at or hops > MOST_LABELS:
                raise Malformed("dns.infinite_loop")
            at = to
            continue
        if length > 63 or at + 1 + length > len(data):
            raise Malformed("dns.malformed_data")
        labels.append(data[at + 1 : at + 1 + length])
        size += length + 1
        if size > MOST_NAME:
            raise Malformed("dns.name_too_long")
        if len(labels) > MOST_LABELS:
            raise Malformed("dns.too_many_labels")
        at += 1 + length
    return b".".join(labels), at if after < 0 else after


class Dns(StreamParser):
    """One conversation's messages."""

    name: ClassVar[str] = "dns"

    def datagram(self, direction: int, data: bytes, frame: int, time: int) -> None:
        """A message."""
        self._message(data, frame, time)

    def advance(self, direction: int) -> None:
        """Messages over TCP stand behind their length."""
        stream = self.streams[direction]
        while len(stream.data) >= 2:
            end = 2 + int.from_bytes(stream.data[:2], "big")
            if len(stream.data) < end:
                stream.need = end
                return
            frame, time = stream.mark(end)
            message = bytes(stream.data[2:end])
            stream.drop(end)
            self._message(message, frame, time)
        stream.need = 2

    def _message(self, data: bytes, frame: int, time: int) -> None:
        if len(data) < 12:
            self.odd("dns.malformed_data", TO_SERVER, frame)
            return
        transaction = self.begin(frame, time)
        d = TO_CLIENT if data[2] & 0x80 else TO_SERVER
        if self.settings.units:
            self.unit("dns.pdu", d, frame, data)
        read(self, transaction, d, frame, data)
        transaction.whole(d, frame)
        self.finish(transaction)


def read(parser: Parser, transaction: Transaction, d: int, frame: int, data: bytes) -> None:
    """What a message of 12 bytes at least says goes to a transaction."""
    ident, flags, *counts = _HEADER.unpack_from(data)
    transaction.note("dns.id", d, frame, ident)
    transaction.note("dns.flags", d, frame, flags)
    transaction.note("dns.opcode", d, frame, flags >> 11 & 15)
    transaction.note("dns.rcode", d, frame, flags & 15)
    if flags & 0x40:
        parser.odd("dns.z_flag_set", d, frame, transaction)
    if flags >> 11 & 15 >= 7:
        parser.odd("dns.invalid_opcode", d, frame, transaction)
    message = _Message(transaction, d, frame, data)
    try:
        message.records(message.questions(counts[0]), counts[1:])
    except Malformed as e:
        parser.odd(e.event, d, frame, transaction)
    for bit, event in ODD.items():
        if message.odd & bit:
            parser.odd(event, d, frame, transaction)


class _Message:
    """Names and records of a message as they go to its transaction."""

    def __init__(self, transaction: Transaction, d: int, frame: int, data: bytes) -> None:
        self.odd = 0  # bits of `ODD`
        self._transaction, self._d, self._frame, self._data = transaction, d, frame, data
        self._answering = bool(data[2] & 0x80)
        self._names = 0  # of `dns.response.rrname`

    def questions(self, count: int) -> int:
        """Where the questions end."""
        transaction, d, frame, data = self._transaction, self._d, self._frame, self._data
        at = 12
        for part in range(min(count, MOST_RECORDS)):
            name, at = self._name(at, len(data))
            if at + 4 > len(data):
                raise Malformed("dns.malformed_data")
            if d == TO_SERVER:
                transaction.put("dns.query", d, frame, name, part)
            transaction.put("dns.queries.rrname", d, frame, name, part)
            transaction.put("dns.query.name", d, frame, name, part)
            self._response(name)
            transaction.note("dns.rrtype", d, frame, int.from_bytes(data[at : at + 2], "big"), part)
            at += 4
        return at

    def records(self, at: int, counts: list[int]) -> None:
        """The three sections."""
        read = 0
        for section, count in zip(_SECTIONS, counts, strict=True):
            for i in range(count):
                if read >= MOST_RECORDS:
                    return
                try:
                    at = self._record(at, section, i)
                except Malformed as e:
                    raise Malformed(_WRONG.get(section, e.event)) from e
                read += 1

    def _record(self, at: int, section: str, i: int) -> int:
        """Where a record ends."""
        transaction, d, frame, data = self._transaction, self._d, self._frame, self._data
        name, at = self._name(at, len(data))
        if at + 10 > len(data):
            raise Malformed("dns.malformed_data")
        kind, _, ttl, length = _FIXED.unpack_from(data, at)
        at += 10
        if at + length > len(data):
            raise Malformed("dns.malformed_data")
        if kind != 41 and (section == "answers" or self._answering):  # EDNS has no owner
            transaction.put(f"dns.{section}.rrname", d, frame, name, i)
            self._response(name)
        if kind in _NAMING:
            self._response(self._name(at + _NAMING[kind], at + length)[0])
        if section == "answers":
            transaction.put("dns.answer.name", d, frame, name, i)
            value = self._name(at, at + length)[0] if kind in _NAMED else data[at : at + length]
            transaction.put("dns.rdata", d, frame, value, i)
            transaction.note("dns.ttl", d, frame, ttl, i)
            transaction.note("dns.rrtype", d, frame, kind, 256 + i)
        return int(at + length)

    def _name(self, at: int, end: int) -> tuple[bytes, int]:
        name, after, odd = name_in(self._data, at, end)
        self.odd |= odd
        return name, after

    def _response(self, name: bytes) -> None:
        """A name in a response, whatever it stands in."""
        if self._answering and name:
            self._transaction.put("dns.response.rrname", self._d, self._frame, name, self._names)
            self._names += 1


def looks(direction: int, data: bytes, ports: tuple[int, int]) -> bool | None:
    """Whether bytes begin a message: by port, its counts, and a first name that can be one."""
    if 137 in ports:
        return False  # NetBIOS names look alike
    known = ports[0] in _PORTS or ports[1] in _PORTS
    for at in (0, 2):  # over TCP a length stands before it; which of the two the registry does not say
        message = data[at:]
        if at == 2 and not 17 <= int.from_bytes(data[:2], "big") <= 4096:
            continue
        if _plausible(message, known=known):
            return True
    return None if known and len(data) < 14 else False


def _plausible(message: bytes, *, known: bool) -> bool:
    if len(message) < 12:
        return False
    _, flags, questions, answers, authorities, more = _HEADER.unpack_from(message)
    if known:
        records = questions + answers + authorities + more
        if not records:  # a server that did not understand
            return bool(flags & 0x8000) and len(message) == 12
        return bool(2 * records <= len(message) and (flags & 0x8000 or questions))
    if flags >> 11 & 15 > 6 or flags & 0x40:
        return False
    if questions != 1 or answers > 64 or authorities > 64 or more > 64 or (not flags & 0x8000 and answers):
        return False
    try:
        name, at = name_at(message, 12)
    except Malformed:
        return False
    return (
        at + 4 <= len(message)
        and int.from_bytes(message[at + 2 : at + 4], "big") in (1, 255)
        and (all(32 < c < 127 for c in name))
    )
