"""`flowlog`: chunk references of flow logs in; flow reports, link events and closed flows out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from citywall.domains import Domains
from citywall.sessions import Session
from citywall.settings import Settings
from citywall.state import Parts, bytes_of
from stream import codecs
from stream.agents.emitting import Emitter, Outlet
from stream.codecs import Kind, Opening, Tally
from stream.stages import Message, Output, under

if TYPE_CHECKING:
    from ingest.flowlogs.registry import LogBatch


class _Reading:
    """One flow log being read."""

    def __init__(self, session: Session, domains: Domains, outlet: Outlet) -> None:
        from ingest.flowlogs.reader import FlowLogReader

        self.session = session
        self.reader = FlowLogReader(domains)
        self.tally = Tally()
        self.emitter = Emitter(session.id, outlet)


class FlowlogStage:
    """Parses flow logs. Holds a reader for each session that is under way."""

    name = "flowlog"
    inputs: tuple[str, ...] = ("flowlog",)

    def __init__(self, settings: Settings, outlet: Outlet | None = None) -> None:
        self._domains = Domains(settings.domains)
        self._outlet = outlet or Outlet(
            settings.storage.archive_flows, record=settings.storage.archive_events
        )
        self.outputs = self._outlet.topics
        self.totals = {"bytes": 0, "flows": 0, "events": 0}
        self._sessions: dict[str, _Reading] = {}

    def receive(self, message: Message) -> Iterable[Output]:
        """Open a session, parse a chunk of it, or end it."""
        from ingest.flowlogs.files import ChunkRef

        if message.header.kind is Kind.OPEN:
            opening = codecs.unpack(message.body, Opening)
            yield from self._open(opening.session).emitter.open(opening)
        elif message.header.kind is Kind.DATA:
            ref = codecs.unpack(message.body, ChunkRef)
            state = self._sessions[ref.session]
            yield from self._take(state, state.reader.add(ref), ref.length)
        else:
            state = self._sessions.pop(message.header.session)
            yield from self._take(state, state.reader.finish(), 0)
            state.tally.count(codecs.unpack(message.body, Tally).errors)
            state.tally.count(state.reader.errors.counts)
            for reason, lines in state.reader.errors.places.items():
                state.tally.place(reason, lines)
            state.tally.note({"late": state.reader.late} | state.reader.notes)
            yield from state.emitter.end(state.tally)

    def _open(self, session: Session) -> _Reading:
        state = _Reading(session, self._domains, self._outlet)
        self._sessions[session.id] = state
        return state

    def _take(self, state: _Reading, batch: LogBatch, size: int) -> Iterator[Output]:
        for name, n in (("bytes", size), ("flows", len(batch.reports)), ("events", len(batch.events))):
            setattr(state.tally, name, getattr(state.tally, name) + n)
            self.totals[name] += n
        state.emitter.add_events(batch.events)
        yield from state.emitter.add(batch.reports, batch.closed, batch.watermark)

    def flush(self) -> Iterable[Output]:
        """Send what is waiting."""
        for state in self._sessions.values():
            yield from state.emitter.flush()

    def snapshot(self) -> Parts:
        """Readers and counts."""
        heads = [(s.session, s.tally) for s in self._sessions.values()]
        parts: Parts = {"sessions": codecs.pack(heads), "totals": codecs.pack(self.totals)}
        for session, state in self._sessions.items():
            parts |= {f"{session}/{name}": part for name, part in state.reader.snapshot().items()}
        return parts

    def restore(self, parts: Parts) -> None:
        """Take over a snapshot."""
        self.totals = codecs.unpack(bytes_of(parts, "totals"), dict[str, int])
        for session, tally in codecs.unpack(bytes_of(parts, "sessions"), list[tuple[Session, Tally]]):
            state = self._open(session)
            state.tally = tally
            state.reader.restore(under(parts, f"{session.id}/"))
