"""The flow-log stage: chunks in, batches in event time out, the same whatever the chunk size."""

from __future__ import annotations

from functools import reduce

import msgspec
import numpy as np
from numpy.typing import NDArray

from citywall.batches import CLOSED, EVENT, FLOW
from citywall.domains import Domains, DomainSettings
from citywall.rows import copy, join, take
from citywall.state import Parts, array_of, bytes_of
from citywall.watermarks import BEGINNING, END_OF_TIME, Watermark
from ingest.collectors.exports import KINDS, ExportReader
from ingest.collectors.joining import Joining
from ingest.flowlogs import registry, rows
from ingest.flowlogs.chains.chains import Chains
from ingest.flowlogs.files import ChunkRef, read_chunk
from ingest.flowlogs.lines import Errors
from ingest.flowlogs.parser import Parsed
from ingest.flowlogs.registry import LogBatch

#: How far starts may stand out of order before they count as late.
LATENESS = 5_000_000_000
#: Rows held back at once for ordering; of logs read together, each of which may be a chunk ahead.
MAX_HELD = 1 << 15
MAX_HELD_TOGETHER = 1 << 18
#: Rows that pass between looks at MAX_HELD, counted over the whole log so that chunks do not matter.
_STRIDE = 1 << 14
#: What stands in for a log's number where rows are of none alone.
_NO_LOG = -1

_HELD_FLOW = np.dtype([("flow", FLOW), ("src_mac", "u8"), ("dst_mac", "u8")], align=True)
_HELD_EVENT = np.dtype([("event", EVENT), ("log", "i4")], align=True)

_Rows = tuple[NDArray[np.void], NDArray[np.void]]  # flows with their MACs, events with their log's number


class _Waiting:
    """Rows held back, in the order they came, joined only when some of them may go."""

    def __init__(self, rows: NDArray[np.void], times: NDArray[np.int64] | None = None) -> None:
        self._parts = [rows]
        self._times = [np.zeros(0, np.int64) if times is None else times.copy()]
        self._earliest = int(self._times[0].min()) if len(self._times[0]) else END_OF_TIME
        self.count = len(rows)

    def rows(self) -> NDArray[np.void]:
        """All of them."""
        self._parts = [join(self._parts, self._parts[0].dtype)]
        return self._parts[0]

    def times(self) -> NDArray[np.int64]:
        """Of all of them."""
        self._times = [np.concatenate(self._times)]
        return self._times[0]

    def exchange(self, new: NDArray[np.void], times: NDArray[np.int64], now: int) -> NDArray[np.void]:
        """Add rows with their times; gives (and forgets) those before `now`, in the order they came."""
        if len(new):
            self._parts.append(new)
            self._times.append(times.copy())  # not the rows that it is of
            self._earliest = min(self._earliest, int(times.min()))
            self.count += len(new)
        if self._earliest >= now:
            return new[:0]
        rows, all_times = self.rows(), self.times()
        passed = all_times < now
        kept = all_times[~passed]
        self._parts, self._times = [take(rows, ~passed)], [kept]
        self._earliest = int(kept.min()) if len(kept) else END_OF_TIME
        self.count = len(kept)
        return take(rows, passed)


class _Clocks(msgspec.Struct):
    """How far each log has come (`newest`, ns, by its number) of those that are read together."""

    newest: dict[int, int] = {}
    ended: set[int] = set()
    ahead: int = END_OF_TIME

    def slowest(self) -> int:
        """The newest time that every log which goes on, or will begin, has come to."""
        going = [time for log, time in self.newest.items() if log not in self.ended]
        if self.ahead != END_OF_TIME:
            going.append(self.ahead)
        return min(going) if going else max(self.newest.values(), default=BEGINNING)


class _Saved(msgspec.Struct):
    watermark: Watermark
    clocks: _Clocks
    seen: int
    counts: dict[str, int]
    places: dict[str, list[int]]
    others: dict[str, int]


