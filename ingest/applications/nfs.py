"""NFS 2, 3 and 4 (RFC 1094, 1813, 7530) in calls of ONC RPC (RFC 5531): a transaction a call, and one a file.

A file is what was written or read by one handle: bytes in order, up to COMMIT, CLOSE, a write that is on disk
at once, the end of the file, or the end of the connection.
"""

from __future__ import annotations

from typing import ClassVar, NamedTuple

from citywall.applicationsettings import ApplicationSettings
from ingest.applications import nfs4
from ingest.applications.files import put_file
from ingest.applications.parser import MOST_HELD, StreamParser, Transaction
from ingest.applications.tables import TO_CLIENT, TO_SERVER
from ingest.applications.xdr import Short, Xdr

PROGRAM, VERSIONS = 100003, range(2, 5)
#: Bytes of a call or answer at least, and of credentials at most (RFC 5531 §8.2).
LEAST, MOST_CREDENTIALS = 24, 400
# Procedures: the same numbers in versions 2 and 3 but for these.
_LOOKUP2, _READ2, _WRITE2, _BARE2 = 4, 6, 8, (3, 7)
_LOOKUP, _READ, _WRITE, _CREATE, _COMMIT = 3, 6, 7, 8, 21
_HANDLE2, _ATTRIBUTES2, _ATTRIBUTES3 = 32, 68, 84
_MOST_FILES, _MOST_NAMES, _MOST_CALLS = 64, 1024, 1024


class Call(NamedTuple):
    """A call that waits for its answer."""

    made: Transaction | None
    version: int
    procedure: int
    handle: bytes
    name: bytes
    offset: int


class File:
    """What went by of a file."""

    __slots__ = ("data", "made", "size", "whole")

    def __init__(self, made: Transaction) -> None:
        self.made = made
        self.data = bytearray()
        self.size = 0
        self.whole = True


