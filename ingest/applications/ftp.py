"""FTP (RFC 959, 2428): commands with their replies, and the data connections they announce."""

from __future__ import annotations

import re
from typing import ClassVar

from citywall.applicationsettings import ApplicationSettings
from ingest.applications.files import put_file
from ingest.applications.parser import MOST_OPEN, StreamParser, Transaction
from ingest.applications.tables import TO_CLIENT, TO_SERVER

#: Bytes of a line that are kept; one that is longer is told, and read no further where it does not end.
MOST_LINE = 4096
_SIX = re.compile(rb"(\d{1,3}),(\d{1,3}),(\d{1,3}),(\d{1,3}),(\d{1,3}),(\d{1,3})")
_EXTENDED = re.compile(rb"\(\|\|\|(\d{1,5})\|\)")
_TRANSFERS = (b"RETR", b"STOR", b"STOU", b"APPE")
_NEED_NAME = (b"RETR", b"STOR", b"APPE")
_NEED_PORT = (*_TRANSFERS, b"NLST", b"LIST", b"MLSD")
#: Commands that Suricata knows, wherever they stand in a line; of others it says nothing about replies.
KNOWN = (
    b"PORT", b"EPRT", b"AUTH_TLS", b"PASV", b"EPSV", b"RETR", b"STOR", b"STOU", b"ABOR", b"ACCT", b"ALLO",
    b"APPE", b"CDUP", b"CHMOD", b"CWD", b"DELE", b"HELP", b"IDLE", b"LIST", b"MAIL", b"MDTM", b"MKD", b"MLFL",
    b"MLSD", b"MODE", b"MRCP", b"MRSQ", b"MSAM", b"MSND", b"MSOM", b"NLST", b"NOOP", b"PASS", b"PWD", b"QUIT",
    b"REIN", b"REST", b"RMD", b"RNFR", b"RNTO", b"SITE", b"SIZE", b"SMNT", b"STAT", b"STRU", b"SYST", b"TYPE",
    b"UMASK", b"USER",
)  # fmt: skip
_KNOWN = re.compile(b"|".join(KNOWN), re.IGNORECASE)
_PRELIMINARY = re.compile(rb"1\d\d\s")
_COMMANDS = (
    b"USER", b"PASS", b"FEAT", b"SYST", b"PASV", b"EPSV", b"PORT", b"RETR", b"STOR", b"AUTH", b"CWD", b"TYPE",
    b"QUIT", b"LIST", b"OPTS", b"PWD",
)  # fmt: skip


