"""Collects what a session's producer makes and puts it out in messages of a good size."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from citywall.batches import END, EVENT, FLOW
from citywall.rows import take
from citywall.watermarks import BEGINNING, END_OF_TIME
from stream import codecs
from stream.codecs import Kind, Opening, Tally
from stream.stages import Output

Rows = NDArray[np.void]
#: Rows of one message.
ROWS = 8192


def topics(*, archive: bool) -> tuple[str, ...]:
    """Where a session's producer writes to."""
    return ("flows", "events", "closed") if archive else ("flows", "events")


class Emitter:
    """The flows, events and closed flows of one session on their way out.

    Events are rare: what a flow message promises holds for them too, and they go out before it.
    """

    def __init__(self, session: str, *, archive: bool) -> None:
        self._session = session
        self._archive = archive
        self._flows: list[Rows] = []
        self._closed: list[Rows] = []
        self._events: list[Rows] = []
        self._waiting = 0
        self._watermark = self._told = (BEGINNING, 0)
        self._events_over = False

    def open(self, opening: Opening) -> Iterator[Output]:
        """The session begins."""
        body = codecs.pack(opening)
        for topic in topics(archive=self._archive):
            yield Output(topic, self._session, Kind.OPEN, body, watermark=BEGINNING)

    def end_events(self) -> Iterator[Output]:
        """No events will come: flows that do need not wait for any. Sends what is waiting first."""
        if not self._events_over:
            yield from self.flush()
            self._events_over = True
            yield Output("events", self._session, Kind.END, codecs.pack(Tally()), watermark=END_OF_TIME)

    def end(self, tally: Tally) -> Iterator[Output]:
        """The session is over; sends what is waiting first."""
        yield from self.end_events()
        yield from self.flush()
        for topic in topics(archive=self._archive):
            if topic != "events":
                body = codecs.pack(tally)
                yield Output(topic, self._session, Kind.END, body, watermark=END_OF_TIME)

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

    def promise(self, watermark: int, mark: int = 0) -> None:
        """Nothing that comes later is before (`watermark`, `mark`); the END message says the end of time."""
        self._watermark = max(self._watermark, (min(watermark, END_OF_TIME - 1), mark))

    def flush(self) -> Iterator[Output]:
        """Send what is waiting: nothing where nothing is new."""
        if not (self._flows or self._events or self._watermark > self._told):
            return
        flows, closed, events = self._flows, self._closed, self._events
        self._flows, self._closed, self._events, self._waiting = [], [], [], 0
        self._told = self._watermark
        if events:
            yield self._rows("events", EVENT, events)
        yield self._rows("flows", FLOW, flows, beside="" if self._events_over else "events")
        if self._archive and closed:
            ends = [take(rows, rows["kind"] == END) for rows in flows]
            body = codecs.encode_closed(ends, closed)
            yield Output("closed", self._session, Kind.DATA, body, sum(map(len, ends)), *self._watermark)

    def _rows(self, topic: str, dtype: np.dtype[Any], pieces: list[Rows], beside: str = "") -> Output:
        count = sum(map(len, pieces))
        body = codecs.encode_rows(dtype, pieces) if count else b""
        return Output(topic, self._session, Kind.DATA, body, count, *self._watermark, beside)
