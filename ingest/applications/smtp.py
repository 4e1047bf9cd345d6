"""SMTP (RFC 5321): a transaction a mail, with its envelope, fields and files."""

from __future__ import annotations

from typing import ClassVar

from citywall.applicationsettings import ApplicationSettings
from ingest.applications import smtp_units
from ingest.applications.lines import line_end
from ingest.applications.mime import put_mail
from ingest.applications.parser import StreamParser, Transaction
from ingest.applications.smtp_order import Order, size_of
from ingest.applications.tables import TO_CLIENT, TO_SERVER

#: Bytes of a command line that are kept, as RFC 5321 has them; of a line that Suricata reads.
MOST_COMMAND, MOST_READ = 510, 4096
_OF_REPLIES = frozenset(
    {
        "smtp.invalid_reply", "smtp.no_server_welcome_message", "smtp.tls_rejected",
        "smtp.data_command_rejected",
    }
)  # fmt: skip


class Smtp(StreamParser):
    """One connection's mails."""

    name: ClassVar[str] = "smtp"

    def __init__(
        self, settings: ApplicationSettings, ports: tuple[int, int] = (0, 0), about: str = ""
    ) -> None:
        super().__init__(settings, ports, about)
        self.helo = b""
        self.current: Transaction | None = None
        self.recipients = 0
        self.commands: list[bytes] = []
        self.in_data = False
        self.greeted = False
        self.order = Order()
        self.mail = bytearray()
        self.size = 0
        # Of the unit that a mail is: what of it came and is not told, where that stands, up to where it came.
        self.untold, self.told, self.grown = bytearray(), 0, 0
        self.left = 0  # of a BDAT chunk
        self.since = 0  # the frame in which it was announced
        self.last = False

    def _transaction(self, frame: int, time: int) -> Transaction:
        if self.current is None:
            self.current = self.begin(frame, time)
            self.recipients = 0
            if self.helo:
                self.current.put("smtp.helo", TO_SERVER, frame, self.helo)
        return self.current

    def advance(self, direction: int) -> None:
        """Lines, and the mails among them."""
        stream = self.streams[direction]
        while stream.data and not self.done[direction] and not self.becomes:
            if direction == TO_SERVER and self.in_data:
                if not self._data():
                    return
                continue
            if direction == TO_SERVER and self.left:
                self._piece()
                continue
            end = line_end(stream)
            if end < 0 or stream.passing:  # Suricata does not wait for the end of a long one
                self.order.over |= len(stream.data) >= MOST_READ
            if end < 0:
                return
            line = bytes(stream.data[:end]).rstrip(b"\r")
            frame, time = stream.frame(end + 1), stream.time(end + 1)
            if self.settings.units:
                smtp_units.line(self, direction, frame, bytes(stream.data[: end + 1]))
            stream.drop(end + 1)
            (self._command if direction == TO_SERVER else self._reply)(line, frame, time)
            if end >= MOST_READ - 1:
                self.odd("smtp.truncated_line", direction, frame, self._transaction(frame, time))
            if self.order.events:
                self._tell(frame, time)

    def _tell(self, frame: int, time: int) -> None:
        """What is odd about the order of things, each of the side that Suricata's rules ask."""
        for event in self.order.events:
            side = TO_CLIENT if event in _OF_REPLIES else TO_SERVER
            self.odd(event, side, frame, self._transaction(frame, time))
        self.order.events.clear()

    def _piece(self) -> None:
        """Bytes of a chunk."""
        stream = self.streams[TO_SERVER]
        n = min(self.left, len(stream.data))
        frame, time = stream.frame(n), stream.time(n)
        end = bytes(stream.data[max(n - 1, 0) : n + 1])
        alone = len(end) < 2 or stream.frame(n + 1) != frame  # its segment ends with it
        self._keep(bytes(stream.data[:n]))
        stream.drop(n)
        self.left -= n
        if self.left:
            return
        # Suricata reads to the end of a line where the chunk began in the same segment, else to that of it.
        began = frame == self.since
        whole = end[:1] == b"\n" or (not began and (alone or (end[:1] == b"\r" and end[1:] != b"\n")))
        self.order.chunk_ends(cut=not whole, waits=began and alone)
        if self.order.events:
            self._tell(frame, time)
        if self.last:
            self._over(frame, time)

    def _command(self, line: bytes, frame: int, time: int) -> None:
        d = TO_SERVER
        self.order.command(line)
        upper = line[:10].upper()
        verb = upper.split(b" ")[0]
        if verb in (b"EHLO", b"HELO"):
            self.helo = line[5:].strip()
            made = self._transaction(frame, time)
            if self.helo not in made.values:
                made.put("smtp.helo", d, frame, self.helo)
        elif upper == b"MAIL FROM:":
            if self.current is not None and any(self.current.rows[::4]) and self.recipients:
                self._over(frame, time)
            self._transaction(frame, time).put("smtp.mail_from", d, frame, _address(line[10:]))
        elif upper[:8] == b"RCPT TO:":
            self._transaction(frame, time).put("smtp.rcpt_to", d, frame, _address(line[8:]), self.recipients)
            self.recipients += 1
        elif verb == b"DATA":
            self.in_data = True
            smtp_units.mail_begins(self)
            verb = b"DATA"
        elif verb == b"BDAT":
            self._chunk(line, frame)
        elif verb == b"RSET" and self.current is not None and self.recipients:
            self._over(frame, time)
        made = self._transaction(frame, time)
        made.put("smtp.command_line", d, frame, line[:MOST_COMMAND], len(made.values))
        if len(self.commands) < 256:
            self.commands.append(verb)

    def _chunk(self, line: bytes, frame: int) -> None:
        self.left, self.since = max(size_of(line), 0), frame
        self.last = line.upper().endswith(b" LAST")

    def _data(self) -> bool:
        """Bytes of a mail up to the line with a dot."""
        stream = self.streams[TO_SERVER]
        data = stream.data
        self.order.early()
        if self.order.events:
            self._tell(stream.frame(1), stream.time(1))
        if data.startswith(b".\r\n") and not self.mail:
            end, after = 0, 3
        else:
            end = data.find(b"\r\n.\r\n")
            after = end + 5
            if end < 0:
                end = data.find(b"\n.\n")
                after = end + 3
            if end < 0:
                if self.settings.units:
                    smtp_units.mail(self, len(data))
                n = len(data) - 4
                if n > 0:
                    self._keep(bytes(data[:n]))
                    stream.drop(n)
                stream.need = len(stream.data) + 1
                return False
        self._keep(bytes(data[:end]) + (b"\r\n" if end else b""))
        frame, time = stream.frame(after), stream.time(after)
        if self.settings.units:
            smtp_units.mail(self, after, over=True)
        stream.drop(after)
        stream.need = 1
        self.order.mail_ends()
        if self.order.events:
            self._tell(frame, time)
        self._over(frame, time)
        return True

    def _keep(self, data: bytes) -> None:
        self.size += len(data)
        room = 10 * self.settings.body_bytes - len(self.mail)
        if room > 0:
            self.mail += data[:room]

    def _over(self, frame: int, time: int) -> None:
        """A mail is over: its request is whole."""
        self.in_data, self.last = False, False
        made = self._transaction(frame, time)
        if self.mail:
            data = bytes(self.mail).replace(b"\n..", b"\n.")
            whole = self.size == len(self.mail)
            for event in put_mail(made, TO_SERVER, frame, data, whole=whole, hashes=self.settings.hashes):
                self.odd(event, TO_SERVER, frame, made)
        self.mail.clear()
        self.size = 0
        made.whole(TO_SERVER, frame)
        made.whole(TO_CLIENT, frame)
        self.current = None
        self.finish(made)

    def _reply(self, line: bytes, frame: int, time: int) -> None:
        d = TO_CLIENT
        self.order.reply(line)
        if len(line) < 3 or not line[:3].isdigit():
            return
        made = self._transaction(frame, time)
        made.put("smtp.reply", d, frame, line, len(made.values))
        made.note("smtp.reply_code", d, frame, int(line[:3]))
        if line[3:4] == b"-":
            return
        verb = self.commands.pop(0) if self.greeted and self.commands else b""
        self.greeted = True
        if verb == b"STARTTLS" and line[:3] == b"220":
            self.becomes = "tls"
        elif verb == b"DATA" and line[:3] != b"354":
            self.in_data = False

    def gap(self, direction: int, missed: int, frame: int = 0) -> None:
        """What answers what is not known any more."""
        self.order.over = True
        super().gap(direction, missed)

    def close(self, direction: int, frame: int) -> None:
        """A mail that was cut off is read as far as it goes."""
        if direction == TO_SERVER and self.in_data:
            smtp_units.mail_breaks_off(self, frame)
        if direction == TO_SERVER and self.mail and self.current is not None:
            self.size += 1  # not whole
            self._over(frame, 0)


def _address(text: bytes) -> bytes:
    """A path as it stands there, with its brackets, without what options follow it."""
    return text.lstrip(b" ").partition(b" ")[0]


def looks(direction: int, data: bytes, ports: tuple[int, int]) -> bool | None:
    """Whether bytes begin a session: a greeting by name, or a greeting at a known port."""
    upper = data[:6].upper()
    if direction == TO_SERVER:
        if upper.startswith((b"EHLO ", b"HELO ")):
            return True
        return None if len(data) < 5 and any(s.startswith(upper) for s in (b"EHLO ", b"HELO ")) else False
    return data[:3] == b"220" and ({25, 587, 465, 2525} & set(ports) != set() or b"SMTP" in data[:256])
