"""One connection: what it speaks, found by its bytes, and the parser that reads it."""

from __future__ import annotations

import struct
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from citywall.applicationsettings import ApplicationSettings
from ingest.applications.compiled.recognising import recognise
from ingest.applications.parser import Parser, StreamParser, Transaction
from ingest.applications.registry import looks_of, parser_of, unread
from ingest.applications.tables import PROTOCOL
from ingest.applications.wanted import ALL, Wanted

#: Bytes of a connection that are looked at before it is given up as unknown.
MOST_UNKNOWN = 4096
# What bytes that nobody thought of may do to a parser.
_BROKEN = (ValueError, LookupError, struct.error)
#: (kind, direction, transaction number, frame)
Anomaly = tuple[int, int, int, int]
Marks = tuple[list[int], list[int], list[int]]


class Connection:
    """Feeds a parser, once it is known which.

    `addresses`: of client and server, as (low, high) words. `hint`: the protocol that the first bytes are of,
    where that was found out before.
    """

    def __init__(
        self,
        number: int,
        settings: ApplicationSettings,
        ports: tuple[int, int],
        row: NDArray[np.void],
        *,
        udp: bool,
        addresses: tuple[tuple[int, int], tuple[int, int]] = ((0, 0), (0, 0)),
        expected: str = "",
        wanted: Wanted = ALL,
        hint: str = "",
    ) -> None:
        self._hint = hint
        self.number = number
        self.settings = settings
        self.wanted = wanted
        self.ports = ports
        self.row = row
        self.udp = udp
        self.addresses = addresses
        self.parser: Parser | None = None
        self.protocol = PROTOCOL["unknown"]
        self.protocol_frame = 0
        self.final = self.final_frame = 0
        self._spoken: tuple[object, ...] | None = None
        self.sides, self.sides_frame = [0] * 4, [0] * 4
        self._changed = 0  # 2 once another protocol went on: where its sides stand
        self._looked = [b"", b""]
        self.failed = False
        self.apart = False  # the next piece is fed by itself, as the first one of a direction is
        self._early: list[tuple[int, bytes, Marks]] = []
        self._seen = [b"", b""]
        self._made = 0
        self._closed: list[Transaction] = []
        self._odd: list[Anomaly] = []
        self.units: list[tuple[int, int, int, bytes, int]] = []
        if expected:
            self._choose(expected, 0)

    def go_on(
        self, parser: StreamParser, protocol: int, frame: int, sides: Sequence[int], frames: Sequence[int]
    ) -> None:
        """Go on with a parser that has read what came so far; what is known of protocols, and since when."""
        self.parser = parser
        self.protocol, self.protocol_frame = protocol, frame
        self.sides[:2], self.sides_frame[:2] = map(int, sides), map(int, frames)
        self._spoken = None

    def spoken(self) -> tuple[object, ...]:
        """What is known of its protocols."""
        if self._spoken is None:
            self._spoken = (
                self.protocol, self.protocol_frame, self.final, self.final_frame, tuple(self.sides),
                tuple(self.sides_frame),
            )  # fmt: skip
        return self._spoken

    def over(self) -> bool:
        """Whether nothing more will be read."""
        return self.failed or (self.parser is not None and all(self.parser.done))

    def quiet(self) -> bool:
        """Whether nothing that may come will change what is known."""
        if self.failed or self.parser is None:
            return self.failed
        sides = self.sides
        return all(self.parser.done) and bool(sides[self._changed] and sides[self._changed + 1])

    def feed(self, direction: int, data: bytes, marks: Marks) -> None:
        """Bytes of a direction, and the pieces they came in (lengths, frames, times)."""
        if self.udp:
            at = 0
            for length, frame, time in zip(*marks, strict=True):
                self._datagram(direction, data[at : at + length], frame, time)
                at += length
            return
        if self.failed:
            return
        known = self.parser is not None and self.sides[self._changed + direction] and not self.apart
        if len(marks[0]) > 1 and not known:
            self._one_by_one(direction, data, marks)
            return
        self.apart = False
        if self.parser is None:
            self._recognise(direction, data, marks)
            return
        if not self.sides[self._changed + direction]:
            self._compare(direction, data, marks[1][0])
        assert isinstance(self.parser, StreamParser)
        try:
            self.parser.feed(direction, data, marks)
        except _BROKEN:
            self._break(self.parser, direction, marks[1][0])
        if self.parser.becomes:
            self._change(self.parser)

    def _one_by_one(self, direction: int, data: bytes, marks: Marks) -> None:
        """What is spoken is found at the same piece, however many are fed at a time."""
        at = 0
        for i, length in enumerate(marks[0]):
            if self.parser is not None and self.sides[self._changed + direction] and not self.apart:
                self.feed(direction, data[at:], (marks[0][i:], marks[1][i:], marks[2][i:]))
                return
            self.feed(direction, data[at : at + length], tuple([column[i]] for column in marks))  # type: ignore[arg-type]
            at += length

    @staticmethod
    def _break(parser: Parser, direction: int, frame: int) -> None:
        """A parser did not bear what it was given: that connection is read no further, the others are."""
        parser.odd("applayer.parser_failed", direction, frame)
        parser.stop()

    def _datagram(self, direction: int, data: bytes, frame: int, time: int) -> None:
        if self.failed:
            return
        if self.parser is None:
            hint, self._hint = self._hint, ""
            name = hint or recognise(self.settings.protocols, direction, data, self.ports, udp=True)
            if not name:
                self._seen[direction] += data[:64]
                self.failed = len(self._seen[0]) + len(self._seen[1]) > 256
                return
            self._choose(name, frame)
        parser = self.parser
        assert parser is not None
        if not self.sides[direction]:
            self._side(direction, self.protocol, frame)
        if not parser.done[direction]:
            try:
                parser.datagram(direction, data, frame, time)
            except _BROKEN:
                self._break(parser, direction, frame)

    def _recognise(self, direction: int, data: bytes, marks: Marks) -> None:
        self._early.append((direction, data, marks))
        self._seen[direction] += data[:MOST_UNKNOWN]
        hint, self._hint = self._hint, ""
        name = hint or self._looked_at(direction, self._seen[direction])
        if name:
            self._side(direction, PROTOCOL[name], marks[1][0])
            self._choose(name, marks[1][0])
            early, self._early = self._early, []
            self._seen = [b"", b""]
            now = marks[1][0]
            for d, held, (lengths, frames, times) in early:  # nothing of it was known before now
                self.feed(d, held, (lengths, [max(frame, now) for frame in frames], times))
        elif sum(map(len, self._seen)) >= MOST_UNKNOWN or (name == "" and all(self._seen)):
            self.failed, self._early, self._seen = True, [], [b"", b""]
            frame, failed = marks[1][0], PROTOCOL["failed"]
            self._spoken = None
            if not self._changed:
                self.protocol, self.protocol_frame = failed, frame
            for d in (0, 1):
                if not self.sides[self._changed + d]:
                    self._side(d, failed, frame)

    def _looked_at(self, direction: int, seen: bytes) -> str | None:
        return recognise(self.settings.protocols, direction, seen, self.ports, udp=False)

    def _side(self, direction: int, protocol: int, frame: int) -> None:
        self._spoken = None
        at = self._changed + direction
        self.sides[at], self.sides_frame[at] = protocol, frame
        self._looked[direction] = b""
        if protocol == PROTOCOL["failed"] and self.parser is not None:
            return  # of one direction alone: what was agreed upon goes on
        if self._changed and not self.final:
            self.final, self.final_frame = protocol, frame

    def _compare(self, direction: int, data: bytes, frame: int) -> None:
        """What the other direction's first bytes look like, where one direction said what is spoken."""
        assert self.parser is not None
        seen = self._looked[direction] = self._looked[direction] + data[:MOST_UNKNOWN]
        spoken = self.parser.name
        if looks_of(spoken)(direction, seen, self.ports):
            self._side(direction, PROTOCOL[spoken], frame)
            return
        name = self._looked_at(direction, seen)
        if name is None and len(seen) < MOST_UNKNOWN:
            return
        if name:
            self.parser.odd("applayer.mismatch_protocol_both_directions", direction, frame)
        else:
            self.parser.odd("applayer.detect_protocol_only_one_direction", direction, frame)
        self._side(direction, PROTOCOL[name or "failed"], frame)

    def want(self, wanted: Wanted) -> None:
        """Messages that begin from now on are kept for something else."""
        self.wanted = wanted
        if self.parser is not None:
            self.parser.wanted = wanted

    def _choose(self, name: str, frame: int) -> None:
        name, _, about = name.partition(":")
        parser = parser_of(name) if self.wanted.reads(name) else unread(name)
        self.parser = parser(self.settings, self.ports, about)
        self.parser.wanted = self.wanted
        self.parser.count_from(self._made)
        if self.protocol == PROTOCOL["unknown"]:
            self.protocol, self.protocol_frame = PROTOCOL[name], frame
            self._spoken = None

    def _change(self, old: StreamParser) -> None:
        """Another protocol goes on in the same connection (STARTTLS, CONNECT, an upgrade)."""
        name = old.becomes
        rest = [
            (d, bytes(stream.data), ([len(stream.data)], [stream.frame(0)], [stream.time(0)]))
            for d, stream in enumerate(old.streams)
            if stream.data
        ]
        old.end(old.streams[0].frame(0))
        self.collect()
        self._made = old.made
        self.parser = None
        self._changed, self.final, self.sides[2:], self.sides_frame[2:] = 2, 0, [0, 0], [0, 0]
        self._spoken = None
        if name != "?":
            self._choose(name, old.streams[0].frame(0))
        for item in rest:
            self.feed(*item)
        if name.startswith("http2") and self.final:  # Suricata knows of it with the packet behind
            self.final_frame += 1
            self.sides_frame[2:] = [frame and frame + 1 for frame in self.sides_frame[2:]]

    def collect(self) -> tuple[list[Transaction], list[Anomaly]]:
        """What is over, and what was odd, since this was asked last."""
        if self.parser is not None:
            self._closed += self.parser.closed
            self._odd += self.parser.anomalies
            self.units += self.parser.units
            self.parser.closed, self.parser.anomalies, self.parser.units = [], [], []
        return self._closed, self._odd

    def clear(self) -> None:
        """What was collected was taken."""
        self._closed, self._odd, self.units = [], [], []

    def gap(self, direction: int, missed: int, frame: int = 0) -> None:
        """Bytes were lost, as a frame showed."""
        if isinstance(self.parser, StreamParser):
            self.parser.gap(direction, missed, frame)
        elif self.parser is None and not self._seen[direction]:
            self.failed = True

    def end(self, frame: int) -> None:
        """The connection is over."""
        if self.parser is not None:
            self.parser.end(frame)
