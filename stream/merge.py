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

Rows = NDArray[np.void]
FLOWS, EVENTS = "flows", "events"
_DTYPES: dict[str, np.dtype[Any]] = {FLOWS: FLOW, EVENTS: EVENT}
#: Keys of the order, the last one first.
_ORDER = {FLOWS: ("report", "flow_id", "time"), EVENTS: ("src_mac", "src_lo", "kind", "frame", "time")}
_Input = tuple[str, int]  # topic, partition
_Watermark = tuple[int, int]  # time, and the flow id that follows in the order

_PROMISES: Any = tuple[dict[int, int], dict[int, dict[int, _Watermark]]]


class Merge:
    """The merge of one session. Every input must be named before rows are released."""

    def __init__(self, inputs: list[_Input]) -> None:
        self._watermarks: dict[_Input, _Watermark] = dict.fromkeys(inputs, (BEGINNING, 0))
        self._held: dict[str, list[Rows]] = {FLOWS: [], EVENTS: []}
        self._came: dict[int, int] = {}  # events by partition
        self._spoken: dict[int, dict[int, _Watermark]] = {}  # promises by partition and events they wait for

    def add(self, topic: str, partition: int, rows: Rows, watermark: int, mark: int = 0) -> None:
        """Take rows and the promise that no later ones of this input are before (`watermark`, `mark`).

        Raises StreamError where an input breaks an earlier promise.
        """
        known = self._watermarks[topic, partition]
        if len(rows):
            if int(rows["time"].min()) < known[0]:
                raise StreamError(f"{topic} of partition {partition} go back behind their own watermark")
            self._held[topic].append(rows)
        self._watermarks[topic, partition] = max(known, (watermark, mark))

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

    def release(self, most: int = 1 << 16) -> Iterator[tuple[Rows, Rows]]:
        """Reports and events before the frontier, in order, given once; at most `most` reports at a time.

        Rows of one time are all released together, in as many pieces as it takes.
        """
        self._hear()
        flows, events = self._take(FLOWS), self._take(EVENTS)
        if not len(flows[1]):
            if len(events[1]):
                yield np.empty(0, FLOW), _gather(*events)
            return
        happened = _gather(*events)
        given = 0
        for start in range(0, len(flows[1]), most):
            reports = _gather(flows[0], flows[1][start : start + most])
            upto = len(happened)
            if start + most < len(flows[1]):
                upto = int(np.searchsorted(happened["time"], reports["time"][-1], side="right"))
            yield reports, happened[given:upto]
            given = upto

    def _take(self, topic: str) -> tuple[Rows, NDArray[np.int64]]:
        """Rows held, and the order of those to release; what is not released stays held."""
        held = self._held[topic]
        rows = join(held, _DTYPES[topic])
        self._held[topic] = []
        if not len(rows):
            return rows, np.empty(0, np.int64)
        if not self.done:
            time, mark = self._frontier
            ready = rows["time"] < time
            if topic == FLOWS and mark:
                ready |= (rows["time"] == time) & (rows["flow_id"] < np.uint64(mark))
            if not ready.all():
                self._held[topic] = [take(rows, ~ready)]
                rows = take(rows, ready)
        return rows, _in_order(rows) if topic == FLOWS else _lexsort(rows, topic)

    def snapshot(self) -> Parts:
        """Watermarks and held rows."""
        parts: Parts = {"watermarks": msgspec.msgpack.encode(list(self._watermarks.items()))}
        parts["promises"] = msgspec.msgpack.encode((self._came, self._spoken))
        for topic, held in self._held.items():
            parts[topic] = join(held, _DTYPES[topic])
        return parts

    def restore(self, parts: Parts) -> None:
        """Take over a snapshot."""
        pairs = msgspec.msgpack.decode(bytes_of(parts, "watermarks"), type=list[tuple[_Input, _Watermark]])
        self._watermarks = dict(pairs)
        self._came, self._spoken = msgspec.msgpack.decode(bytes_of(parts, "promises"), type=_PROMISES)
        for topic, dtype in _DTYPES.items():
            rows = array_of(parts, topic, dtype)
            self._held[topic] = [rows] if len(rows) else []


def _lexsort(rows: Rows, topic: str) -> NDArray[np.int64]:
    return np.lexsort([rows[name] for name in _ORDER[topic]])


def _in_order(flows: Rows) -> NDArray[np.int64]:
    """As `_lexsort`, several times faster: rows come nearly in order of time, with many of one time."""
    time, flow_id = np.ascontiguousarray(flows["time"]), np.ascontiguousarray(flows["flow_id"])
    first: NDArray[np.int64] | None = None
    rises = np.diff(time)
    if (rises < 0).any():
        first = np.argsort(time, kind="stable")
        rises, flow_id = np.diff(time[first]), flow_id[first]
    # The rank of the time above as many bits of the flow id as there is room for.
    rank = np.zeros(len(flows), np.uint64)
    np.cumsum(rises != 0, out=rank[1:])
    bits = np.uint64(64 - int(rank[-1]).bit_length()) if len(rank) else np.uint64(64)
    if bits < 64:
        rank <<= bits
        flow_id = rank | (flow_id >> (np.uint64(64) - bits))
    order: NDArray[np.int64] = np.argsort(flow_id)
    known = flow_id[order]
    if (known[1:] == known[:-1]).any():  # two reports of a flow at one time, or ids alike in those bits
        return _lexsort(flows, FLOWS)
    return order if first is None else first[order]


def _gather(rows: Rows, order: NDArray[np.int64]) -> Rows:
    if len(order) == len(rows) and (order[1:] > order[:-1]).all():
        return rows
    return take(rows, order)
