"""TFTP (RFC 1350): requests, each a transaction; the files go over ports of their own."""

from __future__ import annotations

from typing import ClassVar

from ingest.applications.parser import Parser
from ingest.applications.tables import TO_SERVER

_MODES = (b"netascii", b"octet", b"mail")


class Tftp(Parser):
    """What comes to the port that takes requests."""

    name: ClassVar[str] = "tftp"

    def datagram(self, direction: int, data: bytes, frame: int, time: int) -> None:
        """A request: read (1) or write (2), a file and a mode."""
        name, ended, rest = data[2:].partition(b"\0")
        mode = rest.partition(b"\0")[0].lower()
        if direction != TO_SERVER or data[:2] not in (b"\0\1", b"\0\2") or not ended or mode not in _MODES:
            return
        made = self.begin(frame, time)
        made.put("tftp.file", direction, frame, name)
        made.note("tftp.opcode", direction, frame, data[1])
        made.whole(direction, frame)
        self.finish(made)


def looks(direction: int, data: bytes, ports: tuple[int, int]) -> bool | None:
    """Whether a datagram is of it: by port and kind of message."""
    if 69 not in ports or len(data) < 4 or direction < 0:
        return False
    return data[0] == 0 and 1 <= data[1] <= 5
