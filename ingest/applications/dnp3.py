"""DNP3 (IEEE 1815): link frames put together to application fragments, each a transaction."""

from __future__ import annotations

from typing import ClassVar

from citywall.applicationsettings import ApplicationSettings
from ingest.applications.parser import StreamParser
from ingest.applications.tables import TO_CLIENT, TO_SERVER

_MOST_FRAGMENT = 1 << 16
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
        self.fragments = [bytearray(), bytearray()]

    def advance(self, direction: int) -> None:
        """Frame by frame."""
        stream = self.streams[direction]
        while len(stream.data) >= 10:
            frame = stream.frame(10)
            if stream.data[:2] != b"\x05\x64" or stream.data[2] < 5:
                self.odd("dnp3.bad_length", direction, frame)
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
                continue
            blocks = [data[i : i + 18] for i in range(10, end, 18)]
            self._segment(direction, b"".join(block[:-2] for block in blocks), frame, time)

    def _segment(self, d: int, data: bytes, frame: int, time: int) -> None:
        if not data:
            return
        whole = self.fragments[d]
        if data[0] & 0x40:
            whole.clear()
        whole += data[1:]
        if len(whole) > _MOST_FRAGMENT:
            whole.clear()
        if not data[0] & 0x80 or len(whole) < 2:
            return
        made = self.begin(frame, time)
        function = whole[1]
        made.note("dnp3.func", d, frame, function)
        at = 2
        if function >= 129 and len(whole) >= 4:
            made.note("dnp3.ind", d, frame, int.from_bytes(whole[2:4], "big"))
            at = 4
        if len(whole) >= at + 2:
            made.note("dnp3.obj", d, frame, whole[at] << 8 | whole[at + 1])
            made.note("dnp3.obj.group", d, frame, whole[at])
            made.note("dnp3.obj.variation", d, frame, whole[at + 1])
        made.put("dnp3.data", d, frame, bytes(whole))
        made.whole(d, frame)
        self.finish(made)
        whole.clear()


def looks(direction: int, data: bytes, ports: tuple[int, int]) -> bool | None:
    """Whether bytes begin a frame."""
    if len(data) < 10:
        return None if b"\x05\x64".startswith(data[:2]) and 20000 in ports else False
    sound = data[:2] == b"\x05\x64" and data[2] >= 5 and direction in (TO_SERVER, TO_CLIENT)
    return sound and checksum(data[:8]) == int.from_bytes(data[8:10], "little")
