"""POP3 (RFC 1939, 2449, 2595, 5034): commands with their answers; STLS goes on as TLS."""

from __future__ import annotations

from typing import ClassVar

from citywall.applicationsettings import ApplicationSettings
from ingest.applications.lines import take_line
from ingest.applications.parser import StreamParser, Transaction
from ingest.applications.tables import TO_CLIENT, TO_SERVER

#: How many words may follow each command, at least and at most.
COMMANDS = {
    b"USER": (1, 99), b"PASS": (1, 99), b"APOP": (2, 2), b"AUTH": (0, 2), b"CAPA": (0, 0), b"STLS": (0, 0),
    b"QUIT": (0, 0), b"STAT": (0, 0), b"LIST": (0, 1), b"RETR": (1, 1), b"DELE": (1, 1), b"NOOP": (0, 0),
    b"RSET": (0, 0), b"TOP": (2, 2), b"UIDL": (0, 1), b"UTF8": (0, 0), b"LANG": (0, 1),
}  # fmt: skip
#: Commands whose answer goes on for lines up to one with a dot; LIST and UIDL where nothing is named.
_LONG, _LONG_ALONE = (b"CAPA", b"RETR", b"TOP"), (b"LIST", b"UIDL")
#: Bytes of a command and of an answer's first line with their ends (RFC 2449 §4).
_MOST_COMMAND, _MOST_ANSWER = 255, 512
_MOST_WAITING = 1024


class Pop3(StreamParser):
    """One session: a transaction a command."""

    name: ClassVar[str] = "pop3"

    def __init__(
        self, settings: ApplicationSettings, ports: tuple[int, int] = (0, 0), about: str = ""
    ) -> None:
        super().__init__(settings, ports, about)
        self.asked: list[tuple[Transaction, bytes, bool]] = []  # with the command, and whether it stood alone
        self.long = False  # an answer goes on
        self.secret = False  # the next line of the client answers a challenge

    def advance(self, direction: int) -> None:
        """Line by line; what a mailbox gives is passed over at once."""
        stream = self.streams[direction]
        while stream.data and not self.done[direction] and not self.becomes:
            if direction == TO_CLIENT and self.long:
                first = stream.data.startswith(b".\r\n")
                end = 0 if first else stream.data.find(b"\r\n.\r\n")
                stream.drop(3 if first else end + 5 if end >= 0 else max(len(stream.data) - 4, 0))
                if end < 0:
                    stream.need = len(stream.data) + 1
                    return
                self.long, stream.need = False, 1
                continue
            if (found := take_line(stream)) is None:
                return
            (self._command if direction == TO_SERVER else self._answer)(*found)

    def _command(self, line: bytes, frame: int, time: int) -> None:
        made = self.begin(frame, time)
        if self.secret:
            self.secret, verb = False, b""
        else:
            verb, _, rest = line.partition(b" ")
            verb, words = verb.upper(), len(rest.split())
            made.put("pop3.command", TO_SERVER, frame, line)
            least, most = COMMANDS.get(verb, (0, 1 << 31))
            if verb not in COMMANDS:
                self.odd("pop3.unknown_command", TO_SERVER, frame, made)
            elif not least <= words <= most:
                self.odd("pop3.incorrect_argument_count", TO_SERVER, frame, made)
            if len(line) + 2 > _MOST_COMMAND:
                self.odd("pop3.request_too_long", TO_SERVER, frame, made)
        made.whole(TO_SERVER, frame)
        self.asked.append((made, verb, b" " not in line.strip()))
        if len(self.asked) > _MOST_WAITING:
            self.finish(self.asked.pop(0)[0])

    def _answer(self, line: bytes, frame: int, time: int) -> None:
        good = line[:3].upper() == b"+OK"
        if not good and line[:4].upper() != b"-ERR" and line[:1] == b"+":
            self.secret = True
            if not self.asked:
                return
        made, verb, alone = self.asked.pop(0) if self.asked else (self.begin(frame, time), b"", False)
        if len(line) + 2 > _MOST_ANSWER:
            self.odd("pop3.response_too_long", TO_CLIENT, frame, made)
        if not made.over:
            made.whole(TO_CLIENT, frame)
            self.finish(made)
        self.long = good and (verb in _LONG or (verb in _LONG_ALONE and alone))
        if good and verb == b"STLS":
            self.becomes = "tls"


def looks(direction: int, data: bytes, ports: tuple[int, int]) -> bool | None:
    """Whether bytes begin a session: by port, an answer's first word, or a command."""
    if 110 not in ports:
        return False
    if direction == TO_CLIENT:
        start = data[:4].upper()
        if len(start) < 3:
            return None if b"+OK".startswith(start) or b"-ERR".startswith(start) else False
        return start[:3] == b"+OK" or (None if start == b"-ER" else start == b"-ERR")
    word = data[:5].upper()
    for at, byte in enumerate(word):
        if byte in b" \r\n":
            return word[:at] in COMMANDS
    return None if len(word) < 5 and any(command.startswith(word) for command in COMMANDS) else False
