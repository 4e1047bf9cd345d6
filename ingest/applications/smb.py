"""SMB 1, 2 and 3 (MS-CIFS, MS-SMB2) over TCP: commands, shares, files, log-ins, calls in pipes."""

from __future__ import annotations

import re
import struct
from typing import Any, ClassVar

from citywall.applicationsettings import ApplicationSettings
from ingest.applications import ntlm
from ingest.applications.dcerpc import Calls
from ingest.applications.files import put_file
from ingest.applications.parser import StreamParser, Transaction
from ingest.applications.smb1 import CHAINING, FILES, NEGOTIATING, NONE
from ingest.applications.smb1 import read as read1
from ingest.applications.smb_units import tell
from ingest.applications.tables import TO_CLIENT, TO_SERVER

_MOST_MESSAGE = 1 << 20
_NEGOTIATE, _SESSION, _TREE, _CREATE, _CLOSE, _READ, _WRITE, _IOCTL = 0, 1, 3, 5, 6, 8, 9, 11
_PIPE_TRANSCEIVE = 0x0011C017
#: Where a message begins after bytes were lost: a session's message, its length, and what stands behind it.
_MESSAGE = re.compile(rb"(?s)\0.{3}[\xfd-\xff]SMB")
_HEAD = struct.Struct("<4sHHIHHIIQIIQ16s")


class Smb(StreamParser):
    """One connection's commands: a transaction each."""

    name: ClassVar[str] = "smb"

    def __init__(
        self, settings: ApplicationSettings, ports: tuple[int, int] = (0, 0), about: str = ""
    ) -> None:
        super().__init__(settings, ports, about)
        self.calls = Calls(self)
        self.asked: dict[tuple[int, int], Transaction] = {}
        self.shares: dict[tuple[int, int], bytes] = {}  # asked for, by message
        self.reads: dict[tuple[int, int], bytes] = {}  # file asked for, by message
        self.names: dict[bytes, bytes] = {}  # of open files
        self.creates: dict[tuple[int, int], bytes] = {}
        self.files: dict[tuple[bytes, int], bytearray] = {}
        self.torn = [False, False]  # bytes of a direction were lost: units alone are told of it
        self.seeking = [False, False]  # and where its next message begins is not known
        self.passing = [0, 0]  # bytes that are passed over: the rest of a message that is too long

    def gap(self, direction: int, missed: int, frame: int = 0) -> None:
        """Bytes were lost: what is read ends, units go on with the next message that is found."""
        if not self.settings.units or self.done[direction]:
            super().gap(direction, missed)
            return
        stream = self.streams[direction]
        stream.drop(len(stream.data))
        stream.base += missed
        stream.need = 8
        self.passing[direction] = 0
        self.torn[direction] = self.seeking[direction] = True

    def _found(self, direction: int) -> bool:
        """Pass over what comes before a message; False where there is none yet."""
        stream = self.streams[direction]
        found = _MESSAGE.search(stream.data)
        stream.drop(found.start() if found else max(len(stream.data) - 7, 0))
        self.seeking[direction] = found is None
        return found is not None

    def _pass(self, direction: int) -> None:
        """Drop what is passed over."""
        stream = self.streams[direction]
        if passed := min(self.passing[direction], len(stream.data)):
            self.passing[direction] -= passed
            stream.drop(passed)

    def advance(self, direction: int) -> None:
        """Message by message, each behind its length.

        Of a message that is too long its beginning is read, and the rest passed over as it comes: the name
        and the beginning of the file in it are known, and the next message is found.
        """
        stream = self.streams[direction]
        if self.seeking[direction] and not self._found(direction):
            return
        self._pass(direction)
        while len(stream.data) >= 8:
            size = 4 + int.from_bytes(stream.data[1:4], "big")
            end = min(size, _MOST_MESSAGE)
            speaks = stream.data[4] >= 0xFD and stream.data[5:8] == b"SMB"
            if (stream.data[0] != 0 and stream.data[0] < 0x81) or (size > end and not speaks):
                if not self.torn[direction]:
                    self.odd("smb.malformed_data", direction, stream.frame(4))
                self.done[direction] = True
                return
            if len(stream.data) < end:
                stream.need = end
                return
            stream.need = 8
            self.passing[direction] = size - end
            if self.settings.units:
                tell(self, direction, stream.frame(end), bytes(stream.data[:end]))
            older = end > 8 and stream.data[4:8] == b"\xffSMB"
            passed = older and not self.wanted.calls and not _of_files(stream.data, end)
            if passed or self.torn[direction]:
                stream.drop(end)
                self._pass(direction)
                continue
            data = bytes(stream.data[4:end])
            frame, time = stream.mark(end)
            stream.drop(end)
            self._pass(direction)
            if data[:4] == b"\xffSMB":
                read1(self, direction, data, frame, time)
            elif data[:4] == b"\xfeSMB":
                self._compound(direction, data, frame, time)

    def _compound(self, d: int, data: bytes, frame: int, time: int) -> None:
        for _ in range(64):
            if len(data) < 64 or data[:4] != b"\xfeSMB":
                return
            after = int.from_bytes(data[20:24], "little")
            if after % 8 or 0 < after < 64:
                self.odd("smb.malformed_data", d, frame)
                return
            self._message(d, data[:after] if after else data, frame, time)
            if not after:
                return
            data = data[after:]

    def _message(self, d: int, data: bytes, frame: int, time: int) -> None:
        _, _, _, status, command, _, flags, _, message, _, _, session, _ = _HEAD.unpack_from(data)
        key = (session, message) if command != _SESSION else (0, message)
        response = bool(flags & 1)
        d = TO_CLIENT if response else TO_SERVER
        made = self.asked.get(key) if response else None
        if response and command == _NEGOTIATE and (made is None or made.over):
            made = self.asked.pop(NEGOTIATING, None)
        if made is None or made.over:
            made = self.begin(frame, time)
            made.note("smb.command", d, frame, command)
            made.note("smb.version", d, frame, 2)
            if not response:
                remember(self.asked, key, made)
        body = data[64:]
        if response:
            made.note("smb.status", d, frame, status)
            if status == 0x103:  # pending: the answer proper comes yet
                return
        (self._response if response else self._request)(made, command, key, data, body, frame, time, status)
        made.whole(d, frame)
        if response and not made.over:
            self.asked.pop(key, None)
            self.finish(made)

    def _request(
        self, made: Transaction, command: int, key: tuple[int, int], data: bytes, body: bytes,
        frame: int, time: int,
        _status: int,
    ) -> None:  # fmt: skip
        d = TO_SERVER
        if command == _TREE and len(body) >= 8:
            remember(self.shares, key, _text(_slice(data, body, 4)))
        elif command == _SESSION and len(body) >= 16:
            ntlm.put(made, d, frame, _slice(data, body, 12))
        elif command == _CREATE and len(body) >= 48:
            name = _text(_slice(data, body, 44))
            remember(self.creates, key, name)
            made.put("smb.filename", d, frame, name)
        elif command == _READ and len(body) >= 32:
            remember(self.reads, key, body[16:32])
        elif command == _WRITE and len(body) >= 32:
            at, length = int.from_bytes(body[2:4], "little"), int.from_bytes(body[4:8], "little")
            self.transferred(made, d, body[16:32], data[at : at + length], frame, time)
        elif (
            command == _IOCTL and len(body) >= 32 and int.from_bytes(body[4:8], "little") == _PIPE_TRANSCEIVE
        ):
            at, length = int.from_bytes(body[24:28], "little"), int.from_bytes(body[28:32], "little")
            self.calls.pdu(d, data[at : at + length], frame, time, made)
        elif command == _CLOSE and len(body) >= 24:
            self.closed_file(made, body[8:24], frame)

    def _response(
        self, made: Transaction, command: int, key: tuple[int, int], data: bytes, body: bytes,
        frame: int, time: int,
        status: int,
    ) -> None:  # fmt: skip
        d = TO_CLIENT
        if command == _TREE and key in self.shares:
            kind = "smb.named_pipe" if len(body) > 2 and body[2] == 2 else "smb.share"
            made.put(kind, TO_SERVER, frame, self.shares.pop(key))
        elif command == _CREATE and key in self.creates and len(body) >= 80:
            remember(self.names, body[64:80], self.creates.pop(key))
        elif command == _READ and key in self.reads and len(body) >= 16:
            length = int.from_bytes(body[4:8], "little")
            self.transferred(made, d, self.reads.pop(key), data[body[2] : body[2] + length], frame, time)
        elif (
            command == _IOCTL and len(body) >= 40 and int.from_bytes(body[4:8], "little") == _PIPE_TRANSCEIVE
        ):
            at, length = int.from_bytes(body[32:36], "little"), int.from_bytes(body[36:40], "little")
            self.calls.pdu(d, data[at : at + length], frame, time, made)
        elif command == _SESSION and status not in (0, 0xC0000016):
            made.note("smb.ntlm_fail", d, frame, 1)

    def transferred(self, made: Transaction, d: int, file: bytes, data: bytes, frame: int, time: int) -> None:
        """Bytes of a file or pipe went by."""
        if data[:2] in (b"\5\0", b"\5\1") and len(data) >= 16 and data[2] <= 19:
            self.calls.pdu(d, data, frame, time, made)
            return
        whole = self.files.get((file, d))
        if whole is None:
            if len(self.files) >= 64:
                self.files.pop(next(iter(self.files)))
            whole = self.files[file, d] = bytearray()
        if len(whole) < self.settings.body_bytes * 10:
            whole += data

    def closed_file(self, made: Transaction, file: bytes, frame: int) -> None:
        """A file was closed: what was seen of it is a file."""
        name = self.names.pop(file, b"")
        for d in (TO_SERVER, TO_CLIENT):
            data = self.files.pop((file, d), None)
            if data:
                put_file(made, d, frame, bytes(data), name=name, hashes=self.settings.hashes)