class Ftp(StreamParser):
    """One control connection: a transaction a command."""

    name: ClassVar[str] = "ftp"

    def __init__(
        self, settings: ApplicationSettings, ports: tuple[int, int] = (0, 0), about: str = ""
    ) -> None:
        super().__init__(settings, ports, about)
        self.asked: list[Transaction] = []
        self.commands: list[bytes] = []
        self.known: list[bool] = []  # whether Suricata knows what was asked
        self.latest = b""  # the line of the latest command
        self.negotiated = False  # where the next data connection goes
        self.place: tuple[int, int] = (-1, 0)  # where the next data connection goes: whose address, port
        self.many = b""
        self.skipping = [False, False]  # what is left of a line too long, by direction

    def advance(self, direction: int) -> None:
        """Line by line; of one too long the beginning counts, and the next is read."""
        stream = self.streams[direction]
        while (end := stream.data.find(b"\n") + 1) or len(stream.data) >= MOST_LINE:
            size = end or len(stream.data)
            skipped, self.skipping[direction] = self.skipping[direction], not end
            line = bytes(stream.data[:size]).rstrip(b"\r\n")
            frame, time = stream.frame(min(size, MOST_LINE)), stream.time(min(size, MOST_LINE))
            stream.drop(size)
            if skipped:
                continue
            made = (self._command if direction == TO_SERVER else self._reply)(line[:MOST_LINE], frame, time)
            if size >= MOST_LINE:
                side = "request" if direction == TO_SERVER else "response"
                self.odd(f"ftp.{side}_command_too_long", direction, frame, made)
            if self.becomes:
                return
        if self.skipping[direction]:
            stream.drop(len(stream.data))

    def _command(self, line: bytes, frame: int, time: int) -> Transaction:
        verb, _, rest = line.partition(b" ")
        if len(self.asked) >= MOST_OPEN:  # the oldest is told without an answer
            del self.asked[0], self.commands[0], self.known[0]
        made = self.begin(frame, time)
        made.put("ftp.command", TO_SERVER, frame, verb)
        if rest:
            made.put("ftp.command_data", TO_SERVER, frame, rest)
        made.whole(TO_SERVER, frame)
        verb = verb.upper()
        self.asked.append(made)
        self.commands.append(verb)
        self.known.append(_KNOWN.search(line) is not None)
        self.latest = line
        if verb in _NEED_NAME and len(line) < len(b"RETR x"):
            self.odd("ftp.file_without_name", TO_SERVER, frame, made)
        elif verb in _NEED_PORT:
            if not self.negotiated:
                self.odd("ftp.file_before_port", TO_SERVER, frame, made)
            self.negotiated = False
        if verb == b"PORT" and (found := _SIX.search(rest)):
            self.place = (TO_SERVER, int(found.group(5)) << 8 | int(found.group(6)))
            made.note("ftp.port_address", TO_SERVER, frame, _address(found))
            self._mode(made, frame)
        elif verb == b"EPRT" and rest[-1:] == b"|":
            port = rest.rstrip(b"|").rpartition(b"|")[2]
            self.place = (TO_SERVER, int(port[:5]) if port.isdigit() else 0)
            self._mode(made, frame)
        elif verb in _TRANSFERS and self.place[0] >= 0:
            name = rest.decode("latin-1")
            self.expected.append((f"ftp-data:{verb.decode()}:{name}", *self.place, frame))
            self.place = (-1, 0)
        return made

    def _mode(self, made: Transaction, frame: int) -> None:
        """Who will open the data connection, 0 the server or 1 the client, and where to: for both sides."""
        for d in (TO_SERVER, TO_CLIENT):
            made.note("ftp.mode", d, frame, self.place[0])
            made.note("ftp.dynamic_port", d, frame, self.place[1])

    def _reply(self, line: bytes, frame: int, time: int) -> Transaction:
        if self.many and not line.startswith(self.many + b" "):
            last = False
        elif len(line) >= 4 and line[:3].isdigit() and line[3:4] == b"-":
            self.many, last = line[:3], False
        else:
            self.many, last = b"", True
        made = self.asked[0] if self.asked else self.begin(frame, time)
        if line[:3].isdigit():
            made.put("ftp.completion_code", TO_CLIENT, frame, line[:3])
        self._negotiate(line)
        if self.known and self.known[0]:
            self._received(made, line, frame)
        made.put("ftp.reply", TO_CLIENT, frame, line[4:] if line[:3].isdigit() else line)
        if not last:
            if made not in self.asked:
                self.finish(made)
            return made
        verb = self.commands[0] if self.commands else b""
        if line[:1] == b"1" and made in self.asked:
            return made  # the transfer goes on
        if verb == b"PASV" and (found := _SIX.search(line)):
            self.place = (1, int(found.group(5)) << 8 | int(found.group(6)))
            self._mode(made, frame)
        elif verb == b"EPSV" and (found := _EXTENDED.search(line)):
            self.place = (1, int(found.group(1)))
            self._mode(made, frame)
        elif verb == b"AUTH" and line[:3] == b"234":
            self.becomes = "tls"
        made.whole(TO_CLIENT, frame)
        if made in self.asked:
            del self.asked[0], self.commands[0], self.known[0]
        self.finish(made)
        return made

    def _received(self, made: Transaction, line: bytes, frame: int) -> None:
        """A reply is there; one that is preliminary is none, if nothing more comes with it."""
        stream = self.streams[TO_CLIENT]
        if not _PRELIMINARY.match(line):
            made.note("ftp.reply_received", TO_CLIENT, frame, 1)
        elif (end := stream.data.find(b"\n")) < 0 or stream.frame(end + 1) != frame:
            made.note("ftp.reply_received", TO_CLIENT, frame, 0)

    def _negotiate(self, line: bytes) -> None:
        """With a reply to the latest command it may be known where the next data connection goes."""
        verb, _, rest = self.latest.upper().partition(b" ")
        found: re.Match[bytes] | None = None
        if verb == b"PORT" or (verb == b"PASV" and line.startswith(b"227 ")):
            found = _SIX.search(rest if verb == b"PORT" else line)
            port = int(found.group(5)) << 8 | int(found.group(6)) if found else 0
        elif verb == b"EPRT":
            text = rest.rstrip(b"|").rpartition(b"|")[2]
            port = int(text[:5]) if text.isdigit() else 0
        elif verb == b"EPSV" and line.startswith(b"229 "):
            found = _EXTENDED.search(line)
            port = int(found.group(1)) if found else 0
        else:
            return
        self.negotiated |= port != 0

    def end(self, frame: int) -> None:
        """What was not answered is told to be."""
        for made, known in zip(self.asked, self.known, strict=True):
            if known:
                made.note("ftp.reply_received", TO_CLIENT, frame, 0)
        super().end(frame)


