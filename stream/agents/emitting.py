"""Collects what a session's producer makes and puts it out in messages of a good size."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from citywall.batches import END, EVENT, FIRST_SIGHTING, FLOW
from citywall.rows import join, take
from citywall.watermarks import BEGINNING, END_OF_TIME
from stream import codecs
from stream.board import PACKETS
from stream.codecs import Kind, Opening, Tally
from stream.stages import Output

if TYPE_CHECKING:
    from detectors.features.sharing import Sharing

Rows = NDArray[np.void]
#: Rows from which a message goes out: what each costs in Faust is shared among them.
ROWS = 16_384
#: Most rows added to them at a time. Were all of them ends, a broker would still take the message.
ADDED = 8192
#: Events of one message.
EVENTS = 4096


class Outlet(msgspec.Struct, frozen=True):
    """Where a session's producer writes to.

    `archive`: closed flows are kept; `record`: what applications say is. `partitions` of flows and events;
    `sharing` says which rows go where, without it all go to the first. Rows are `packed` where they go over a
    network. `packets`: those that come with their bytes go to rules.
    """

    archive: bool
    partitions: int = 1
    sharing: Sharing | None = None
    packed: bool = False
    packets: bool = False
    record: bool = False

    @property
    def said(self) -> tuple[str, ...]:
        """The topics that captures are told on: those of every session, and live packets."""
        return (*self.topics, PACKETS) if self.packets else self.topics

    @property
    def topics(self) -> tuple[str, ...]:
        """The topics."""
        kept = (("closed", self.archive), ("said", self.record))
        return ("flows", "events", *(topic for topic, wanted in kept if wanted))

    def places(self, *topics: str) -> Iterator[tuple[str, int]]:
        """Every partition of those of `topics` that are written to."""
        for topic in topics:
            if topic in self.topics:
                for partition in range(1 if topic in {"closed", "said"} else self.partitions):
                    yield topic, partition


class Emitter:
    """The flows, events and closed flows of one session on their way out.

    Events are rare: what a flow message promises holds for them too, and they go out before it.
    """

    def __init__(self, session: str, outlet: Outlet) -> None:
        self._session = session
        self._outlet = outlet
        self._flows: list[Rows] = []
        self._closed: list[Rows] = []
        self._events: list[Rows] = []
        self._waiting = 0
        self._watermark = self._told = (BEGINNING, 0)
        self._events_over = False

    def open(self, opening: Opening) -> Iterator[Output]:
        """The session begins."""
        body = codecs.pack(opening)
        for topic, partition in self._outlet.places(*self._outlet.topics):
            yield Output(topic, self._session, Kind.OPEN, body, watermark=BEGINNING, partition=partition)

    def end_events(self) -> Iterator[Output]:
        """No events will come: flows that do need not wait for any. Sends what is waiting first."""
        if not self._events_over:
            yield from self.flush()
            self._events_over = True
            yield from self._end(Tally(), "events", "said")

    def end(self, tally: Tally) -> Iterator[Output]:
        """The session is over; sends what is waiting first. First partitions are told the `tally`."""
        yield from self.end_events()
        yield from self.flush()
        yield from self._end(tally, "flows", "closed")

    def _end(self, tally: Tally, *topics: str) -> Iterator[Output]:
        for topic, partition in self._outlet.places(*topics):
            body = codecs.pack(Tally() if partition else tally)
            yield Output(topic, self._session, Kind.END, body, watermark=END_OF_TIME, partition=partition)

    def add(self, reports: Rows, closed: Rows, watermark: int, mark: int = 0) -> Iterator[Output]:
        """Take reports, the statistics of those that end, and the promise behind them."""
        if len(reports):
            self._flows.append(reports)
        if len(closed):
            self._closed.append(closed)
        self._waiting += len(reports)
        self.promise(watermark, mark)
        if self._waiting >= ROWS:
            yield from self.flush()

    def add_events(self, events: Rows) -> None:
        """Take events; before any promise that they would break."""
        if len(events):
            self._events.append(events)
            self._waiting += len(events)

    def promise(self, watermark: int, mark: int = 0) -> None:
        """Nothing that comes later is before (`watermark`, `mark`); the END message says the end of time."""
        self._watermark = max(self._watermark, (min(watermark, END_OF_TIME - 1), mark))

    def flush(self) -> Iterator[Output]:
        """Send what is waiting: nothing where nothing is new."""
        risen = self._watermark > self._told
        if not (self._flows or self._events or risen):
            return
        flows, closed, events, before = self._flows, self._closed, self._events, self._told
        self._flows, self._closed, self._events, self._waiting = [], [], [], 0
        self._told = self._watermark
        yield from self._said(events)
        for partition, some, more in self._shared(flows, events):
            for piece in more:
                yield from self._told_in_parts(piece, partition, before)
            if some or risen:
                beside = "" if self._events_over else "events"
                yield self._rows("flows", FLOW, some, partition, beside)
        if self._outlet.archive and closed:
            ends = [take(rows, rows["kind"] == END) for rows in flows]
            body = codecs.encode_closed(ends, closed, packed=self._outlet.packed)
            yield Output("closed", self._session, Kind.DATA, body, sum(map(len, ends)), *self._watermark)

    def _said(self, events: list[Rows]) -> Iterator[Output]:
        """What applications say, for the archive."""
        if self._outlet.record and events:
            rows = join(events, EVENT)
            said = rows if (spoken := rows["kind"] >= FIRST_SIGHTING).all() else take(rows, spoken)
            for at in range(0, len(said), EVENTS):
                yield self._rows("said", EVENT, [said[at : at + EVENTS]], 0)

    def _shared(self, flows: list[Rows], events: list[Rows]) -> Iterator[tuple[int, list[Rows], list[Rows]]]:
        """Each partition, and its flows and events."""
        sharing, partitions = self._outlet.sharing, range(self._outlet.partitions)
        if sharing is None:
            joined = [join(events, EVENT)] if events else []
            yield from ((p, [] if p else flows, [] if p else joined) for p in partitions)
            return
        some = sharing.flows(flows) if flows else []
        more = sharing.events(events) if events else []
        for p in partitions:
            yield p, [r for r in some[p : p + 1] if len(r)], [r for r in more[p : p + 1] if len(r)]

    def _told_in_parts(self, events: Rows, partition: int, before: tuple[int, int]) -> Iterator[Output]:
        """Events are wide: several messages where there are many, of which only the last one promises."""
        for at in range(0, len(events), EVENTS):
            output = self._rows("events", EVENT, [events[at : at + EVENTS]], partition)
            if at + EVENTS < len(events):
                output = msgspec.structs.replace(output, watermark=before[0], mark=before[1])
            yield output

    def _rows(
        self, topic: str, dtype: np.dtype[Any], pieces: list[Rows], partition: int, beside: str = ""
    ) -> Output:
        count = sum(map(len, pieces))
        body = codecs.encode_rows(dtype, pieces, packed=self._outlet.packed) if count else b""
        return Output(topic, self._session, Kind.DATA, body, count, *self._watermark, beside, partition)