def _of_files(data: bytearray, end: int) -> bool:
    """Whether a message of version 1 behind its length speaks of files, or what is chained in it may."""
    return data[8] in FILES or (data[8] in CHAINING and end > 37 and data[37] != NONE)


def remember(table: dict[Any, Any], key: Any, value: Any) -> None:
    """Keep a value; the oldest goes where there are too many."""
    if len(table) >= 1024:
        table.pop(next(iter(table)))
    table[key] = value


def _slice(data: bytes, body: bytes, at: int) -> bytes:
    """What an offset and length in a body point at."""
    start, length = (
        int.from_bytes(body[at : at + 2], "little"),
        int.from_bytes(body[at + 2 : at + 4], "little"),
    )
    return data[start : start + length]


def _text(data: bytes) -> bytes:
    return data.decode("utf-16-le", "replace").encode()


def looks(direction: int, data: bytes, ports: tuple[int, int]) -> bool | None:
    """Whether bytes begin a message, or a NetBIOS session that will carry some."""
    if len(data) < 8:
        return None if data[:1] in (b"", b"\0", b"\x81", b"\x82") and {139, 445} & set(ports) else False
    if data[0] in (0x81, 0x82):
        return 139 in ports
    return (
        data[0] == 0
        and data[4:8] in (b"\xffSMB", b"\xfeSMB", b"\xfdSMB")
        and direction in (TO_SERVER, TO_CLIENT)
    )
