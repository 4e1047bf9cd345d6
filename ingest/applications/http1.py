"""HTTP/1 (RFC 9112), read as libhtp reads it: pipelining, chunks, bodies, and what is not HTTP at all."""

from __future__ import annotations

import re
from typing import ClassVar

from citywall.applicationsettings import ApplicationSettings
from ingest.applications import headers, http1_heads, http1_put, http1_units
from ingest.applications.headers import Field
from ingest.applications.http1_looks import KNOWN, looks
from ingest.applications.parser import StreamParser, Transaction
from ingest.applications.tables import TO_CLIENT, TO_SERVER

# What a direction is in the middle of.
HEAD, SURPLUS, LENGTH, SIZE, CHUNK, CHUNK_END, TRAILER, CLOSE, OVER = (
    "head",
    "surplus",
    "length",
    "size",
    "chunk",
    "end",
    "trailer",
    "close",
    "over",
)
__all__ = ["Http1", "looks"]

#: Bytes of a head (first line and fields) before it is given up.
MOST_HEAD = 128 << 10
#: Bytes of one line of a head that waits for its end, as libhtp's limit of a field.
MOST_LINE = 18_000
_BLANK = b" \t\r\n\v\f\0"
_HEX = re.compile(rb"[ \t]*([0-9A-Fa-f]+)")
_LENGTH = re.compile(rb"[^0-9]*([0-9]+)[ \t]*(?![^,])")


def _no_length(found: dict[bytes, Field]) -> bool:
    """Whether an interim answer announces no body."""
    length = found.get(b"content-length")
    return b"transfer-encoding" not in found and (length is None or not length.value.strip(b"0 "))


class Body:
    """A body on its way: what is kept of it, its size, and what is left of a length or chunk."""

    __slots__ = ("coding", "kept", "left", "lost", "size")

    def __init__(self) -> None:
        self.kept = bytearray()
        self.size = 0
        self.left = 0
        self.lost = False
        self.coding = b""


