"""The order of SMTP's commands and replies (RFC 5321, 2920, 3030): what Suricata 8.0.6 calls odd about it.

Its notion of a transaction is kept here, which is not the parser's: one goes on until a mail sent with DATA
is over, a RSET is answered or TLS begins, whatever else came; each event is told once of it.
"""

from __future__ import annotations

_CODES = frozenset(
    b"211 214 220 221 235 250 251 252 334 354 401 402 421 435 450 451 452 454 455 500 501 502 503 504 511 521"
    b" 522 525 530 534 535 541 543 550 551 552 553 554 555".split()
)
_OTHER, _STARTTLS, _DATA, _BDAT, _RSET, _MAIL = range(6)
#: Commands that may wait for a reply.
MOST_WAITING = 65535
_MOST_CHUNK = (1 << 32) - 1


class Order:
    """What was asked and answered on one connection. `over`: it is followed no further."""

    def __init__(self) -> None:
        self.over = False
        self.greeted = False
        self.pipelining = False
        self.many = False  # in a reply of several lines
        self.asked = bytearray()  # commands that a reply may answer, and how many of them were
        self.answered = 0
        self.receiving = False  # a mail, or a chunk of one
        self.helo = False
        self.open = self.done = False  # the transaction
        self.data = self.sender = False
        self.chunks = 0  # bytes of chunks since a RSET
        self.chunk = -1  # bytes of the one that is coming; -1: none is
        self.told: set[str] = set()
        self.events: list[str] = []

    def _tell(self, event: str) -> None:
        if self.open and not self.done and event not in self.told:  # what is over is looked at no more
            self.told.add(event)
            self.events.append(event)

    def _go_on(self, line: bytes) -> None:
        """A line of the client: it belongs to a transaction."""
        stays = not self.receiving and line[:4].lower() in (b"rset", b"quit")
        if not self.open or (self.done and not stays):
            self.open, self.done, self.data, self.sender = True, False, False, False
            self.told = set()
        if not self.greeted:
            self._tell("smtp.no_server_welcome_message")

    def command(self, line: bytes) -> None:
        """A command came."""
        if self.over:
            return
        if self.chunk >= 0:  # the chunk before it had no end of a line where it ended
            self._exceeded()
            return
        self._go_on(line)
        lower = line[:9].lower()
        code = _OTHER
        if lower.startswith(b"starttls"):
            code = _STARTTLS
        elif lower.startswith(b"data"):
            if self.data:
                self._tell("smtp.unparsable_content")
                return
            code, self.data = _DATA, True
            self.receiving |= self.pipelining
        elif lower.startswith(b"bdat"):
            code, self.chunk = _BDAT, size_of(line)
            self.over, self.receiving = self.chunk < 0, True
        elif lower.startswith((b"helo", b"ehlo")):
            if self.helo:
                self._tell("smtp.duplicate_fields")
            self.helo = True
        elif lower == b"mail from":
            if self.sender:
                self._tell("smtp.duplicate_fields")
            self.sender = True
        elif lower.startswith(b"rset"):
            code, self.chunks = _RSET, 0
        self._ask(code)

    def _ask(self, code: int) -> None:
        if self.asked and self.asked[-1] in (_STARTTLS, _DATA):
            self._tell("smtp.invalid_pipelined_sequence")
        self.over |= len(self.asked) >= MOST_WAITING
        if not self.over:
            self.asked.append(code)

    def early(self) -> None:
        """Bytes of a mail came; without a go-ahead they are commands, and what follows cannot be told."""
        if not self.over and not self.receiving:
            self._ask(_OTHER)
            self.over = True

    def mail_ends(self) -> None:
        """The line with a dot came."""
        if not self.over:
            self._go_on(b".")
            self.receiving = False
            self._ask(_MAIL)
            self.done = True

    def chunk_ends(self, *, cut: bool, waits: bool) -> None:
        """A chunk is whole; whether it ends within a line, and whether only what follows will tell."""
        if self.over or self.chunk < 0:
            return
        self._go_on(b"")
        if self.chunks or (cut and not waits):  # chunks are counted from the first
            self._exceeded()
        elif not cut:
            self.chunks, self.chunk, self.receiving = self.chunk, -1, False

    def _exceeded(self) -> None:
        self._tell("smtp.bdat_chunk_len_exceeded")
        self.over = True

    def reply(self, line: bytes) -> None:
        """A line of a reply came."""
        if self.over:
            return
        code = line[:3]
        if code not in _CODES:
            self._tell("smtp.invalid_reply")
            self.over = True
            return
        self.many = line[3:4] == b"-"
        if self.answered == len(self.asked):
            if not self.greeted:
                self.greeted = not self.many
                if code != b"220":
                    self._tell("smtp.invalid_reply")
            return
        self._answer(self.asked[self.answered], code)
        if not self.many:
            self.answered += 1
        elif self.greeted and code == b"250" and line[4:].lower() == b"pipelining":
            self.pipelining = True
        if self.answered == len(self.asked):
            self.asked.clear()
            self.answered = 0

    def _answer(self, asked: int, code: bytes) -> None:
        if asked == _STARTTLS:
            if code == b"220":
                self.receiving = self.done = True
            else:
                self._tell("smtp.tls_rejected")
        elif asked == _DATA:
            if code == b"354":
                self.receiving = True
            else:
                self.receiving &= not self.pipelining
                self._tell("smtp.data_command_rejected")
        elif asked == _RSET and code == b"250" and not self.many:
            self.done = True


def size_of(line: bytes) -> int:
    """The bytes that a BDAT announces; -1 where it announces none."""
    words = line[4:27].split()
    if line[4:5] != b" " or not words:
        return -1
    digits = words[0][: len(words[0]) - len(words[0].lstrip(b"0123456789"))]
    return int(digits) if digits and int(digits) <= _MOST_CHUNK else -1
