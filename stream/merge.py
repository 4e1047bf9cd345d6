"""Time-ordered merge: rows of every partition of a session, in one order that does not depend on batches.

Rows are released when every input has promised to send nothing before them, sorted by (time, flow id,
report) for flows and by (time, frame) for events. So what follows sees one sequence, however it was cut.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from citywall.batches import EVENT, FLOW
from citywall.errors import StreamError
from citywall.rows import join, take
from citywall.state import Parts, array_of, bytes_of
from citywall.watermarks import BEGINNING, END_OF_TIME
from stream.waiting import WaitingFlows

Rows = NDArray[np.void]
FLOWS, EVENTS = "flows", "events"
#: Keys of the order of events, the last one first.
_ORDER = ("src_mac", "src_lo", "kind", "frame", "time")
_Input = tuple[str, int]  # topic, partition
_Watermark = tuple[int, int]  # time, and the flow id that follows in the order

_PROMISES: Any = tuple[dict[int, int], dict[int, dict[int, _Watermark]]]


class Merge:
    """The merge of one session. Every input must be named before rows are released."""

    def __init__(self, inputs: list[_Input]) -> None:
        self._watermarks: dict[_Input, _Watermark] = dict.fromkeys(inputs, (BEGINNING, 0))
        self._flows = WaitingFlows()
        self._events: list[Rows] = []
        self._came: dict[int, int] = {}  # events by partition
        self._spoken: dict[int, dict[int, _Watermark]] = {}  # promises by partition and events they wait for

    def add(self, topic: str, partition: int, rows: Rows, watermark: int, mark: int = 0) -> None:
        """Take rows and the promise that no later ones of this input are before (`watermark`, `mark`).

        Raises StreamError where an input breaks an earlier promise.
        """
        known = self._watermarks[topic, partition]
        if len(rows) and not self._hold(topic, rows, known[0]):
            raise StreamError(f"{topic} of partition {partition} go back behind their own watermark")
        self._watermarks[topic, partition] = max(known, (watermark, mark))

    def _hold(self, topic: str, rows: Rows, least: int = BEGINNING) -> bool:
        """Hold rows, unless one of them is before `least`; whether they are held."""
        if topic == FLOWS:
            return self._flows.add(rows, least)
        if int(rows["time"].min()) < least:
            return False
        self._events.append(rows)
        return True

    def speak(self, partition: int, after: int, watermark: int, mark: int = 0) -> None:
        """Take the promise that no event of this partition but its first `after` is before `watermark`.

        It counts from the release on that finds those here.
        """
        waiting = self._spoken.setdefault(partition, {})
        waiting[after] = max((watermark, mark), waiting.get(after, (BEGINNING, 0)))

    def came(self, partition: int, events: int) -> None:
        """The first `events` events of this partition are here, or were set aside: nobody waits for them."""
        self._came[partition] = max(self._came.get(partition, 0), events)

    def _hear(self) -> None:
        """Let promises count whose events are here."""
        for partition, waiting in self._spoken.items():
            for after in [n for n in waiting if n <= self._came.get(partition, 0)]:
                known = self._watermarks[EVENTS, partition]
                self._watermarks[EVENTS, partition] = max(known, waiting.pop(after))

    def close(self, topic: str, partition: int) -> None:
        """This input has ended."""
        self._watermarks[topic, partition] = (END_OF_TIME, 0)

    @property
    def frontier(self) -> int:
        """Everything before it can be released."""
        return self._frontier[0]

    @property
    def _frontier(self) -> _Watermark:
        return min(self._watermarks.values())

    @property
    def done(self) -> bool:
        """Whether every input has ended."""
        return self.frontier == END_OF_TIME

    def release(self, most: int = 1 << 14) -> Iterator[tuple[Rows, Rows]]:
        """Reports and events before the frontier, in order, given once; at most `most` reports at a time.

        Rows of one time are all released together, in as many pieces as it takes. A piece is to be used
        before the next is asked for.
        """
        self._hear()
        happened = self._happened()
        given = upto = 0
        for reports in self._flows.release(None if self.done else self._frontier, most):
            upto = int(np.searchsorted(happened["time"], reports["time"][-1], side="right"))
            yield reports, happened[given:upto]
            given = upto
        if given < len(happened):
            yield np.empty(0, FLOW), happened[given:]

    def _happened(self) -> Rows:
        """Events to release, in order; others stay held."""
        rows = join(self._events, EVENT)
        self._events = []
        if len(rows) and not self.done:
            ready = rows["time"] < self.frontier
            if not ready.all():
                self._events = [take(rows, ~ready)]
                rows = take(rows, ready)
        order = np.lexsort([rows[name] for name in _ORDER])
        return rows if (order[1:] > order[:-1]).all() else take(rows, order)

    def snapshot(self) -> Parts:
        """Watermarks and held rows."""
        parts: Parts = {"watermarks": msgspec.msgpack.encode(list(self._watermarks.items()))}
        parts["promises"] = msgspec.msgpack.encode((self._came, self._spoken))
        parts[FLOWS], parts[EVENTS] = self._flows.rows(), join(self._events, EVENT)
        return parts

    def restore(self, parts: Parts) -> None:
        """Take over a snapshot."""
        pairs = msgspec.msgpack.decode(bytes_of(parts, "watermarks"), type=list[tuple[_Input, _Watermark]])
        self._watermarks = dict(pairs)
        self._came, self._spoken = msgspec.msgpack.decode(bytes_of(parts, "promises"), type=_PROMISES)
        self._flows, self._events = WaitingFlows(), []
        for topic, dtype in ((FLOWS, FLOW), (EVENTS, EVENT)):
            if len(rows := array_of(parts, topic, dtype)):
                self._hold(topic, rows)
