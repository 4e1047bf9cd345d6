"""RDP (MS-RDPBCGR): the connection request's cookie and what was agreed on; TLS goes on from there."""

from __future__ import annotations

import re
from typing import ClassVar

from ingest.applications.parser import StreamParser
from ingest.applications.tables import TO_CLIENT, TO_SERVER

_COOKIE = re.compile(rb"Cookie: ([^\r\n]{1,256})\r\n")


class Rdp(StreamParser):
    """One connection's beginning."""

    name: ClassVar[str] = "rdp"

    def advance(self, direction: int) -> None:
        """The first message of each side."""
        stream = self.streams[direction]
        if len(stream.data) < 4:
            return
        end = int.from_bytes(stream.data[2:4], "big")
        if stream.data[0] != 3 or not 7 <= end <= 4096:
            self.stop()
            return
        if len(stream.data) < end:
            stream.need = end
            return
        data, frame, time = bytes(stream.data[:end]), stream.frame(end), stream.time(end)
        stream.drop(end)
        made = self.open[0] if self.open else self.begin(frame, time)
        if direction == TO_SERVER:
            if found := _COOKIE.search(data):
                made.put("rdp.cookie", direction, frame, found.group(1))
            made.whole(direction, frame)
            return
        agreed = 0
        if len(data) >= 19 and data[11] == 2:
            agreed = int.from_bytes(data[15:19], "little")
            made.note("rdp.protocol", direction, frame, agreed)
        made.whole(direction, frame)
        self.finish(made)
        if agreed:
            self.becomes = "tls"
        else:
            self.stop()


def looks(direction: int, data: bytes, ports: tuple[int, int]) -> bool | None:
    """Whether bytes begin with a connection request or its confirmation."""
    if data[:1] != b"\3":
        return False
    if len(data) < 6:
        return None if data[1:2] in (b"", b"\0") else False
    return (
        data[1] == 0
        and data[5] == (0xE0 if direction == TO_SERVER else 0xD0)
        and direction in (TO_SERVER, TO_CLIENT)
    )
