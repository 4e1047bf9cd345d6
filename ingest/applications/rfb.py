"""RFB (RFC 6143): versions, security and what came of it, the desktop's name."""

from __future__ import annotations

from typing import ClassVar

from citywall.applicationsettings import ApplicationSettings
from ingest.applications.parser import StreamParser, Transaction
from ingest.applications.tables import TO_CLIENT, TO_SERVER


class Rfb(StreamParser):
    """One connection: one transaction."""

    name: ClassVar[str] = "rfb"

    def __init__(
        self, settings: ApplicationSettings, ports: tuple[int, int] = (0, 0), about: str = ""
    ) -> None:
        super().__init__(settings, ports, about)
        self.step = ["version", "version"]
        self.only: Transaction | None = None
        self.old = False
        self.kind = 0

    def advance(self, direction: int) -> None:
        """Message by message, each of the length its step has."""
        stream = self.streams[direction]
        if self.only is None:
            self.only = self.begin(stream.frame(1), stream.time(1))
        while not self.done[direction]:
            n = self._needs(direction)
            if n < 0 or len(stream.data) < n:
                return
            data, frame = bytes(stream.data[:n]), stream.frame(n)
            stream.drop(n)
            if self.settings.units:
                self.unit("rfb.pdu", direction, frame, data)
            (self._client if direction == TO_SERVER else self._server)(data, frame, self.only)

    def _needs(self, d: int) -> int:
        step, data = self.step[d], self.streams[d].data
        if step == "types":
            return (1 + data[0] if data else -1) if not self.old else 4
        if step == "init" and d == TO_CLIENT:
            return 24 + int.from_bytes(data[20:24], "big") if len(data) >= 24 else -1
        return {"version": 12, "type": 1, "challenge": 16, "result": 4, "init": 1}[step]

    def _client(self, data: bytes, frame: int, only: Transaction) -> None:
        step = self.step[TO_SERVER]
        if step == "version":
            self.old = data[4:11] == b"003.003"
            self.step[TO_SERVER] = "challenge" if self.old else "type"
        elif step == "type":
            self._chosen(data[0], frame, only)
        elif step == "challenge":
            self.step[TO_SERVER] = "init"
        else:
            self.done[TO_SERVER] = True
            only.whole(TO_SERVER, frame)

    def _chosen(self, kind: int, frame: int, only: Transaction) -> None:
        self.kind = kind
        only.note("rfb.sectype", TO_SERVER, frame, kind)
        if kind not in (1, 2):
            self.stop()
            return
        self.step = ["challenge", "challenge"] if kind == 2 else ["init", "result"]

    def _server(self, data: bytes, frame: int, only: Transaction) -> None:
        step = self.step[TO_CLIENT]
        if step == "version":
            only.note(
                "rfb.version",
                TO_CLIENT,
                frame,
                int(data[4:7] + data[8:11]) if data[4:7].isdigit() and data[8:11].isdigit() else 0,
            )
            self.step[TO_CLIENT] = "types"
        elif step == "types":
            if self.old:
                self._chosen(data[3], frame, only)
            else:
                self.step[TO_CLIENT] = "challenge"  # until the client chooses
        elif step == "challenge":
            self.step[TO_CLIENT] = "result"
        elif step == "result":
            result = int.from_bytes(data, "big")
            only.note("rfb.secresult", TO_CLIENT, frame, result)
            self.step[TO_CLIENT] = "init"
            if result:
                self.stop()
        else:
            only.put("rfb.name", TO_CLIENT, frame, data[24:])
            only.whole(TO_CLIENT, frame)
            self.done[TO_CLIENT] = True


def looks(direction: int, data: bytes, ports: tuple[int, int]) -> bool | None:
    """Whether bytes begin with a version."""
    if len(data) < 12:
        return None if b"RFB 00".startswith(data[:6]) and direction in (TO_SERVER, TO_CLIENT) else False
    return data[:4] == b"RFB " and data[11:12] == b"\n"
