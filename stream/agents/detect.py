"""`detect`: flows and events in, in order of event time, findings out.

With several partitions each gets the rows of its sources and of its receivers, from every producer, and
judges these alone. Findings of a partition come in `event_order`, whatever was released together.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from citywall.batches import EVENT, FLOW
from citywall.findings import Finding, event_order
from citywall.sessions import Session
from citywall.state import Parts, bytes_of
from citywall.watermarks import BEGINNING, END_OF_TIME, FAR_FUTURE
from stream import codecs
from stream.board import PACKETS, Heard
from stream.codecs import Kind, Opening, Tally
from stream.lookouts import Watched
from stream.merge import EVENTS, FLOWS, Merge
from stream.packets import INLINE, Hearing, Mark, Passing
from stream.scoring import Scored
from stream.stages import Message, Output, under

if TYPE_CHECKING:
    from detectors.registry import DetectorSet

#: Findings of one message.
FINDINGS = 1024
_DTYPES = {FLOWS: FLOW, EVENTS: EVENT}


#: Findings of a piece of a session, and the time before which nothing more will be found.
Piece = tuple[list[Finding], int]
Signed = Callable[[Session], Iterator[Piece]]
_HEADS: Any = list[tuple[Opening, Tally, list[Finding], int, bool, Mark | None]]


class _Detecting:
    """One session under detection."""

    def __init__(self, opening: Opening) -> None:
        self.opening = opening
        partitions = range(opening.partitions)
        self.merge = Merge([(topic, p) for topic in (FLOWS, EVENTS) for p in partitions])
        self.detectors: DetectorSet | Scored | Watched | None = None
        self.tally = Tally()
        self.held: list[Finding] = []  # others of their time may follow
        self.signed: Iterator[Piece] | None = None  # what rules find, piece by piece
        self.pieces = 0  # of it that were taken
        self.heard = BEGINNING  # rules find nothing more before it
        self.hearing: Hearing | None = None  # rules over packets that pass
        self.told = BEGINNING
        self.closed = False  # its detectors have spoken for the last time

    @property
    def session(self) -> Session:
        return self.opening.session

    @property
    def promise(self) -> int:
        """No later finding is before it."""
        heard = END_OF_TIME if self.hearing is None else self.hearing.heard
        return min(self.merge.frontier, heard, FAR_FUTURE)

    @property
    def done(self) -> bool:
        """Whether nothing more will come."""
        return self.merge.done and (self.hearing is None or self.hearing.mark.over)


class DetectStage:
    """Runs the detectors over the merged rows of each session.

    `make` gives a set of detectors; without it there are none but those of `signatures`: what rules find in a
    session's packets, piece by piece, as far as its rows are complete. `partitions` of this stage speak.

    Rules keep no checkpoint: after a restart the session's capture is matched again from its beginning, which
    gives the same pieces, and those taken before are passed over. Sessions whose packets come with their
    bytes are matched by `passing` as these come; of their topic the log keeps the newest `keep` bytes, to be
    read `again`.
    """

    name = "detect"
    inputs: tuple[str, ...] = (FLOWS, EVENTS)
    outputs: tuple[str, ...] = ("findings",)

    def __init__(
        self,
        make: Callable[[], DetectorSet | Scored | Watched] | None,
        partitions: int = 1,
        signatures: Signed | None = None,
        passing: Passing | None = None,
        keep: int = 0,
    ) -> None:
        self._make = make
        self._signatures = signatures
        self._passing = passing
        if passing is not None:
            self.inputs = (*self.inputs, PACKETS)
        self.keeps = {PACKETS: keep} if passing is not None and keep else {}
        self._partitions = partitions
        self._idle = [make()] if make else []  # their tables are dear to make
        self.totals = {"findings": 0}
        self._sessions: dict[str, _Detecting] = {}

    @property
    def hearings(self) -> dict[str, Heard]:
        """How far rules are with what passes, by session."""
        return {s.session.id: s.hearing.health() for s in self._sessions.values() if s.hearing is not None}

    def _open(self, opening: Opening, mark: Mark | None = None) -> _Detecting:
        state = _Detecting(opening)
        if self._passing is not None and state.session.kind in INLINE:
            state.hearing = Hearing(state.session, self._passing, mark)
        elif self._signatures is not None:
            state.signed = self._signatures(state.session)
        self._sessions[opening.session.id] = state
        return state

    def receive(self, message: Message) -> Iterable[Output]:
        """Open a session, hold rows of it, or note that one of its inputs ended."""
        header, topic = message.header, message.topic
        if header.kind is Kind.OPEN:
            if header.session not in self._sessions:
                state = self._open(codecs.unpack(message.body, Opening))
                opening = codecs.pack(Opening(state.session, self._partitions))
                yield Output("findings", header.session, Kind.OPEN, opening)
            return
        state = self._sessions[header.session]
        if topic == PACKETS:
            yield from self._hear(state, message)
        elif header.kind is Kind.END:
            if topic == FLOWS:
                state.tally.add(codecs.unpack(message.body, Tally))
            state.merge.close(topic, header.partition)
            if state.done:  # now, so that its tables serve the next session
                yield from self._advance(state)
        elif self._make is not None:
            if topic == EVENTS:  # also those that cannot be read: nobody waits for them
                state.merge.came(header.partition, header.seq + header.count)
            empty = np.empty(0, _DTYPES[topic])
            rows = codecs.decode_rows(message.body, _DTYPES[topic])[message.skip :] if header.count else empty
            state.merge.add(topic, header.partition, rows, header.watermark, header.mark)
            if topic == FLOWS and header.beside >= 0:
                state.merge.speak(header.partition, header.beside, header.watermark, header.mark)

    def _hear(self, state: _Detecting, message: Message) -> Iterator[Output]:
        """Rules look at packets that pass."""
        assert state.hearing is not None
        if message.header.kind is Kind.DATA:
            state.held += state.hearing.take(message.body)
            return
        state.held += state.hearing.end()
        if state.done:
            yield from self._advance(state)

    def again(self, message: Message) -> None:
        """Packets that rules saw before the restart."""
        state = self._sessions.get(message.header.session)
        if state is not None and state.hearing is not None and message.header.kind is Kind.DATA:
            state.hearing.again(message.header.seq, message.body)

    def flush(self) -> Iterable[Output]:
        """Detect in everything that is complete up to the watermarks."""
        for state in list(self._sessions.values()):
            yield from self._advance(state)

    def _advance(self, state: _Detecting) -> Iterator[Output]:
        session = state.session.id
        findings = self._detect(state)
        promise = state.promise
        self.totals["findings"] += len(findings)
        state.tally.findings += len(findings)
        for at in range(0, len(findings), FINDINGS):
            some, next_one = findings[at : at + FINDINGS], findings[at + FINDINGS : at + FINDINGS + 1]
            state.told = next_one[0].time if next_one else promise
            yield Output("findings", session, Kind.DATA, codecs.pack(some), len(some), state.told)
        if state.done:
            del self._sessions[session]
            if state.detectors is not None:
                self._idle.append(state.detectors)
            yield Output("findings", session, Kind.END, codecs.pack(state.tally))
        elif self._partitions > 1 and promise > state.told:  # what others found waits for it
            state.told = promise
            yield Output("findings", session, Kind.DATA, b"", watermark=promise)

    def _detect(self, state: _Detecting) -> list[Finding]:
        """New findings that nothing can come before any more, in order."""
        session, merge = state.session, state.merge
        found, state.held = state.held, []
        for reports, events in merge.release():
            detectors = self._detectors(state)
            found += detectors.process(reports, events, session.id, session.lane)
        if isinstance(state.detectors, Scored | Watched) and not state.closed:
            found += state.detectors.advance(merge.frontier, session.id, session.lane)
        if merge.done and state.detectors is not None and not state.closed:
            found += state.detectors.close(session.id, session.lane)
            state.closed = True
        found += _heard(state)
        found.sort(key=event_order)
        if not state.done:
            # At the end of input rows of one time are released in several pieces.
            ready = bisect_left(found, state.promise, key=lambda f: f.time)
            found, state.held = found[:ready], found[ready:]
        return found

    def _detectors(self, state: _Detecting) -> DetectorSet | Scored | Watched:
        """The session's own detectors, made when its first rows come."""
        if state.detectors is None:
            assert self._make is not None
            state.detectors = self._idle.pop() if self._idle else self._make()
        return state.detectors

    def snapshot(self) -> Parts:
        """Merges and detectors of each session."""
        heads = [
            (s.opening, s.tally, s.held, s.pieces, s.closed, s.hearing and s.hearing.mark)
            for s in self._sessions.values()
        ]
        parts: Parts = {"sessions": codecs.pack(heads), "totals": codecs.pack(self.totals)}
        for session, state in self._sessions.items():
            parts |= {f"{session}/merge/{n}": p for n, p in state.merge.snapshot().items()}
            if state.detectors is not None:
                parts |= {f"{session}/detectors/{n}": p for n, p in state.detectors.snapshot().items()}
        return parts

    def restore(self, parts: Parts) -> None:
        """Take over a snapshot."""
        self.totals = codecs.unpack(bytes_of(parts, "totals"), dict[str, int])
        for opening, tally, held, pieces, closed, mark in codecs.unpack(bytes_of(parts, "sessions"), _HEADS):
            state = self._open(opening, mark)
            state.tally, state.held, state.closed = tally, held, closed
            for _ in range(pieces if state.signed is not None else 0):
                _take(state)
            state.merge.restore(under(parts, f"{opening.session.id}/merge/"))
            state.told = state.promise
            if known := under(parts, f"{opening.session.id}/detectors/"):
                self._detectors(state).restore(known)


def _heard(state: _Detecting) -> list[Finding]:
    """What rules find in the pieces that begin before the session's frontier."""
    found: list[Finding] = []
    while state.signed is not None and state.heard < state.merge.frontier:
        found += _take(state)
    return found


def _take(state: _Detecting) -> list[Finding]:
    assert state.signed is not None
    piece = next(state.signed, None)
    if piece is None:
        state.signed, state.heard = None, END_OF_TIME
        return []
    state.pieces += 1
    found, state.heard = piece
    return found
