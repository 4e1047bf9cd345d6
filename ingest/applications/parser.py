"""What parsers stand on: transactions as they grow, the bytes of two directions, the frames they came in."""

from __future__ import annotations

from bisect import bisect_left
from typing import ClassVar

from citywall.applicationsettings import ApplicationSettings
from ingest.applications.tables import ANOMALY_KIND, PROTOCOL, TO_CLIENT, TO_SERVER, UNIT_KIND
from ingest.applications.wanted import ALL, Wanted

#: Bytes of one direction that a parser may hold back waiting for more.
MOST_HELD = 1 << 20
#: Transactions of one connection that may be open at once.
MOST_OPEN = 4096
_LEAST, _MOST = -(1 << 63), (1 << 63) - 1


class Transaction:
    """An exchange being read.

    What is known of it stands in flat lists of integers, as many objects are dear to the garbage collector:
    `rows` (kind, direction, part, frame) with `values` beside them, and `notes` (field, direction, part,
    frame, value).
    """

    __slots__ = (
        "complete", "fields", "first_frame", "kinds", "notes", "number", "over", "protocol", "request_frame",
        "response_frame", "rows", "time", "told", "values",
    )  # fmt: skip

    def __init__(self, protocol: int, number: int, frame: int, time: int, wanted: Wanted = ALL) -> None:
        self.protocol = protocol
        self.number = number
        self.first_frame = frame
        self.time = time
        self.kinds, self.fields = wanted.kept, wanted.noted
        self.complete = 0
        self.over = 0
        self.told = 0  # how much was known when it was told last
        self.request_frame = self.response_frame = 0
        self.rows: list[int] = []
        self.values: list[bytes] = []
        self.notes: list[int] = []

    @property
    def buffers(self) -> list[tuple[int, int, int, int, bytes]]:
        """(kind, direction, part, frame, bytes) of each buffer."""
        rows = self.rows
        return list(zip(rows[::4], rows[1::4], rows[2::4], rows[3::4], self.values, strict=True))

    @property
    def numbers(self) -> list[tuple[int, int, int, int, int]]:
        """(field, direction, part, frame, value) of each number."""
        notes = self.notes
        return list(zip(notes[::5], notes[1::5], notes[2::5], notes[3::5], notes[4::5], strict=True))

    def put(self, kind: str, direction: int, frame: int, value: bytes, part: int = 0) -> None:
        """A buffer is whole."""
        if (at := self.kinds.get(kind)) is not None:
            self.rows += (at, direction, part, frame)
            self.values.append(bytes(value))

    def note(self, field: str, direction: int, frame: int, value: int, part: int = 0) -> None:
        """A number is known."""
        if (at := self.fields.get(field)) is not None:
            if not _LEAST <= value <= _MOST:
                value = _LEAST if value < 0 else _MOST
            self.notes += (at, direction, part, frame, value)

    def whole(self, direction: int, frame: int) -> None:
        """One half is complete."""
        if not self.complete >> direction & 1:
            self.complete |= 1 << direction
            if direction:
                self.response_frame = frame
            else:
                self.request_frame = frame


class Parser:
    """One connection's application layer.

    State is kept in plain attributes that `msgspec` can pack, so that a checkpoint can carry it. `done`
    says that nothing more will be read from a direction.
    """

    name: ClassVar[str] = ""

    def __init__(
        self,
        settings: ApplicationSettings,
        ports: tuple[int, int] = (0, 0),
        about: str = "",  # what the connection that announced this one said of it
    ) -> None:
        self.settings = settings
        self.wanted = ALL
        self.ports = ports
        self.made = 0
        self.open: list[Transaction] = []
        self.closed: list[Transaction] = []
        self.anomalies: list[tuple[int, int, int, int]] = []  # (kind, direction, transaction number, frame)
        self.units: list[tuple[int, int, int, bytes, int]] = []  # (kind, direction, frame, bytes, start)
        self.done = [False, False]
        # Data connections announced: (protocol and what is said of it, whose address, port, since when).
        self.expected: list[tuple[str, int, int, int]] = []
        self.becomes = ""  # another parser's name that reads on from here

    def count_from(self, made: int) -> None:
        """Others of the connection made so many transactions: these follow, also what began with `about`."""
        for each in self.open:
            each.number += made
        self.anomalies = [(kind, d, n + made if n >= 0 else n, frame) for kind, d, n, frame in self.anomalies]
        self.made += made

    def begin(self, frame: int, time: int) -> Transaction:
        """A new transaction."""
        made = Transaction(PROTOCOL[self.name], self.made, frame, time, self.wanted)
        self.made += 1
        self.open.append(made)
        if len(self.open) > MOST_OPEN:
            self.finish(self.open[0])
        return made

    def finish(self, transaction: Transaction) -> None:
        """Nothing more will come to a transaction."""
        self.open.remove(transaction)
        transaction.over = 1
        self.closed.append(transaction)

    def odd(self, kind: str, direction: int, frame: int, transaction: Transaction | None = None) -> None:
        """Something is out of order."""
        self.anomalies.append(
            (ANOMALY_KIND[kind], direction, -1 if transaction is None else transaction.number, frame)
        )

    def unit(self, kind: str, direction: int, frame: int, data: bytes, start: int = 0) -> None:
        """A unit of the protocol, or what of it stands at `start`, went by; only where settings ask."""
        self.units.append((UNIT_KIND[kind], direction, frame, data, start))

    def stop(self) -> None:
        """Read no more of this connection."""
        self.done = [True, True]

    def end(self, frame: int) -> None:
        """The connection is over."""
        for transaction in list(self.open):
            self.finish(transaction)

    def datagram(self, direction: int, data: bytes, frame: int, time: int) -> None:
        """A datagram came."""
        raise NotImplementedError


