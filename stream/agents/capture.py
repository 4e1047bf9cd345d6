"""`capture`: block references in, flow reports, link events and closed flows out.

With several partitions each decodes every block and meters its share: the flows whose symmetric hash falls to
it. All packets move the meter's clock, whosever they are, so that ticks and expiry do not depend on the
number of partitions. Fragments too are followed by all (`ingest.fragments`), so that each knows the flow of
every one; what is no flow (link events, hostile fragments, decode errors, counts of packets and bytes)
belongs to partition 0. What applications say is told by the partition whose flow it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from citywall.batches import (
    DATAGRAM_ABANDONED,
    EVENT,
    FRAGMENT_OVERLAP,
    FRAGMENT_TINY,
    FRAGMENT_TOO_LARGE,
    NOT_IP,
)
from citywall.domains import Domains
from citywall.errors import InputError, Misplaced
from citywall.rows import join, take
from citywall.sessions import LIVE, Session
from citywall.settings import Settings
from citywall.state import Parts, bytes_of
from citywall.watermarks import BEGINNING, END_OF_TIME
from ingest.capture.sparse import PassingCapture
from ingest.decode.blocks import BlockRef, InlineBlock
from ingest.decode.counts import DecodeCounts
from stream import codecs
from stream.agents.emitting import ADDED, Emitter, Outlet
from stream.board import PACKETS, Sensor
from stream.codecs import Kind, Opening, Tally
from stream.files import CaptureFiles
from stream.stages import Message, Output, under

if TYPE_CHECKING:
    from ingest.capture import CaptureFile
    from ingest.fragments.assembler import Assembled

Rows = NDArray[np.void]
ETHERNET = 1
#: What fragments say of whoever sent them.
_HOSTILE = (FRAGMENT_OVERLAP, FRAGMENT_TINY, FRAGMENT_TOO_LARGE, DATAGRAM_ABANDONED)
#: The kind of a session whose blocks come with their bytes, as those of LIVE ones do.
SENSOR = "sensor"
#: The error that counts packets a live sensor's kernel dropped.
DROPPED = "packets_dropped"


class _Metering:
    """One session being metered."""

    def __init__(self, opening: Opening, settings: Settings, domains: Domains, outlet: Outlet) -> None:
        from ingest.fragments.assembler import Assembler
        from ingest.handshakes.gathering import Handshakes
        from ingest.meter import FlowMeter

        session = opening.session
        self.opening = opening
        self.session = session
        self.domains = domains = domains.of_session(session.vlans)
        self.meter = FlowMeter(settings.meter, domains, most_rows=ADDED)
        self.fragments = Assembler(settings.fragments, domains)
        self.handshakes = Handshakes()
        self.counts = DecodeCounts()
        self.tally = Tally()
        self.emitter = Emitter(session.id, outlet)
        self.elsewhere = PassingCapture(session.path) if session.kind in (SENSOR, LIVE) else None


class CaptureStage:
    """Decodes and meters. Holds a flow meter for each session that is under way."""

    name = "capture"
    inputs: tuple[str, ...] = ("capture",)

    def __init__(
        self, settings: Settings, files: CaptureFiles, partition: int = 0, outlet: Outlet | None = None
    ) -> None:
        self._settings = settings
        self._files = files
        self._partition = partition
        self._user = f"capture/{partition}"
        self._domains = Domains(settings.domains)
        self._outlet = outlet or Outlet(
            settings.storage.archive_flows, record=settings.storage.archive_events
        )
        asked = settings.use_detectors or bool(settings.rules.watched)
        self._sightings = asked or self._outlet.record  # somebody asks for them
        self.outputs = self._outlet.said
        self.totals = {"packets": 0, "bytes": 0, "flows": 0, "events": 0}
        self.sensors: dict[str, Sensor] = {}  # live ones by path, where this is partition 0
        self._sessions: dict[str, _Metering] = {}

    def receive(self, message: Message) -> Iterable[Output]:
        """Open a session, meter a block of it, or end it."""
        if message.header.kind is Kind.OPEN:
            opening = codecs.unpack(message.body, Opening)
            self._tell(opening.session)
            state = self._open(opening)
            yield from self._pass(state, Kind.OPEN, codecs.pack(opening), BEGINNING)
            yield from state.emitter.open(opening)
        elif message.header.kind is Kind.DATA:
            yield from self._block(self._sessions[message.header.session], message.body)
        else:
            yield from self._end(message.header.session, codecs.unpack(message.body, Tally))

    def _open(self, opening: Opening) -> _Metering:
        state = _Metering(opening, self._settings, self._domains, self._outlet)
        self._sessions[opening.session.id] = state
        return state

    def _pass(self, state: _Metering, kind: Kind, body: codecs.Body, clock: int) -> Iterator[Output]:
        """What comes with its bytes goes on to the rules, said once for all partitions."""
        if state.elsewhere is not None and self._outlet.packets and self._partition == 0:
            yield Output(PACKETS, state.session.id, kind, body, int(kind is Kind.DATA), clock)

    def _tell(self, session: Session, ref: BlockRef | None = None, *, ended: bool = False) -> None:
        """Keep what is told of a live sensor; a new session of one adds to what came before."""
        if session.kind != LIVE or self._partition != 0:
            return
        known = self.sensors.get(session.path, Sensor(session.path, session.id))
        packets, dropped, clock = known.packets, known.dropped, known.clock
        if ref is not None:
            packets, dropped = packets + ref.packets, dropped + ref.errors.get(DROPPED, 0)
            clock = max(clock, ref.newest)
        self.sensors[session.path] = Sensor(session.path, session.id, packets, dropped, clock, ended)

    def _source(self, state: _Metering, body: memoryview) -> tuple[BlockRef, CaptureFile | PassingCapture]:
        """A block, and what its bytes are in."""
        if state.elsewhere is None:
            ref = codecs.unpack(body, BlockRef)
            return ref, self._file(ref.path)
        inline = codecs.unpack(body, InlineBlock)
        state.elsewhere.put(inline.block, inline.data)
        return inline.block, state.elsewhere

    def _file(self, path: str) -> CaptureFile:
        try:
            return self._files.get(path, self._user)
        except InputError as e:
            raise Misplaced(f"{e}; every worker must be able to read the captures of a run") from e

    def _block(self, state: _Metering, body: memoryview) -> Iterator[Output]:
        from ingest.decode.reading import decode_block, link_events

        ref, capture = self._source(state, body)
        if state.elsewhere is not None and self._settings.rules.waiting:  # nobody looks at its bytes
            yield from self._pass(
                state, Kind.DATA, codecs.pack(InlineBlock(ref, memoryview(b""))), ref.newest
            )
        else:
            yield from self._pass(state, Kind.DATA, body, ref.newest)
        for reason, offset in ref.places if self._partition == 0 else ():
            state.tally.place(reason, [offset])
        buffer = capture.buffer
        ethernet = all(interface.link == ETHERNET for interface in ref.section.interfaces)
        frame = ref.first_frame
        before = state.meter.counts
        for packets in decode_block(ref, buffer, self._settings.capture.batch_packets, state.counts):
            made = state.fragments.add(packets, frame, buffer, state.meter.watermark)
            events = []
            if self._partition == 0:
                events.append(link_events(buffer, packets, frame, state.domains))
            self._leave_to_others(packets, state)
            if self._sightings:
                events += self._said(state, packets, frame, buffer, made)
            self._add_events(state, _together(events), packets, frame, made)
            yield from self._meter(state, made, frame, buffer, ethernet=ethernet)
            frame += len(packets)
        capture.release(ref)
        if state.session.kind == LIVE:
            yield from self._pass_time(state, ref.newest)
            self._tell(state.session, ref)
        flows = state.meter.counts["flows"] - before["flows"]
        self._note(state, ref.packets, ref.length, flows)

    def _said(
        self, state: _Metering, packets: Rows, frame: int, buffer: NDArray[np.uint8], made: Assembled
    ) -> list[Rows]:
        """What applications say in packets, and in datagrams put together of fragments."""
        from ingest.sightings.reading import look, sightings

        rows, buffer = made.readable(buffer)
        if rows is not packets:
            self._leave_to_others(rows, state)
        looked = look(buffer, rows)
        said = sightings(buffer, rows, frame, state.domains, looked)
        whole = state.handshakes.add(buffer, rows, frame, looked, state.domains)
        if rows is not packets:  # where evidence is, is told by what was captured
            for events in (said, whole):
                events["offset"] = packets["offset"][events["frame"] - frame]
        return [said, whole]

    def _meter(
        self, state: _Metering, made: Assembled, frame: int, buffer: NDArray[np.uint8], *, ethernet: bool
    ) -> Iterator[Output]:
        """Count rows to their flows: those of this partition."""
        rows = made.rows
        self._leave_to_others(rows, state)
        for batch in state.meter.stream(rows, frame, buffer, ethernet, made.frames):
            yield from state.emitter.add(batch.reports, batch.closed, batch.watermark)
        state.emitter.promise(state.meter.watermark)

    def _leave_to_others(self, rows: Rows, state: _Metering) -> None:
        """Pass over the rows of flows that are other partitions'."""
        if (partitions := state.opening.partitions) > 1:
            rows["status"][_share(rows["hash"], partitions) != self._partition] = NOT_IP

    def _pass_time(self, state: _Metering, until: int) -> Iterator[Output]:
        """The sensor's clock, where the link was quiet: windows close, flows are told and end."""
        for batch in state.meter.pass_time(until):
            yield from state.emitter.add(batch.reports, batch.closed, batch.watermark)
        state.emitter.promise(state.meter.watermark)

    def _add_events(self, state: _Metering, events: Rows, packets: Rows, frame: int, made: Assembled) -> None:
        """Events of packets, in their order: of the link layer, and what hostile fragments are told of."""
        if len(events):
            _clamp(events, packets, frame, state.meter.watermark)
        if self._partition == 0 and len(made.events):
            hostile = np.isin(made.events["kind"], _HOSTILE)
            at = np.concatenate([events["frame"] - frame, made.told_at[hostile]])
            events = join([events, made.events[hostile]], EVENT)[np.argsort(at, kind="stable")]
        self._count_events(state, events)

    def _count_events(self, state: _Metering, events: Rows) -> None:
        if len(events):
            state.tally.events += len(events)
            self.totals["events"] += len(events)
            state.emitter.add_events(events)

    def _note(self, state: _Metering, packets: int, size: int, flows: int) -> None:
        if self._partition != 0:
            packets = size = 0
        for name, n in (("packets", packets), ("bytes", size), ("flows", flows)):
            setattr(state.tally, name, getattr(state.tally, name) + n)
            self.totals[name] += n

    def _end(self, session: str, fed: Tally) -> Iterator[Output]:
        state = self._sessions.pop(session)
        left = state.fragments.end(state.meter.watermark)
        if self._partition == 0:
            self._count_events(state, left.events)
        before = state.meter.counts["flows"]
        yield from self._meter(state, left, 0, np.zeros(0, np.uint8), ethernet=False)
        self._note(state, 0, 0, state.meter.counts["flows"] - before)
        yield from state.emitter.end_events()
        for batch in state.meter.drain():
            yield from state.emitter.add(batch.reports, batch.closed, batch.watermark, batch.mark)
        met = state.meter.counts
        state.tally.note({"evicted": met["evicted"]})
        state.tally.note({f"handshakes_{name}": n for name, n in state.handshakes.counts.items()})
        if self._partition == 0:
            state.tally.count(fed.errors)
            state.tally.count(state.counts.errors)
            state.tally.note({"late": met["late"]})
            state.tally.note({f"fragments_{name}": n for name, n in state.fragments.counts.items()})
        if state.elsewhere is None:
            self._files.close(state.session.path, self._user)
        else:
            state.elsewhere.close()
        self._tell(state.session, ended=True)
        yield from self._pass(state, Kind.END, codecs.pack(Tally()), END_OF_TIME)
        yield from state.emitter.end(state.tally)

    def flush(self) -> Iterable[Output]:
        """Send what is waiting."""
        for state in self._sessions.values():
            yield from state.emitter.flush()

    def snapshot(self) -> Parts:
        """Meters and counts."""
        heads = [(s.opening, s.counts, s.tally) for s in self._sessions.values()]
        parts: Parts = {"sessions": codecs.pack(heads), "totals": codecs.pack(self.totals)}
        parts["sensors"] = codecs.pack(self.sensors)
        for session, state in self._sessions.items():
            parts |= {f"{session}/{name}": part for name, part in state.meter.snapshot().items()}
            parts |= {f"{session}:fragments/{n}": part for n, part in state.fragments.snapshot().items()}
            parts |= {f"{session}:handshakes/{n}": part for n, part in state.handshakes.snapshot().items()}
        return parts

    def restore(self, parts: Parts) -> None:
        """Take over a snapshot."""
        self.totals = codecs.unpack(bytes_of(parts, "totals"), dict[str, int])
        self.sensors = codecs.unpack(bytes_of(parts, "sensors"), dict[str, Sensor])
        heads: Any = list[tuple[Opening, DecodeCounts, Tally]]
        for opening, counts, tally in codecs.unpack(bytes_of(parts, "sessions"), heads):
            state = self._open(opening)
            state.counts, state.tally = counts, tally
            state.meter.restore(under(parts, f"{opening.session.id}/"))
            state.fragments.restore(under(parts, f"{opening.session.id}:fragments/"))
            state.handshakes.restore(under(parts, f"{opening.session.id}:handshakes/"))


def _share(hashes: NDArray[np.uint64], partitions: int) -> NDArray[np.uint64]:
    """The partition of each flow hash, by its low half: the meter's table goes by the high one."""
    low = hashes & np.uint64(0xFFFFFFFF)
    return (low * np.uint64(partitions)) >> np.uint64(32)


def _together(pieces: list[Rows]) -> Rows:
    """Events in order of their frames, so that the size of a batch does not show."""
    some = [events for events in pieces if len(events)]
    events = join(some, EVENT)
    return events if len(some) < 2 else take(events, np.argsort(events["frame"], kind="stable"))


def _clamp(events: Rows, packets: Rows, frame: int, clock: int) -> None:
    """Events count as of the event clock: the newest packet time up to theirs; `clock` stood before."""
    running = np.maximum.accumulate(packets["time"])
    events["time"] = np.maximum(running[events["frame"] - frame], clock)
