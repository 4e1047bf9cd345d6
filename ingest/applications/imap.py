"""IMAP (RFC 9051): commands with the answers that bear their tags; STARTTLS goes on as TLS."""

from __future__ import annotations

import re
from typing import ClassVar

from citywall.applicationsettings import ApplicationSettings
from ingest.applications.lines import take_line
from ingest.applications.parser import StreamParser, Transaction
from ingest.applications.tables import TO_CLIENT, TO_SERVER

#: What a server's first line begins with.
GREETINGS = (b"* OK ", b"* NO ", b"* BAD ", b"* LIST ", b"* ESEARCH ", b"* STATUS ", b"* FLAGS ")
#: A client's question for what the server can, and within how many bytes it ends.
QUESTION, WITHIN = b" CAPABILITY", 17
_LITERAL = re.compile(rb"\{(\d{1,10})\+?\}$")
_MOST_WAITING = 1024


class Imap(StreamParser):
    """One session: a transaction a command."""

    name: ClassVar[str] = "imap"

    def __init__(
        self, settings: ApplicationSettings, ports: tuple[int, int] = (0, 0), about: str = ""
    ) -> None:
        super().__init__(settings, ports, about)
        self.asked: dict[bytes, tuple[Transaction, bytes]] = {}
        self.left = [0, 0]  # bytes of a literal that are still to come
        self.inside = [False, False]  # a line goes on behind a literal

    def advance(self, direction: int) -> None:
        """Line by line; literals are passed over."""
        stream = self.streams[direction]
        while stream.data and not self.done[direction] and not self.becomes:
            if self.left[direction]:
                n = min(self.left[direction], len(stream.data))
                stream.drop(n)
                self.left[direction] -= n
                continue
            if (found := take_line(stream)) is None:
                return
            line, frame, time = found
            inside = self.inside[direction]
            literal = _LITERAL.search(line)
            self.inside[direction] = literal is not None
            if literal is not None:
                self.left[direction] = int(literal[1])
            if not inside:
                (self._command if direction == TO_SERVER else self._answer)(line, frame, time)
        stream.need = 1

    def _command(self, line: bytes, frame: int, time: int) -> None:
        tag, _, rest = line.partition(b" ")
        made = self.begin(frame, time)
        made.put("imap.command", TO_SERVER, frame, line)
        made.whole(TO_SERVER, frame)
        if not rest:  # goes on with a command that waits
            self.finish(made)
            return
        old = self.asked.pop(tag, None)
        if old is not None and not old[0].over:
            self.finish(old[0])
        self.asked[tag] = made, rest.split(b" ")[0].upper()
        if len(self.asked) > _MOST_WAITING:
            self.finish(self.asked.pop(next(iter(self.asked)))[0])

    def _answer(self, line: bytes, frame: int, _time: int) -> None:
        tag, _, rest = line.partition(b" ")
        made, verb = self.asked.pop(tag, (None, b""))
        if made is None:
            return
        made.whole(TO_CLIENT, frame)
        self.finish(made)
        if verb == b"STARTTLS" and rest[:2].upper() == b"OK":
            self.becomes = "tls"


def looks(direction: int, data: bytes, ports: tuple[int, int]) -> bool | None:
    """Whether bytes begin a session: a greeting, or a question for what the server can."""
    if direction == TO_CLIENT:
        start = data[:10].upper()
        if start.startswith(GREETINGS):
            return True
        return None if start and any(greeting.startswith(start) for greeting in GREETINGS) else False
    if QUESTION in data[:WITHIN].upper():
        return True
    return None if 143 in ports and len(data) < WITHIN else False
