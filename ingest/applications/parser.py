"""What parsers stand on: transactions as they grow, the bytes of two directions, the frames they came in."""

from __future__ import annotations

from bisect import bisect_left
from typing import Any, ClassVar

from citywall.applicationsettings import ApplicationSettings
from ingest.applications.tables import ANOMALY_KIND, FIELD, KIND, PROTOCOL, TO_CLIENT, TO_SERVER, UNIT_KIND

#: Bytes of one direction that a parser may hold back waiting for more.
MOST_HELD = 1 << 20
#: Transactions of one connection that may be open at once.
MOST_OPEN = 4096


class Transaction:
    """An exchange being read. `buffers`, `numbers`: (kind or field, direction, part, frame, value)."""

    __slots__ = (
        "buffers", "complete", "first_frame", "frames", "number", "numbers", "over", "protocol", "time",
        "told",
    )  # fmt: skip

    def __init__(self, protocol: int, number: int, frame: int, time: int) -> None:
        self.protocol = protocol
        self.number = number
        self.first_frame = frame
        self.time = time
        self.complete = 0
        self.over = 0
        self.told = (0, 0, 0, 0)  # buffers, numbers, halves and oddities when it was told last
        self.frames = [0, 0]
        self.buffers: list[tuple[int, int, int, int, bytes]] = []
        self.numbers: list[tuple[int, int, int, int, int]] = []

    def put(self, kind: str, direction: int, frame: int, value: bytes, part: int = 0) -> None:
        """A buffer is whole."""
        self.buffers.append((KIND[kind], direction, part, frame, bytes(value)))

    def note(self, field: str, direction: int, frame: int, value: int, part: int = 0) -> None:
        """A number is known."""
        self.numbers.append(
            (FIELD[field], direction, part, frame, max(-(1 << 63), min(value, (1 << 63) - 1)))
        )

    def whole(self, direction: int, frame: int) -> None:
        """One half is complete."""
        if not self.complete >> direction & 1:
            self.complete |= 1 << direction
            self.frames[direction] = frame


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
        self.ports = ports
        self.made = 0
        self.open: list[Transaction] = []
        self.closed: list[Transaction] = []
        self.anomalies: list[tuple[int, int, int, int]] = []  # (kind, direction, transaction number, frame)
        self.units: list[tuple[int, int, int, bytes]] = []  # (kind, direction, frame, bytes)
        self.done = [False, False]
        # Data connections announced: (protocol and what is said of it, whose address, port, since when).
        self.expected: list[tuple[str, int, int, int]] = []
        self.becomes = ""  # another parser's name that reads on from here

    def begin(self, frame: int, time: int) -> Transaction:
        """A new transaction."""
        made = Transaction(PROTOCOL[self.name], self.made, frame, time)
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

    def unit(self, kind: str, direction: int, frame: int, data: bytes) -> None:
        """A unit of the protocol went by; only where the settings ask for units."""
        self.units.append((UNIT_KIND[kind], direction, frame, data))

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

    __slots__ = ("base", "data", "ends", "frames", "need", "times")

    def __init__(self) -> None:
        self.data = bytearray()
        self.base = 0
        self.need = 1
        self.ends: list[int] = []
        self.frames: list[int] = []
        self.times: list[int] = []

    def frame(self, upto: int) -> int:
        """The frame with which the first `upto` bytes were there."""
        if not self.frames:
            return 0
        return self.frames[min(bisect_left(self.ends, self.base + max(upto, 1)), len(self.ends) - 1)]

    def time(self, upto: int) -> int:
        """The time of that frame."""
        if not self.times:
            return 0
        return self.times[min(bisect_left(self.ends, self.base + max(upto, 1)), len(self.ends) - 1)]

    def drop(self, n: int) -> None:
        """The first `n` bytes are used up."""
        del self.data[:n]
        self.base += n
        gone = bisect_left(self.ends, self.base)  # the last used one stays: it says what was first behind it
        if gone > 64:
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
        end = stream.base + len(stream.data)
        for length, frame, time in zip(*marks, strict=True):
            end += length
            stream.ends.append(end)
            stream.frames.append(frame)
            stream.times.append(time)
        stream.data += data
        if len(stream.data) >= stream.need:
            self.advance(direction)
            if len(stream.data) > MOST_HELD:
                self.odd("applayer.parser_limit_reached", direction, stream.frame(len(stream.data)))
                self.done[direction] = True
        if self.done[direction]:
            stream.data.clear()

    def gap(self, direction: int, missed: int) -> None:
        """Bytes were lost: what is between two transactions may be found again, what is in one not."""
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


State = dict[str, Any]