class Stream:
    """The bytes of one direction that are not used up, and the frames that brought them."""

    __slots__ = ("base", "data", "ends", "frames", "need", "passing", "times")

    def __init__(self) -> None:
        self.data = bytearray()
        self.passing = False  # what is left of a line too long is passed over
        self.base = 0
        self.need = 1
        self.ends: list[int] = []
        self.frames: list[int] = []
        self.times: list[int] = []

    def take(self, data: bytes, marks: tuple[list[int], list[int], list[int]]) -> None:
        """More bytes; `marks`: lengths, frames and times of the pieces they came in."""
        lengths, frames, times = marks
        end = self.base + len(self.data)
        for length in lengths:
            end += length
            self.ends.append(end)
        self.frames += frames
        self.times += times
        self.data += data

    def frame(self, upto: int) -> int:
        """The frame with which the first `upto` bytes were there."""
        return self.frames[self._mark(upto)] if self.frames else 0

    def time(self, upto: int) -> int:
        """The time of that frame."""
        return self.times[self._mark(upto)] if self.times else 0

    def mark(self, upto: int) -> tuple[int, int]:
        """Frame and time with which the first `upto` bytes were there."""
        if not self.frames:
            return 0, 0
        at = self._mark(upto)
        return self.frames[at], self.times[at]

    def _mark(self, upto: int) -> int:
        ends, at = self.ends, self.base + (upto if upto > 0 else 1)
        return bisect_left(ends, at) if len(ends) > 1 and at <= ends[-2] else -1

    def together(self, upto: int) -> int:
        """How many bytes were there with the frame with which the first `upto` were."""
        frame, at = self.frame(upto), self._mark(upto) % max(len(self.frames), 1)
        while at + 1 < len(self.frames) and self.frames[at + 1] == frame:
            at += 1
        return self.ends[at] - self.base if self.ends else len(self.data)

    def drop(self, n: int) -> None:
        """The first `n` bytes are used up."""
        del self.data[:n]
        self.base += n
        if len(self.ends) > 1:  # the last used one stays: it says what was first behind it
            last = len(self.ends) - 1  # what a parser puts behind the end came with it
            gone = min(bisect_left(self.ends, self.base), last) if self.data else last
            if gone:
                del self.ends[:gone], self.frames[:gone], self.times[:gone]


class StreamParser(Parser):
    """A parser of two directions of a TCP connection: `advance` takes what it can from `self.streams`."""

    def __init__(
        self, settings: ApplicationSettings, ports: tuple[int, int] = (0, 0), about: str = ""
    ) -> None:
        super().__init__(settings, ports, about)
        self.streams = (Stream(), Stream())
        self.eof = [False, False]

    def feed(self, direction: int, data: bytes, marks: tuple[list[int], list[int], list[int]]) -> None:
        """More bytes of a direction; `marks`: lengths, frames and times of the pieces they came in."""
        if self.done[direction]:
            return
        stream = self.streams[direction]
        stream.take(data, marks)
        if len(stream.data) >= stream.need:
            self.advance(direction)
            if len(stream.data) > MOST_HELD:
                self.odd("applayer.parser_limit_reached", direction, stream.frame(len(stream.data)))
                self.done[direction] = True
        if self.done[direction]:
            stream.data.clear()

    def gap(self, direction: int, missed: int, frame: int = 0) -> None:
        """Bytes were lost, as a frame showed: what is in a transaction is not found again."""
        self.done[direction] = True
        self.streams[direction].data.clear()

    def advance(self, direction: int) -> None:
        """Use up what is complete in `self.streams[direction]`; set `need` to ask for more."""
        raise NotImplementedError

    def end(self, frame: int) -> None:
        """The connection is over: what ends with it is complete."""
        for direction in (TO_SERVER, TO_CLIENT):
            self.eof[direction] = True
            if not self.done[direction]:
                self.close(direction, frame)
        super().end(frame)

    def close(self, direction: int, frame: int) -> None:
        """A direction is over."""


class Unread(StreamParser):
    """A protocol that is spoken, but of which nobody wants to know more."""

    def __init__(
        self, settings: ApplicationSettings, ports: tuple[int, int] = (0, 0), about: str = ""
    ) -> None:
        super().__init__(settings, ports, about)
        self.stop()

    def advance(self, direction: int) -> None:
        """Nothing is read."""
