"""IEC 60870-5-104: each frame with information is a transaction."""

from __future__ import annotations

from typing import ClassVar

from ingest.applications.parser import StreamParser
from ingest.applications.tables import TO_CLIENT, TO_SERVER


class Iec104(StreamParser):
    """One connection's frames."""

    name: ClassVar[str] = "iec104"

    def advance(self, direction: int) -> None:
        """Frame by frame."""
        stream = self.streams[direction]
        while len(stream.data) >= 2:
            end = 2 + stream.data[1]
            if stream.data[0] != 0x68 or end < 6:
                self.done[direction] = True
                return
            if len(stream.data) < end:
                stream.need = end
                return
            data = bytes(stream.data[:end])
            frame, time = stream.frame(end), stream.time(end)
            stream.drop(end)
            stream.need = 2
            form = 0 if not data[2] & 1 else data[2] & 3
            if form == 1 or (form == 0 and len(data) < 12):
                continue  # acknowledges only
            made = self.begin(frame, time)
            made.note("iec104.frame", direction, frame, form)
            if form == 0:
                made.note("iec104.type", direction, frame, data[6])
                made.note("iec104.cause", direction, frame, data[8] & 0x3F)
                made.note("iec104.common_address", direction, frame, int.from_bytes(data[10:12], "little"))
                made.put("iec104.data", direction, frame, data[12:])
            made.whole(direction, frame)
            self.finish(made)


def looks(direction: int, data: bytes, ports: tuple[int, int]) -> bool | None:
    """Whether bytes begin a frame, at its port."""
    if 2404 not in ports or direction not in (TO_SERVER, TO_CLIENT):
        return False
    return None if len(data) < 6 else data[0] == 0x68 and 4 <= data[1] <= 253
