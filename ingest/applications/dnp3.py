"""DNP3 (IEEE 1815): link frames put together to application fragments, each a transaction."""

from __future__ import annotations

from typing import ClassVar

from citywall.applicationsettings import ApplicationSettings
from ingest.applications.parser import StreamParser
from ingest.applications.tables import TO_CLIENT, TO_SERVER

#: Bytes of a fragment: a frame carries 255 at most, and segments are counted from 0 to 63.
_MOST_FRAGMENT = 63 * 255
#: Fragments being put together in one direction, of one station to another.
_MOST_STATIONS = 8
#: What may become known with one frame before it is a flood.
_FLOOD = 32
_MOST_OBJECTS, _MOST_POINTS = 2048, 16384
_USER_DATA = (3, 4)
_FIRST, _FINAL, _SEQUENCE = 0x40, 0x80, 0x3F
_CONFIRM, _RESPONSE = 0, 129
#: Bytes of a range by its code (IEEE 1815, table 4-5): of a span, its two ends together; of a count.
_SPANS = {0: 2, 1: 4, 2: 8, 3: 2, 4: 4, 5: 8}
_COUNTS = {6: 0, 7: 1, 8: 2, 9: 4, 11: 1}
_POLYNOMIAL = 0xA6BC


def _table() -> tuple[int, ...]:
    out = []
    for byte in range(256):
        value = byte
        for _ in range(8):
            value = value >> 1 ^ _POLYNOMIAL if value & 1 else value >> 1
        out.append(value)
    return tuple(out)


_TABLE = _table()


def checksum(data: bytes) -> int:
    """The CRC of a header or block of at most 16 bytes."""
    value = 0
    for byte in data:
        value = value >> 8 ^ _TABLE[(value ^ byte) & 255]
    return ~value & 0xFFFF


class Dnp3(StreamParser):
    """One connection's fragments."""

    name: ClassVar[str] = "dnp3"

    def __init__(
        self, settings: ApplicationSettings, ports: tuple[int, int] = (0, 0), about: str = ""
    ) -> None:
        super().__init__(settings, ports, about)
        # By direction and addresses: the last segment's number, and what the fragment has.
        self.fragments: list[dict[bytes, tuple[int, bytearray]]] = [{}, {}]
        self.known = [(0, 0), (0, 0)]  # the last frame of a direction, and how many fragments it completed

    def advance(self, direction: int) -> None:
        """Frame by frame."""
        stream = self.streams[direction]
        while len(stream.data) >= 10:
            frame = stream.frame(10)
            begins = stream.data[:2] == b"\x05\x64"
            if not begins or stream.data[2] < 5:
                self.odd("dnp3.len_too_small" if begins else "dnp3.bad_length", direction, frame)
                self.done[direction] = True
                return
            user = stream.data[2] - 5
            end = 10 + user + 2 * ((user + 15) // 16)
            if len(stream.data) < end:
                stream.need = end
                return
            data = bytes(stream.data[:end])
            frame, time = stream.frame(end), stream.time(end)
            stream.drop(end)
            stream.need = 10
            if checksum(data[:8]) != int.from_bytes(data[8:10], "little"):
                self.odd("dnp3.bad_link_crc", direction, frame)
            elif data[3] & 15 in _USER_DATA:
                self._frame(direction, data, frame, time)

    def _frame(self, d: int, data: bytes, frame: int, time: int) -> None:
        """A frame of user data."""
        if data[2] < (8 if d == TO_SERVER else 10):  # of a segment, an application's header, and indications
            self.odd("dnp3.len_too_small", d, frame)
            return
        blocks = [data[i : i + 18] for i in range(10, len(data), 18)]
        if any(checksum(block[:-2]) != int.from_bytes(block[-2:], "little") for block in blocks):
            self.odd("dnp3.bad_transport_crc", d, frame)
            return
        self._segment(d, data[4:8], b"".join(block[:-2] for block in blocks), frame, time)

    def _segment(self, d: int, stations: bytes, data: bytes, frame: int, time: int) -> None:
        fragments = self.fragments[d]
        number = data[0] & _SEQUENCE
        last, whole = fragments.pop(stations, (-1, bytearray()))
        if data[0] & _FIRST:
            whole = bytearray()
        elif last < 0:
            return
        elif number != (last + 1) & _SEQUENCE:
            fragments[stations] = last, whole
            return
        whole += data[1:]
        if len(whole) > _MOST_FRAGMENT:
            made = self.begin(frame, time)
            made.note("dnp3.func", d, frame, whole[1])
            self.odd("dnp3.too_long_reassembly", d, frame, made)
            made.whole(d, frame)
            self.finish(made)
        elif data[0] & _FINAL:
            self._fragment(d, bytes(whole), frame, time)
        else:
            fragments[stations] = number, whole
            if len(fragments) > _MOST_STATIONS:
                del fragments[next(iter(fragments))]

    def _fragment(self, d: int, whole: bytes, frame: int, time: int) -> None:
        made = self.begin(frame, time)
        function = whole[1]
        made.note("dnp3.func", d, frame, function)
        at = 2
        if function >= _RESPONSE and len(whole) >= 4:
            made.note("dnp3.ind", d, frame, int.from_bytes(whole[2:4], "big"))
            at = 4
        if len(whole) >= at + 2:
            made.note("dnp3.obj", d, frame, whole[at] << 8 | whole[at + 1])
            made.note("dnp3.obj.group", d, frame, whole[at])
            made.note("dnp3.obj.variation", d, frame, whole[at + 1])
        made.put("dnp3.data", d, frame, whole)
        if function != _CONFIRM or d == TO_CLIENT:
            last, count = self.known[d]
            count = count + 1 if last == frame else 1
            self.known[d] = frame, count
            if count == _FLOOD + 1:
                self.odd("dnp3.flooded", d, frame, made)
            if event := _excess(whole, 2 if d == TO_SERVER else 4):
                self.odd(event, d, frame, made)
        made.whole(d, frame)
        self.finish(made)


def _excess(whole: bytes, at: int) -> str:
    """The event of headers of objects that are too many or mean too many points, "" where none are.

    They are read up to the first that data follow: how long those are only their own formats say.
    """
    for _ in range(_MOST_OBJECTS):
        if at + 3 > len(whole):
            return ""
        variation, code = whole[at + 1], whole[at + 2] & 15
        size = _SPANS.get(code, _COUNTS.get(code, -1))
        at += 3
        if size < 0 or at + size > len(whole):
            return ""
        points = int.from_bytes(whole[at : at + size], "little")
        if code in _SPANS:
            first, last = points & (1 << size * 4) - 1, points >> size * 4
            points = (last - first + 1) & 0xFFFFFFFF
        at += size
        if variation and points:
            return "dnp3.too_many_points" if points > _MOST_POINTS else ""
    return "dnp3.too_many_objects" if at + 3 <= len(whole) else ""


def looks(direction: int, data: bytes, ports: tuple[int, int]) -> bool | None:
    """Whether bytes begin a frame."""
    if len(data) < 10:
        return None if b"\x05\x64".startswith(data[:2]) and 20000 in ports else False
    sound = data[:2] == b"\x05\x64" and data[2] >= 5 and direction in (TO_SERVER, TO_CLIENT)
    return sound and checksum(data[:8]) == int.from_bytes(data[8:10], "little")
