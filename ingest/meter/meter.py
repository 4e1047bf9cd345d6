"""The flow meter: a bidirectional flow table in event time.

A flow is the packets of one key (both addresses, ports, protocol, VLAN) that follow each other within the
idle timeout, for at most the active timeout. Protocols without ports, ICMP among them, are one flow a host
pair. Later fragments come with the ports of their datagram's first one where that was seen
(`ingest.fragments`).

While it lives a flow is reported (`citywall.batches.FLOW`):

- OPEN at the first tick (multiple of 0.5 s of event time) at which it is at least 0.5 s old;
- UPDATE when something significant happened since the last report (SYN, ACK or RST for the first time from
  that side, a FIN where neither side has sent FIN or RST, the responder's first packet, the first payload
  of either side, 64 packets, 64 KiB) and at least 1 s has passed since then: at the packet, or at the first
  tick after that second; at the sixteenth packet or a later one when that comes 30 s or more after the last
  report, and at any packet after 60 s;
- END at the idle timeout (at the next whole second, or at the flow's next packet), at a packet later than
  the active timeout, when the table is full and the flow is the one idle longest, or at the end of input
  (in order of flow ids).

The time of a report is the event clock's: the running maximum of the packets' times, which passes
through the ticks between two packets. Packets that come late count as of the clock.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from citywall import rows
from citywall.batches import CLOSED, FLOW, NOT_IP, PACKET, FlowBatch
from citywall.domains import Domains
from citywall.errors import SettingsError
from citywall.settings import MeterSettings
from citywall.state import Parts, array_of
from citywall.watermarks import BEGINNING
from ingest.meter import kernels
from ingest.meter.table import COLD, FLOW_BYTES, HEAD, SIDE, Table, new_table, used_bytes

_SECOND = 1_000_000_000
#: Reports that one packet can give: of its own flow and of one evicted.
_MOST_OF_A_PACKET = 2
_COUNTING: NDArray[np.int64] = np.zeros(0, np.int64)
_COUNTERS = {
    "packets": kernels.COUNTED,
    "ignored": kernels.IGNORED,
    "late": kernels.LATE,
    "flows": kernels.BEGUN,
    "evicted": kernels.EVICTED,
}


class FlowMeter:
    """Turns PACKET rows of one session, in order, into flow reports.

    `most_rows` bounds the reports of one batch given by `stream` and `drain`. Results depend on the packets
    and on `settings` alone, not on how packets are cut into batches.
    """

    def __init__(self, settings: MeterSettings, domains: Domains, most_rows: int = 8192) -> None:
        if most_rows < _MOST_OF_A_PACKET:
            raise ValueError("a packet can give two reports: most_rows must be at least 2")
        self._idle = settings.idle_timeout_s * _SECOND
        self._active = settings.active_timeout_s * _SECOND
        self._max_flows = settings.max_flows
        self._idle_s = settings.idle_timeout_s
        self._table = self._new_table()
        self._names = (domains.vlan_keys, domains.vlan_domains, domains.by_vlan)
        self._rooms = rows.Rooms(most_rows, FLOW), rows.Rooms(most_rows, CLOSED)
        # Rows not given out yet. Batches are views of what was, so that nothing is copied.
        self._reports: NDArray[np.void] = self._rooms[0].take()
        self._closed: NDArray[np.void] = self._rooms[1].take()

    @property
    def watermark(self) -> int:
        """The event clock, ns: no later report carries a time before it."""
        state = self._table.state
        return int(state[kernels.CLOCK]) if state[kernels.STARTED] else BEGINNING

    @property
    def live(self) -> int:
        """Flows held now."""
        return int(self._table.state[kernels.LIVE])

    @property
    def counts(self) -> dict[str, int]:
        """What was done so far.

        `packets` counted to flows, rows `ignored` because they are not IP, `late` rows (time before the
        clock), `flows` begun, flows `evicted` because the table was full.
        """
        return {name: int(self._table.state[at]) for name, at in _COUNTERS.items()}

    @property
    def memory(self) -> int:
        """Bytes of the table that have been used so far."""
        return used_bytes(self._table, int(self._table.state[kernels.HIGH]))

    def add(
        self,
        packets: NDArray[np.void],
        first_frame: int,
        buffer: NDArray[np.uint8],
        link_is_ethernet: bool = False,
    ) -> FlowBatch:
        """Meter PACKET[n]; packets[0] is frame `first_frame`; offsets point into `buffer`.

        MAC addresses are taken only where `link_is_ethernet`. A jump in time can end every flow held, all in
        this one batch: `stream` gives the same in bounded pieces.
        """
        return self._join(self.stream(packets, first_frame, buffer, link_is_ethernet))

    def stream(
        self,
        packets: NDArray[np.void],
        first_frame: int,
        buffer: NDArray[np.uint8],
        link_is_ethernet: bool = False,
        frames: NDArray[np.int64] = _COUNTING,
    ) -> Iterator[FlowBatch]:
        """As `add`, in batches of at most `most_rows` reports; none when nothing is to be told.

        `frames` are the frames of the packets where they do not count on from `first_frame`. Must be read to
        its end before the meter is used otherwise.
        """
        if packets.dtype != PACKET:
            raise ValueError("packets must be PACKET rows")
        packets, buffer, frames = _read_only(packets), _read_only(buffer), _read_only(frames)
        at, why = 0, kernels.FULL
        while why != kernels.DONE:
            at, told, ended, why = kernels.meter(
                packets, at, first_frame, frames, buffer, link_is_ethernet, self._table,
                self._idle, self._active, self._max_flows, self._names, self._reports, self._closed,
            )  # fmt: skip
            if told:
                yield self._batch(told, ended, why == kernels.DONE)
            if why == kernels.GROW:
                self._grow()
            elif why == kernels.FULL:
                self._renew()

    def pass_time(self, until: int) -> Iterator[FlowBatch]:
        """Let the clock go on to `until` (ns) where it is behind: as `stream` of a packet of no flow."""
        if until <= self.watermark:
            return
        nothing = np.zeros(1, PACKET)
        nothing["time"], nothing["status"] = until, NOT_IP
        yield from self.stream(nothing, 0, np.zeros(0, np.uint8))
        self._table.state[kernels.IGNORED] -= 1

    def finish(self) -> FlowBatch:
        """The end of input: ends every flow. `drain` gives the same in bounded pieces."""
        return self._join(self.drain())

    def drain(self) -> Iterator[FlowBatch]:
        """As `finish`, in batches of at most `most_rows` reports; must be read to its end.

        In order of the flows' ids, and each batch promises that: all these reports have one time, so
        whoever merges them with others would else have to hold every flow there was.
        """
        state = self._table.state
        live = int(state[kernels.LIVE])
        ids, which = np.empty(live, np.uint64), np.empty(live, np.int32)
        kernels.identify(self._table, ids, which)
        which = which[np.argsort(ids, kind="stable")]
        del ids
        at = 0
        while at < live:
            self._renew()
            n = kernels.finish(self._table, which, at, self._names, self._reports, self._closed)
            at += n
            last = int(self._reports["flow_id"][n - 1])
            yield FlowBatch(*self._given(n, n), self.watermark, mark=last)
        self._table.slots[:] = 0
        self._table.wheel[:] = -1
        self._table.queue[:] = -1
        state[[kernels.LIVE, kernels.HIGH, kernels.FREE]] = 0

    def snapshot(self) -> Parts:
        """The state between two batches, as views of what is in use."""
        table = self._table
        high = int(table.state[kernels.HIGH])
        return {
            "heads": table.heads[:high],
            "sides": table.sides[: 2 * high],
            "cold": table.cold[:high],
            "slots": table.slots,
            "wheel": table.wheel,
            "queue": table.queue,
            "state": table.state,
            "settings": np.array([self._idle, self._active, self._max_flows], np.int64),
        }

    def restore(self, parts: Parts) -> None:
        """Take over a snapshot of a meter with the same settings; raises ValueError where it does not fit."""
        settings = array_of(parts, "settings", np.dtype(np.int64))
        if settings.tolist() != [self._idle, self._active, self._max_flows]:
            raise ValueError("the checkpoint was made with other [meter] settings")
        high = len(array_of(parts, "heads", HEAD))
        slots = array_of(parts, "slots", np.dtype(np.uint64))
        if high > self._max_flows or not _is_power_of_two(len(slots)) or len(slots) < 2 * high:
            raise ValueError("the checkpoint's flow table has an impossible size")
        table = self._new_table()._replace(slots=slots.copy())
        for target, name, dtype, size in (
            (table.heads, "heads", HEAD, high),
            (table.sides, "sides", SIDE, 2 * high),
            (table.cold, "cold", COLD, high),
            (table.wheel, "wheel", np.dtype(np.int32), len(table.wheel)),
            (table.queue, "queue", np.dtype(np.int32), len(table.queue)),
            (table.state, "state", np.dtype(np.int64), len(table.state)),
        ):
            source = array_of(parts, name, dtype)
            if source.shape != (size, *target.shape[1:]):
                raise ValueError(f"checkpoint part {name!r} has an impossible shape")
            target[:size] = source
        if int(table.state[kernels.HIGH]) != high:
            raise ValueError("the checkpoint's flow table is of several moments")
        self._table = table

    def _new_table(self) -> Table:
        try:
            return new_table(self._max_flows, self._idle_s)
        except MemoryError as e:
            gib = self._max_flows * FLOW_BYTES / (1 << 30)
            raise SettingsError("settings", "meter.max_flows", f"needs {gib:.1f} GiB of memory") from e

    def _grow(self) -> None:
        old = self._table.slots
        slots = np.zeros(2 * len(old), np.uint64)
        kernels.rehash(old, slots)
        self._table = self._table._replace(slots=slots)

    def _batch(self, told: int, ended: int, through: bool) -> FlowBatch:
        """The rows filled; short of the end of a call, the last report's time is all that can be promised."""
        watermark = self.watermark if through else int(self._reports["time"][told - 1])
        return FlowBatch(*self._given(told, ended), watermark)

    def _given(self, told: int, ended: int) -> tuple[NDArray[np.void], NDArray[np.void]]:
        """The rows filled, which are somebody else's from now on."""
        reports, self._reports = self._reports[:told], self._reports[told:]
        closed, self._closed = self._closed[:ended], self._closed[ended:]
        return reports, closed

    def _renew(self) -> None:
        """Room for as many rows as a batch may have, where what is left has no room for one packet."""
        if len(self._reports) < _MOST_OF_A_PACKET:
            self._reports = np.empty(0, FLOW)  # or its room is looked into for ever
            self._reports = self._rooms[0].take()
        if len(self._closed) < _MOST_OF_A_PACKET:
            self._closed = np.empty(0, CLOSED)
            self._closed = self._rooms[1].take()

    def _join(self, batches: Iterator[FlowBatch]) -> FlowBatch:
        found = list(batches)
        reports = rows.join([batch.reports for batch in found], FLOW)
        return FlowBatch(reports, rows.join([batch.closed for batch in found], CLOSED), self.watermark)


def _read_only(array: NDArray[Any]) -> NDArray[Any]:
    """A contiguous view that cannot be written: kernels are compiled once, for this kind."""
    view = np.ascontiguousarray(array).view()
    view.flags.writeable = False
    return view


def _is_power_of_two(n: int) -> bool:
    return n > 0 and n & (n - 1) == 0
