"""Telnet (RFC 854): commands and lines of text, as units alone."""

from __future__ import annotations

from typing import ClassVar

from citywall.applicationsettings import ApplicationSettings
from ingest.applications.parser import StreamParser

_IAC, _SB = 0xFF, 250
_OPTIONS = range(251, 255)


class Telnet(StreamParser):
    """One connection. It has no transactions: there is nothing to read where nobody asks for units."""

    name: ClassVar[str] = "telnet"

    def __init__(
        self, settings: ApplicationSettings, ports: tuple[int, int] = (0, 0), about: str = ""
    ) -> None:
        super().__init__(settings, ports, about)
        if not settings.units:
            self.stop()

    def advance(self, direction: int) -> None:
        """Command by command, line by line."""
        stream = self.streams[direction]
        while stream.data:
            control = stream.data[0] == _IAC
            size = _control(stream.data) if control else stream.data.find(b"\n") + 1
            if not size or size > len(stream.data):
                stream.need = max(size, len(stream.data) + 1)
                return
            frame = stream.frame(size)
            whole = bytes(stream.data[:size])
            self.unit("telnet.pdu", direction, frame, whole)
            if control:
                self.unit("telnet.ctl", direction, frame, whole)
            else:
                self.unit("telnet.data", direction, frame, whole[:-1])
            stream.drop(size)
        stream.need = 1


def _control(data: bytearray) -> int:
    """The bytes of a command; 0 where its end has not come."""
    if len(data) < 2:
        return 0
    if data[1] in _OPTIONS:
        return 3
    if data[1] != _SB:
        return 2
    end = data.find(b"\xff\xf0", 2)
    return end + 2 if end >= 0 else 0


def looks(direction: int, data: bytes, ports: tuple[int, int]) -> bool | None:
    """Whether bytes may begin a session: any do, at its port, where no protocol tried before knows them."""
    if 23 not in ports or direction < 0:
        return False
    return True if len(data) > 1 else None
