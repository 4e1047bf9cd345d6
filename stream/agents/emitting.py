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

    An event message goes out with every flow message, and before it, so that neither topic's watermark
    trails the other's.
    """

    def __init__(self, session: str, *, archive: bool) -> None:
        self._session = session
        self._archive = archive
        self._flows: list[Rows] = []
        self._closed: list[Rows] = []
        self._events: list[Rows] = []
        self._waiting = 0
        self._watermark = BEGINNING
        self._told = BEGINNING

    def open(self, opening: Opening) -> Iterator[Output]:
        """The session begins."""
        return self._everywhere(Kind.OPEN, codecs.pack(opening))

    def end(self, tally: Tally) -> Iterator[Output]:
        """The session is over; sends what is waiting first."""
        yield from self.flush()
        yield from self._everywhere(Kind.END, codecs.pack(tally))

    def _everywhere(self, kind: Kind, body: bytes) -> Iterator[Output]:
        watermark = END_OF_TIME if kind is Kind.END else BEGINNING
        for topic in topics(archive=self._archive):
            yield Output(topic, self._session, kind, body, watermark=watermark)

    def add(self, reports: Rows, closed: Rows, watermark: int) -> Iterator[Output]:
        """Take reports, the statistics of those that end, and the promise behind them."""
        if len(reports):
            self._flows.append(reports)
        if len(closed):
            self._closed.append(closed)
        self._waiting += len(reports)
        self.promise(watermark)
        if self._waiting >= ROWS:
            yield from self.flush()

    def add_events(self, events: Rows) -> None:
        """Take events; before any promise that they would break."""
        if len(events):
            self._events.append(events)

    def promise(self, watermark: int) -> None:
        """Nothing that comes later is before `watermark`. The end of time is for the END message to say."""
        self._watermark = max(self._watermark, min(watermark, END_OF_TIME - 1))

    def flush(self) -> Iterator[Output]:
        """Send what is waiting: nothing where nothing is new."""
        if not (self._flows or self._events or self._watermark > self._told):
            return
        flows, closed, events = self._flows, self._closed, self._events
        self._flows, self._closed, self._events, self._waiting = [], [], [], 0
        self._told = self._watermark
        yield self._rows("events", EVENT, events)
        yield self._rows("flows", FLOW, flows)
        if self._archive and closed:
            ends = [take(rows, rows["kind"] == END) for rows in flows]
            body = codecs.encode_closed(ends, closed)
            yield Output("closed", self._session, Kind.DATA, body, sum(map(len, ends)), self._watermark)

    def _rows(self, topic: str, dtype: np.dtype[Any], pieces: list[Rows]) -> Output:
        count = sum(map(len, pieces))
        body = codecs.encode_rows(dtype, pieces) if count else b""
        return Output(topic, self._session, Kind.DATA, body, count, self._watermark)
