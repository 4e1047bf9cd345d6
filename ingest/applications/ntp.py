"""NTP (RFC 5905): each message is a transaction."""

from __future__ import annotations

from typing import ClassVar

from ingest.applications.parser import Parser
from ingest.applications.tables import TO_CLIENT, TO_SERVER

_SERVER_MODES = (2, 4, 5)


class Ntp(Parser):
    """One conversation's messages."""

    name: ClassVar[str] = "ntp"

    def datagram(self, direction: int, data: bytes, frame: int, time: int) -> None:
        """A message."""
        if not data:
            return
        made = self.begin(frame, time)
        mode = data[0] & 7
        d = TO_CLIENT if mode in _SERVER_MODES else TO_SERVER
        made.note("ntp.version", d, frame, data[0] >> 3 & 7)
        made.note("ntp.mode", d, frame, mode)
        if mode < 6:
            if len(data) < 48:
                self.odd("ntp.malformed_data", d, frame, made)
            else:
                made.note("ntp.stratum", d, frame, data[1])
                made.put("ntp.reference_id", d, frame, data[12:16])
        made.whole(d, frame)
        self.finish(made)


def looks(direction: int, data: bytes, ports: tuple[int, int]) -> bool | None:
    """Whether a datagram is a message: by port, version and mode."""
    if 123 not in ports or len(data) < 4 or direction not in (TO_SERVER, TO_CLIENT):
        return False
    return 1 <= data[0] >> 3 & 7 <= 4 and data[0] & 7 != 0
