"""SSH (RFC 4253): banners and key exchange, and HASSH of it; the rest is encrypted."""

from __future__ import annotations

import re
from typing import ClassVar

from citywall.applicationsettings import ApplicationSettings
from ingest.applications.fingerprints import md5
from ingest.applications.hello import Cut, Reader
from ingest.applications.parser import StreamParser, Transaction
from ingest.applications.tables import TO_CLIENT, TO_SERVER

_MOST_BANNER, _MOST_PACKET = 2048, 65536
_KEX_INIT, _NEW_KEYS = 20, 21
_BANNER = re.compile(rb"SSH-[^-]+-")


class Ssh(StreamParser):
    """One connection: one transaction."""

    name: ClassVar[str] = "ssh"

    def __init__(
        self, settings: ApplicationSettings, ports: tuple[int, int] = (0, 0), about: str = ""
    ) -> None:
        super().__init__(settings, ports, about)
        self.named = [False, False]
        self.strange = [False, False]  # a line was no banner, or an odd one
        self.only: Transaction | None = None

    def advance(self, direction: int) -> None:
        """A banner, then packets until the keys are new."""
        stream = self.streams[direction]
        if self.only is None:
            self.only = self.begin(stream.frame(1), stream.time(1))
        while not self.named[direction]:
            end = stream.data.find(b"\n", 0, _MOST_BANNER + 1)  # the same, however many pieces come at once
            if end < 0:
                if len(stream.data) > _MOST_BANNER:
                    self.odd("ssh.long_banner", direction, stream.frame(1), self.only)
                    self.done[direction] = True
                return
            line = bytes(stream.data[:end]).rstrip(b"\r")
            frame = stream.frame(end + 1)
            stream.drop(end + 1)
            if not _BANNER.match(line) and not self.strange[direction]:
                self.strange[direction] = True
                self.odd("ssh.invalid_banner", direction, frame, self.only)
            if line.startswith(b"SSH-"):
                self.named[direction] = True
                proto, _, software = line[4:].partition(b"-")
                self.only.put("ssh.proto", direction, frame, proto)
                self.only.put("ssh.software", direction, frame, software.partition(b" ")[0])
        while len(stream.data) >= 6 and not self.done[direction]:
            length = int.from_bytes(stream.data[:4], "big")
            if not 2 <= length <= _MOST_PACKET:
                self.done[direction] = True
                return
            if len(stream.data) < 4 + length:
                stream.need = 4 + length
                return
            frame = stream.frame(4 + length)
            if self.settings.units:
                data = bytes(stream.data[: 4 + length])
                self.unit("ssh.record.hdr", direction, frame, data[:6])
                self.unit("ssh.record.data", direction, frame, data[6:])
                self.unit("ssh.record.pdu", direction, frame, data)
            body = bytes(stream.data[5 : 4 + length])
            stream.drop(4 + length)
            stream.need = 6
            self._packet(direction, body[: len(body)], frame, self.only)

    def _packet(self, d: int, body: bytes, frame: int, only: Transaction) -> None:
        if body[0] == _KEX_INIT:
            try:
                text = _hassh(body, d)
            except Cut:
                return
            suffix = ".server" if d == TO_CLIENT else ""
            only.put(f"ssh.hassh{suffix}.string", d, frame, text)
            only.put(f"ssh.hassh{suffix}", d, frame, md5(text))
        elif body[0] == _NEW_KEYS:
            self.done[d] = True
            only.whole(d, frame)
            if all(self.done):
                only.note("ssh.encrypted", d, frame, 1)
                self.finish(only)


def _hassh(body: bytes, d: int) -> bytes:
    """Names of key exchange, ciphers, codes and compressions, of the direction they are offered for."""
    reader = Reader(body)
    reader.take(17)
    lists = [reader.vector(4) for _ in range(8)]
    at = 1 if d == TO_CLIENT else 0
    return b";".join((lists[0], lists[2 + at], lists[4 + at], lists[6 + at]))


def looks(direction: int, data: bytes, ports: tuple[int, int]) -> bool | None:
    """Whether bytes begin with a banner."""
    if data.startswith(b"SSH-"):
        return True
    return (
        None
        if b"SSH-".startswith(data[:4]) and len(data) < 4 and direction in (TO_SERVER, TO_CLIENT)
        else False
    )