def _address(found: re.Match[bytes]) -> int:
    """The address that a PORT command names, as a number; -1 where it is none."""
    parts = [int(found.group(i)) for i in range(1, 5)]
    return int.from_bytes(bytes(parts), "big") if max(parts) < 256 else -1


class FtpData(StreamParser):
    """A data connection: one file."""

    name: ClassVar[str] = "ftp-data"

    def __init__(
        self, settings: ApplicationSettings, ports: tuple[int, int] = (0, 0), about: str = ""
    ) -> None:
        super().__init__(settings, ports, about)
        self.command, _, self.file = about.partition(":")
        self.kept = [bytearray(), bytearray()]
        self.sizes = [0, 0]
        self.lost = False

    def advance(self, direction: int) -> None:
        """Keep what may be kept."""
        stream = self.streams[direction]
        if not self.open:
            made = self.begin(stream.frame(1), stream.time(1))
            made.put("ftpdata.command", direction, stream.frame(1), self.command.lower().encode())
            side = TO_CLIENT if self.command == "RETR" else TO_SERVER
            made.note("ftpdata.command", side, stream.frame(1), 1 if self.command == "RETR" else 2)
        room = 10 * self.settings.body_bytes - len(self.kept[direction])
        if room > 0:
            self.kept[direction] += stream.data[:room]
        self.sizes[direction] += len(stream.data)
        stream.drop(len(stream.data))

    def gap(self, direction: int, missed: int, frame: int = 0) -> None:
        """A file with a hole is not whole."""
        self.lost = True
        self.sizes[direction] += missed

    def end(self, frame: int) -> None:
        """The file is over."""
        for direction in (TO_SERVER, TO_CLIENT):
            if self.open and self.kept[direction]:
                self.open[0].put("ftpdata.name", direction, frame, self.file.encode("latin-1"))
                put_file(
                    self.open[0], direction, frame, bytes(self.kept[direction]),
                    name=self.file.encode("latin-1"), size=self.sizes[direction], complete=not self.lost,
                    hashes=self.settings.hashes,
                )  # fmt: skip
                self.open[0].whole(direction, frame)
        super().end(frame)


def looks(direction: int, data: bytes, ports: tuple[int, int]) -> bool | None:
    """Whether bytes begin a control connection: by its commands, or a greeting at its port."""
    if direction == TO_CLIENT:
        return data[:3] == b"220" and 21 in ports
    verb = re.split(rb"[ \r\n]", data[:8].upper(), maxsplit=1)[0]
    if verb in (b"USER", b"FEAT", b"SYST", b"PASV", b"EPSV", b"PORT"):
        return 110 not in ports
    return 21 in ports and verb in _COMMANDS