class Nfs(StreamParser):
    """One client's calls."""

    name: ClassVar[str] = "nfs"

    def __init__(
        self, settings: ApplicationSettings, ports: tuple[int, int] = (0, 0), about: str = ""
    ) -> None:
        super().__init__(settings, ports, about)
        self.calls: dict[int, Call] = {}
        self.files: dict[tuple[bytes, int], File] = {}
        self.names: dict[bytes, bytes] = {}
        self.parts = [bytearray(), bytearray()]  # of a message in several fragments

    def datagram(self, direction: int, data: bytes, frame: int, time: int) -> None:
        """A message over UDP."""
        self._message(direction, data, frame, time)

    def advance(self, direction: int) -> None:
        """Fragments over TCP stand behind their length; the last of a message bears a mark (RFC 5531 §11)."""
        stream = self.streams[direction]
        while len(stream.data) >= 4:
            head = int.from_bytes(stream.data[:4], "big")
            size = 4 + (head & 0x7FFFFFFF)
            if size + len(self.parts[direction]) > MOST_HELD:
                self.odd("nfs.malformed_data", direction, stream.frame(4))
                self.done[direction] = True
                return
            if len(stream.data) < size:
                stream.need = size
                return
            frame, time = stream.mark(size)
            part = bytes(stream.data[4:size])
            stream.drop(size)
            if head >> 31:
                message, self.parts[direction] = bytes(self.parts[direction]) + part, bytearray()
                self._message(direction, message, frame, time)
            else:
                self.parts[direction] += part
        stream.need = 4

    def _message(self, d: int, data: bytes, frame: int, time: int) -> None:
        args = Xdr(data)
        try:
            xid, kind = args.number(), args.number()
            if d == TO_SERVER and kind == 0:
                self._call(xid, args, frame, time)
            elif d == TO_CLIENT and kind == 1:
                self._answer(xid, args, frame, time)
        except Short:
            self.odd("nfs.malformed_data", d, frame)

    def _call(self, xid: int, args: Xdr, frame: int, time: int) -> None:
        rpc, program, version, procedure = (args.number() for _ in range(4))
        for _ in range(2):  # credentials and verifier
            args.skip(4)
            args.opaque(MOST_CREDENTIALS)
        if rpc != 2 or program != PROGRAM or version not in VERSIONS:
            return
        made, handle, name, offset = None, b"", b"", 0
        if version == 4:
            made, handle, name, offset = self._compound(args if procedure else Xdr(b""), frame, time)
        else:
            reads, writes = (_READ2, _WRITE2) if version == 2 else (_READ, _WRITE)
            if procedure not in (reads, writes) and not (version == 3 and procedure == _COMMIT):
                made = self._made(version, procedure, frame, time)
            if procedure and not (version == 2 and procedure in _BARE2):
                handle = self._handle(version, args)
            if procedure == reads:
                offset = args.number(4 if version == 2 else 8)
                self._file(handle, TO_CLIENT, version, procedure, frame, time)
            elif procedure == writes:
                self._written(version, procedure, handle, args, frame, time)
            elif version == 3 and procedure == _COMMIT:
                self._close(handle, TO_SERVER, frame)
            elif procedure in ((_LOOKUP2,) if version == 2 else (_LOOKUP, _CREATE)):
                name = args.opaque(nfs4.MOST_NAME)
        if len(self.calls) >= _MOST_CALLS:
            self._finished(self.calls.pop(next(iter(self.calls))).made)
        if (old := self.calls.pop(xid, None)) is not None:
            self._finished(old.made)
        self.calls[xid] = Call(made, version, procedure, handle, name, offset)

    @staticmethod
    def _handle(version: int, args: Xdr) -> bytes:
        if version > 2:
            return args.opaque(nfs4.MOST_HANDLE)
        at = args.at
        args.skip(_HANDLE2)
        return args.data[at : args.at]

    def _made(self, version: int, procedure: int, frame: int, time: int) -> Transaction:
        made = self.begin(frame, time)
        made.note("nfs.version", TO_SERVER, frame, version)
        made.note("nfs.procedure", TO_SERVER, frame, procedure)
        made.whole(TO_SERVER, frame)
        return made

    def _finished(self, made: Transaction | None) -> None:
        if made is not None and not made.over:
            self.finish(made)

    def _written(self, version: int, procedure: int, handle: bytes, args: Xdr, frame: int, time: int) -> None:
        if version == 2:
            args.skip(4)
            offset, last = args.number(), False
            args.skip(4)
        else:
            offset = args.number(8)
            args.skip(4)
            last = args.number() == 2
        self._passed(handle, TO_SERVER, version, procedure, offset, args.opaque(), frame, time, last=last)

    def _compound(self, args: Xdr, frame: int, time: int) -> tuple[Transaction | None, bytes, bytes, int]:
        """Files that are written, and what may be read; creating and removing are transactions."""
        made, handle, name, offset = None, b"", b"", 0
        for one in nfs4.asked(args):
            if one.code == nfs4.WRITE:
                self._passed(
                    one.handle, TO_SERVER, 4, one.code, one.offset, one.data, frame, time, last=one.last
                )
            elif one.code in (nfs4.COMMIT, nfs4.CLOSE):
                self._close(one.handle, TO_SERVER, frame)
            elif one.code == nfs4.READ:
                handle, offset = one.handle, one.offset
            else:
                name = one.name
                if one.code in (nfs4.CREATE, nfs4.REMOVE):
                    made = made or self._made(4, one.code, frame, time)
        return made, handle, name, offset

    def _answer(self, xid: int, args: Xdr, frame: int, time: int) -> None:
        call = self.calls.pop(xid, None)
        if call is None:
            return
        if call.made is not None and not call.made.over:
            call.made.whole(TO_CLIENT, frame)
            self.finish(call.made)
        refused = args.number()
        if refused:
            return
        args.skip(4)
        args.opaque(MOST_CREDENTIALS)
        if args.number():  # not accepted
            return
        if call.version == 4:
            found = nfs4.answered(args) if call.handle or call.name else None
            if found is not None and found.code == nfs4.GETFH:
                self._remember(found.handle, call.name)
            elif found is not None and call.handle:
                self._passed(
                    call.handle,
                    TO_CLIENT,
                    4,
                    nfs4.READ,
                    call.offset,
                    found.data,
                    frame,
                    time,
                    last=found.last,
                )
            return
        if args.number():  # it went wrong
            return
        if call.procedure == _READ:
            self._read(call, args, frame, time)
        elif call.name:
            self._named(call, args)

    def _read(self, call: Call, args: Xdr, frame: int, time: int) -> None:
        if call.version == 2:
            args.skip(20)
            size = args.number()
            args.skip(_ATTRIBUTES2 - 24)
            data = args.opaque()
            last = call.offset + len(data) >= size
        else:
            args.skip(_ATTRIBUTES3 if args.number() else 0)
            args.skip(4)
            last = args.number() == 1
            data = args.opaque()
        self._passed(call.handle, TO_CLIENT, call.version, _READ, call.offset, data, frame, time, last=last)

    def _named(self, call: Call, args: Xdr) -> None:
        """A handle came for a name."""
        if call.version == 3 and call.procedure == _CREATE and not args.number():
            return
        self._remember(self._handle(call.version, args), call.name)

    def _remember(self, handle: bytes, name: bytes) -> None:
        if len(self.names) >= _MOST_NAMES:
            self.names.pop(next(iter(self.names)))
        self.names[handle] = name

    def _file(self, handle: bytes, d: int, version: int, procedure: int, frame: int, time: int) -> File:
        file = self.files.get((handle, d))
        if file is None:
            if len(self.files) >= _MOST_FILES:
                self._close(*next(iter(self.files)), frame)
            file = self.files[handle, d] = File(self._made(version, procedure, frame, time))
        return file

    def _passed(
        self, handle: bytes, d: int, version: int, procedure: int, offset: int, data: bytes, frame: int,
        time: int, *, last: bool,
    ) -> None:  # fmt: skip
        """Bytes of a file went by; of what does not follow on, only that it was there is known."""
        file = self._file(handle, d, version, procedure, frame, time)
        if offset == file.size and len(file.data) == file.size:
            room = 10 * self.settings.body_bytes - len(file.data)
            file.data += data[: max(room, 0)]
        else:
            file.whole = False
        file.size = max(file.size, offset + len(data))
        if last:
            self._close(handle, d, frame)

    def _close(self, handle: bytes, d: int, frame: int) -> None:
        file = self.files.pop((handle, d), None)
        if file is None:
            return
        made = file.made
        if file.size and not made.over:
            put_file(
                made, d, frame, bytes(file.data), name=self.names.get(handle, b""), size=file.size,
                complete=file.whole, hashes=self.settings.hashes,
            )  # fmt: skip
        made.whole(TO_CLIENT, frame)
        self._finished(made)

    def end(self, frame: int) -> None:
        """What was open is over."""
        for handle, d in list(self.files):
            self._close(handle, d, frame)
        super().end(frame)


def looks(direction: int, data: bytes, ports: tuple[int, int]) -> bool | None:
    """Whether bytes begin a call or an answer: by port and form, behind a length, as over TCP, or without."""
    if 2049 not in ports:
        return False
    if len(data) < LEAST:
        return None
    for at in (4, 0):
        kind, first, second, third = (
            int.from_bytes(data[i : i + 4], "big") for i in range(at + 4, at + 20, 4)
        )
        if at and int.from_bytes(data[:4], "big") & 0x7FFFFFFF < LEAST:
            continue
        if direction == TO_SERVER and kind == 0 and first == 2 and second == PROGRAM and third in VERSIONS:
            return True
        if direction == TO_CLIENT and kind == 1 and first == 0 and second < 8 and third <= MOST_CREDENTIALS:
            return True
    return False