class FlowLogReader:
    """Orders what the parsers give: a row's time is its start, or the watermark where that has passed.

    Rows wait until the watermark (`lateness` ns behind the newest start) has passed them and leave in
    order of (time, flow id), so that times never go back. `late` counts rows that came after the
    watermark had passed their start; no more than `max_held` rows wait (about), the oldest leave first.
    Logs of a folder are ordered each by itself, and together they are as far as the slowest of them.
    """

    def __init__(
        self, domains: Domains | None = None, lateness: int = LATENESS, max_held: int = MAX_HELD
    ) -> None:
        self.domains = domains or Domains(DomainSettings())
        self.max_held = max_held
        self.errors = Errors()
        self._watermark = Watermark(lateness=lateness)
        self._clocks = _Clocks()
        self._seen = 0
        self._flows = _Waiting(np.zeros(0, _HELD_FLOW))
        self._events = _Waiting(np.zeros(0, _HELD_EVENT))
        self._exports: ExportReader | None = None  # what a log of flow exports needs from chunk to chunk
        self._joining: Joining | None = None  # what a log of single directions needs
        self._chains: Chains | None = None  # what certificates need that several logs tell of
        self._others: dict[str, int] = {}

    @property
    def notes(self) -> dict[str, int]:
        """What is worth knowing and no error: what a log holds beside flows, what became of exports."""
        told = self._others | (self._chains.notes if self._chains else {})
        return told | (self._exports.notes if self._exports else {})

    @property
    def watermark(self) -> int:
        """No later row carries a time before this."""
        return self._watermark.time

    @property
    def late(self) -> int:
        """Rows that came late and were given the watermark's time."""
        return self._watermark.late

    @property
    def held(self) -> int:
        """Rows waiting."""
        return self._flows.count + self._events.count

    def add(self, ref: ChunkRef, lines: bytes | None = None) -> LogBatch:
        """Take the next chunk (its bytes are read where not given); raises InputError."""
        if ref.folder:
            self._clocks.ahead = ref.ahead
            self.max_held = max(self.max_held, MAX_HELD_TOGETHER)
        batch = self._give(self._read(ref, lines), ref.log)
        if not ref.last:
            return batch
        self._clocks.ended.add(ref.log)
        self._move()
        return _joined(batch, self._rest())

    def _read(self, ref: ChunkRef, data: bytes | None) -> Parsed:
        if ref.parser not in KINDS:
            parsed = registry.read(ref, read_chunk(ref) if data is None else data)
            for name, n in parsed.others.items():
                self._others[name] = self._others.get(name, 0) + n
            if len(parsed.oneway):
                self._joining = self._joining or Joining()
                parsed.logged = self._joining.add(parsed.logged, parsed.oneway)
            if ref.folder and (len(parsed.said.keys) or len(parsed.said.names)):
                self._chains = self._chains or Chains()
                parsed.said = self._chains.add(parsed.said)
            return parsed
        if self._exports is None:
            self._exports = ExportReader()
        logged, errors = self._exports.add(ref, data)
        return Parsed(logged, errors=errors)

    def _give(self, parsed: Parsed, log: int = 0) -> LogBatch:
        """Put what was understood in order; gives what may go."""
        self.errors.merge(parsed.errors)
        flows = np.zeros(len(parsed.logged.line), _HELD_FLOW)
        rows.fill_flows(flows["flow"], parsed.logged, self.domains)
        flows["src_mac"], flows["dst_mac"] = parsed.logged.src_mac, parsed.logged.dst_mac
        said, event_lines = rows.events_of(parsed.resolutions, parsed.said, self.domains)
        events = np.zeros(len(said), _HELD_EVENT)
        events["event"], events["log"] = said, log
        out = [(flows[:0], events[:0])]
        order = np.concatenate((parsed.logged.line, event_lines))
        is_flow = np.arange(len(order)) < len(flows)
        ranks = np.argsort(order, kind="stable")
        at = 0
        while at < len(ranks):
            some = ranks[at : at + _STRIDE - self._seen % _STRIDE]
            chosen = np.sort(some[is_flow[some]])
            others = np.sort(some[~is_flow[some]]) - len(flows)
            self._stamp(flows, events, some, log)
            out.append(self._take(take(flows, chosen), take(events, others)))
            at += len(some)
            self._seen += len(some)
            if self._seen % _STRIDE == 0:
                out.append(self._relieve())
        return self._batch(out, parsed.errors)

    def finish(self) -> LogBatch:
        """The end of the log: everything that waits."""
        last = []
        if (joined := self._exports or self._joining) is not None:
            last.append(self._give(Parsed(joined.finish())))
        if self._chains is not None:
            last.append(self._give(Parsed(rows.nothing(), said=self._chains.finish()), _NO_LOG))
        self._watermark.close()
        return reduce(_joined, [*last, self._rest()])

    def _rest(self) -> LogBatch:
        """What the watermark has passed without a row of its own."""
        return self._batch([self._take(np.zeros(0, _HELD_FLOW), np.zeros(0, _HELD_EVENT))], Errors())

    def _stamp(
        self, flows: NDArray[np.void], events: NDArray[np.void], take: NDArray[np.int64], log: int
    ) -> None:
        """Give the rows of `take` (in line order, flows before events) the time they count as."""
        starts = np.concatenate((flows["flow"]["time"], events["event"]["time"]))[take]
        mark, clocks = self._watermark, self._clocks
        newest = np.maximum.accumulate(np.concatenate(([clocks.newest.get(log, BEGINNING)], starts)))
        floor = np.where(newest[:-1] == BEGINNING, BEGINNING, newest[:-1] - mark.lateness)
        stamped = np.maximum(starts, np.maximum(floor, self.watermark))
        mark.late += int(np.count_nonzero(starts < stamped))
        clocks.newest[log] = int(newest[-1])
        self._move()
        of_flow = take < len(flows)
        flows["flow"]["time"][take[of_flow]] = stamped[of_flow]
        events["event"]["time"][take[~of_flow] - len(flows)] = stamped[~of_flow]

    def _move(self) -> None:
        """Move the watermark as far as all logs have come."""
        self._watermark.newest = max(self._watermark.newest, self._clocks.slowest())

    def _take(self, flows: NDArray[np.void], events: NDArray[np.void]) -> _Rows:
        """Put rows with those that wait; gives the ones the watermark has passed, in order."""
        flows = self._flows.exchange(flows, flows["flow"]["time"], self.watermark)
        events = self._events.exchange(events, events["event"]["time"], self.watermark)
        order = np.lexsort((flows["flow"]["flow_id"], flows["flow"]["time"]))
        said = events["event"]
        ranks = np.lexsort((events["log"], said["digest"], said["kind"], said["time"]))
        return take(flows, order), take(events, ranks)

    def _relieve(self) -> _Rows:
        """Move the watermark on where too many rows wait."""
        if self.held > self.max_held:
            times = np.concatenate((self._flows.times(), self._events.times()))
            last = len(times) - self.max_held - 1
            passed = int(np.partition(times, last)[last])
            self._watermark.newest = max(self._watermark.newest, passed + 1 + self._watermark.lateness)
        return self._take(np.zeros(0, _HELD_FLOW), np.zeros(0, _HELD_EVENT))

    def _batch(self, parts: list[_Rows], errors: Errors) -> LogBatch:
        flows = join([part[0] for part in parts], _HELD_FLOW)
        events = copy(join([part[1] for part in parts], _HELD_EVENT)["event"])
        reports = copy(flows["flow"])
        closed = rows.closed_rows(reports, flows["src_mac"], flows["dst_mac"])
        none = np.zeros(0, np.int64)
        return LogBatch(reports, closed, self.watermark, events, errors, none, none)

    def snapshot(self) -> Parts:
        """What waits, the clock and the counts."""
        saved = _Saved(
            self._watermark, self._clocks, self._seen, self.errors.counts, self.errors.places, self._others
        )
        flows, events = self._flows.rows(), self._events.rows()
        parts: Parts = {"flows": flows, "events": events, "clock": msgspec.msgpack.encode(saved)}
        parts |= self._exports.snapshot() if self._exports else {}
        parts |= self._chains.snapshot() if self._chains else {}
        return parts | (self._joining.snapshot() if self._joining else {})

    def restore(self, parts: Parts) -> None:
        """Go on where `snapshot` was; raises ValueError on parts of another shape."""
        saved = msgspec.msgpack.decode(bytes_of(parts, "clock"), type=_Saved)
        flows = copy(array_of(parts, "flows", _HELD_FLOW))
        events = copy(array_of(parts, "events", _HELD_EVENT))
        self._flows = _Waiting(flows, flows["flow"]["time"])
        self._events = _Waiting(events, events["event"]["time"])
        self._watermark, self._clocks, self._seen = saved.watermark, saved.clocks, saved.seen
        self.errors = Errors(saved.counts, saved.places)
        self._others = saved.others
        if "joining" in parts:
            self._joining = Joining()
            self._joining.restore(parts)
        if "chains" in parts:
            self._chains = Chains()
            self._chains.restore(parts)
        if "exports" in parts:
            self._exports = ExportReader()
            self._exports.restore(parts)


def _joined(first: LogBatch, second: LogBatch) -> LogBatch:
    """Two batches that follow each other."""
    return LogBatch(
        join((first.reports, second.reports), FLOW),
        join((first.closed, second.closed), CLOSED),
        second.watermark,
        join((first.events, second.events), EVENT),
        Errors(),
        first.flow_lines,
        first.event_lines,
    )