class Http1(StreamParser):
    """One connection's requests and responses."""

    name: ClassVar[str] = "http"

    def __init__(
        self, settings: ApplicationSettings, ports: tuple[int, int] = (0, 0), about: str = ""
    ) -> None:
        super().__init__(settings, ports, about)
        if settings.units:
            self.streams = (http1_units.Kept(), http1_units.Kept())
        self.phase = [HEAD, HEAD]
        self.bodies = [Body(), Body()]
        self.heads: list[dict[bytes, Field]] = [{}, {}]
        self.request: Transaction | None = None  # whose request is being read
        self.response: Transaction | None = None
        self.previous: Transaction | None = None  # the last request that was read, and what followed it
        self.unannounced = b""
        self.tries = 0
        self.continued = False
        self.waiting: list[Transaction] = []  # requests not yet answered
        self.asked: dict[int, tuple[bytes, bytes]] = {}  # method and path by transaction

    def advance(self, direction: int) -> None:
        """Read on until more bytes are needed."""
        while not self.done[direction] and self._step(direction):
            pass

    def _step(self, d: int) -> bool:
        phase, stream = self.phase[d], self.streams[d]
        if phase == HEAD:
            return self._head(d)
        if phase == SURPLUS:
            return self._surplus()
        if phase == OVER:
            if not self.becomes:  # what came with the answer is the next protocol's
                stream.drop(len(stream.data))
            return False
        if not stream.data:
            return False
        if phase in (LENGTH, CHUNK, CLOSE):
            return self._body(d)
        if phase == SIZE:
            return self._size(d)
        if phase == CHUNK_END:
            return self._chunk_end(d)
        return self._trailer(d)

    # Heads.

    def _head(self, d: int) -> bool:
        stream = self.streams[d]
        data = stream.data
        blank = len(data) - len(data.lstrip(_BLANK))
        if blank:
            stream.drop(blank)
        if not data:
            stream.need = 1
            return False
        line_end = data.find(b"\n")
        if d == TO_CLIENT:
            if not http1_heads.looks_like_response(self, line_end):
                return http1_heads.no_status(self, line_end)
            bare = data.find(b"\r", 0, line_end if line_end >= 0 else len(data) - 1)
            if 0 <= bare != line_end - 1:
                return http1_heads.strange(self, bare)
        if line_end < 0:
            return self.more(d)
        line = bytes(data[:line_end]).rstrip(b"\r")
        if d == TO_SERVER and len(line.split(None, 2)) < 3 and not data[line_end + 1 :].strip(_BLANK):
            # nothing but a line: HTTP/0.9; with more behind it, a request that forgot its protocol
            self.asks(line, b"", [], line_end + 1, headless=True)
            return True
        return http1_heads.fields(self, d, line, line_end)

    def _surplus(self) -> bool:
        """What follows a request at once and begins with no method is a body that nobody announced."""
        stream, transaction = self.streams[TO_SERVER], self.previous
        end = stream.data.find(b"\n")
        if end < 0 and not self.eof[TO_SERVER]:
            return self.more(TO_SERVER)
        line = bytes(stream.data[: end + 1] if end >= 0 else stream.data)
        words = line.split(None, 1)
        if not words or words[0] in KNOWN or transaction is None:
            self.phase[TO_SERVER] = HEAD
            return bool(stream.data)
        frame = stream.frame(len(line))
        stream.drop(len(line))
        stream.need = 1
        if not self.unannounced:
            self.odd("http.request_body_unexpected", TO_SERVER, frame, transaction)
        self.unannounced = (self.unannounced + line)[: self.settings.body_bytes]
        transaction.put("http.request_body", TO_SERVER, frame, self.unannounced)
        return bool(stream.data)

    def more(self, d: int) -> bool:
        """Wait for more of a head, up to a limit."""
        stream = self.streams[d]
        if len(stream.data) - stream.data.rfind(b"\n") > MOST_LINE:
            side = "request" if d == TO_SERVER else "response"
            self.odd(f"http.{side}_field_too_long", d, stream.frame(len(stream.data)))
            self.stop()
        elif len(stream.data) > MOST_HEAD:
            self.odd("applayer.parser_limit_reached", d, stream.frame(len(stream.data)))
            self.done[d] = True
        stream.need = len(stream.data) + 1
        return False

    def headless(self) -> bool:
        """An answer without a status line is a body (HTTP/0.9)."""
        stream = self.streams[TO_CLIENT]
        self._answered(stream.frame(1), stream.time(1))
        self.heads[TO_CLIENT] = {}
        self.bodies[TO_CLIENT] = Body()
        self.phase[TO_CLIENT] = CLOSE
        return True

    def asks(self, line: bytes, raw: bytes, fields: list[Field], end: int, *, headless: bool = False) -> None:
        """The head of a request is whole."""
        stream = self.streams[TO_SERVER]
        transaction = self.begin(stream.frame(1), stream.time(1))
        frame = stream.frame(end)
        stream.drop(end)
        stream.need = 1
        found = headers.merged(fields)
        method, path = http1_put.request(
            self, transaction, line, raw, fields, found, frame, headless=headless
        )
        self.request = transaction
        self.asked[transaction.number] = (method, path)
        self.waiting.append(transaction)
        self.heads[TO_SERVER] = found
        self.bodies[TO_SERVER] = Body()
        if headless or method == b"CONNECT":
            self._finished(TO_SERVER, frame)
        else:
            self._body_begins(TO_SERVER, frame)

    def _answered(self, frame: int, time: int) -> Transaction:
        """The transaction that a response belongs to."""
        if self.response is None:
            if self.waiting:
                self.response = self.waiting.pop(0)
            else:
                self.response = self.begin(frame, time)
                self.odd("http.unable_to_match_response_to_request", TO_CLIENT, frame, self.response)
        return self.response

    def answers(self, line: bytes, raw: bytes, fields: list[Field], end: int) -> None:
        """The head of an answer is whole."""
        stream = self.streams[TO_CLIENT]
        transaction = self._answered(stream.frame(1), stream.time(1))
        frame = stream.frame(end)
        stream.drop(end)
        stream.need = 1
        status = http1_put.status_of(line)
        found = headers.merged(fields)
        bare = not found.keys() & {b"transfer-encoding", b"content-length"}
        if 100 <= status < 200 and (bare or (status == 100 and _no_length(found))) and status != 101:
            if self.continued and status == 100:
                self.odd("http.100_continue_already_seen", TO_CLIENT, frame, transaction)
            self.continued = status == 100
            return  # the answer proper comes yet
        self.continued = False
        http1_put.response(self, transaction, line, raw, fields, found, frame)
        self.heads[TO_CLIENT] = found
        self.bodies[TO_CLIENT] = Body()
        method = self.asked.get(transaction.number, (b"", b""))[0]
        if (status == 101 and bare) or (method == b"CONNECT" and 200 <= status < 300):
            self._finished(TO_CLIENT, frame)
            self.becomes = http1_put.becomes(transaction, found) if status == 101 else "?"
            self.phase = [OVER, OVER]
        elif method == b"HEAD" or (status in (204, 304) and bare):  # browsers read a body that is announced
            self._finished(TO_CLIENT, frame)
        else:
            self._body_begins(TO_CLIENT, frame)

    # Bodies.

    def _body_begins(self, d: int, frame: int) -> None:
        found, body = self.heads[d], self.bodies[d]
        coding = found.get(b"transfer-encoding")
        length = found.get(b"content-length")
        if (encoding := found.get(b"content-encoding")) is not None:
            body.coding = encoding.value
        if coding is not None and b"chunked" in coding.value.lower():
            self.phase[d] = SIZE
            return
        if length is not None:
            if number := _LENGTH.match(length.value[:256]):
                body.left = min(int(number.group(1)[:18]), 1 << 62)
                self.phase[d] = LENGTH
                if body.left == 0:
                    self._finished(d, frame)
                return
            kind = "request" if d == TO_SERVER else "response"
            self.odd(f"http.invalid_content_length_field_in_{kind}", d, frame, self.half(d))
        if d == TO_SERVER:
            self._finished(d, frame)
        else:
            self.phase[d] = CLOSE

    def half(self, d: int) -> Transaction | None:
        """The transaction whose request or answer is being read."""
        return self.request if d == TO_SERVER else self.response

    def _body(self, d: int) -> bool:
        """Bytes of a body, a chunk, or of what goes on until the end."""
        stream, body = self.streams[d], self.bodies[d]
        n = len(stream.data) if self.phase[d] == CLOSE else min(body.left, len(stream.data))
        room = self.settings.body_bytes - len(body.kept)
        if room > 0:
            body.kept += stream.data[: min(n, room)]
        body.size += n
        body.left -= n
        frame = stream.frame(n)
        stream.drop(n)
        stream.need = 1
        if self.phase[d] != CLOSE and body.left <= 0:
            if self.phase[d] == CHUNK:
                self.phase[d] = CHUNK_END
            else:
                self._finished(d, frame)
        return bool(stream.data)

    def _size(self, d: int) -> bool:
        """The line with a chunk's size."""
        stream, body = self.streams[d], self.bodies[d]
        end = stream.data.find(b"\n")
        if end < 0 and len(stream.data) < 1024:
            begun = stream.data[:64].lstrip(b" \t\r\n\v\f")[:1]
            if not begun or begun in b"0123456789abcdefABCDEF":
                return False
        line = bytes(stream.data[: end if end >= 0 else 64]).strip(b" \t\r\n\v\f")
        if not line and end >= 0:
            stream.drop(end + 1)
            return bool(stream.data)
        found = _HEX.match(line)
        if not found or end < 0 or len(found.group(1).lstrip(b"0")) > 8:
            kind = "request" if d == TO_SERVER else "response"
            self.odd(f"http.invalid_{kind}_chunk_len", d, stream.frame(1), self.half(d))
            self.phase[d] = CLOSE  # no chunks after all
            return True
        if b";" in line[found.end() :]:
            side = "request" if d == TO_SERVER else "response"
            self.odd(f"http.{side}_chunk_extension", d, stream.frame(end + 1), self.half(d))
        size = int(found.group(1), 16)
        stream.drop(end + 1)
        if size == 0:
            self.phase[d] = TRAILER
            return True
        body.left = size
        self.phase[d] = CHUNK
        return bool(stream.data)

    def _chunk_end(self, d: int) -> bool:
        """What stands behind a chunk's bytes, up to the end of the line."""
        stream = self.streams[d]
        end = stream.data.find(b"\n")
        if end < 0:
            if len(stream.data) < 1024:
                return False
            end = len(stream.data) - 1
        stream.drop(end + 1)
        self.phase[d] = SIZE
        return bool(stream.data)

    def _trailer(self, d: int) -> bool:
        """Fields behind the last chunk, up to an empty line."""
        stream = self.streams[d]
        end = stream.data.find(b"\n")
        if end < 0:
            if len(stream.data) > MOST_HEAD:
                self.done[d] = True
            return False
        line = bytes(stream.data[:end]).strip(b"\r")
        frame = stream.frame(end + 1)
        stream.drop(end + 1)
        transaction = self.half(d)
        if not line:
            self._finished(d, frame)
        elif transaction is not None:
            transaction.put("http.trailer", d, frame, line)
        return True

    def _finished(self, d: int, frame: int) -> None:
        """One half of a transaction is whole."""
        transaction = self.half(d)
        self.phase[d] = HEAD
        http1_units.tell(self, self.streams[d], d, frame)
        if transaction is None:
            return
        http1_put.body(self, transaction, d, frame, self.bodies[d], self.heads[d])
        self.bodies[d] = Body()
        transaction.whole(d, frame)
        if d == TO_SERVER:
            self.request = None
            self.previous, self.unannounced = transaction, b""
            if self.streams[d].data and transaction.complete != 3:
                self.phase[d] = SURPLUS
        else:
            self.response = None
        if transaction.complete == 3 and not transaction.over:
            self.asked.pop(transaction.number, None)
            self.finish(transaction)

    # Ends.

    def gap(self, direction: int, missed: int, frame: int = 0) -> None:
        """Lost bytes of a body are only lost, as far as it goes; over those elsewhere libhtp reads on."""
        body, phase, stream = self.bodies[direction], self.phase[direction], self.streams[direction]
        if beyond := phase == LENGTH and missed > body.left:
            missed = body.left
        if self.done[direction] or (phase != CLOSE and (phase not in (LENGTH, CHUNK) or missed > body.left)):
            http1_units.torn(stream)
            return
        body.lost = True
        body.size += missed
        stream.base += missed
        body.left -= missed if phase != CLOSE else 0
        if body.left == 0 and phase == LENGTH:
            self._finished(direction, max(stream.frame(0), frame))
            http1_units.torn(stream, beyond)
        elif body.left == 0 and phase == CHUNK:
            self.phase[direction] = CHUNK_END

    def close(self, direction: int, frame: int) -> None:
        """What goes on until the end has ended; a head cut off is read as far as it goes."""
        stream, phase = self.streams[direction], self.phase[direction]
        if phase == SURPLUS and stream.data:
            self.advance(direction)
            phase = self.phase[direction]
        if phase == HEAD and b"\n" in stream.data.strip(_BLANK) and len(stream.data) < MOST_HEAD:
            stream.data += b"\r\n\r\n"
            stream.need = 1
            self.advance(direction)
            phase = self.phase[direction]
        transaction = self.half(direction)
        if phase == CLOSE:
            self._finished(direction, frame)
        elif phase in (LENGTH, CHUNK, SIZE, CHUNK_END, TRAILER) and transaction is not None:
            self.bodies[direction].lost = self.bodies[direction].lost or phase in (LENGTH, CHUNK)
            http1_put.body(self, transaction, direction, frame, self.bodies[direction], self.heads[direction])
