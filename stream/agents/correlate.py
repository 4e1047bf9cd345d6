"""`correlate`: findings in, alerts out."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from citywall.domains import Domains
from citywall.findings import Finding, event_order
from citywall.places import Locate, LocatePortal
from citywall.settings import Settings
from citywall.state import Parts, bytes_of
from citywall.watermarks import BEGINNING, END_OF_TIME
from stream import codecs
from stream.codecs import Kind, Opening, Tally
from stream.stages import Message, Output, under

if TYPE_CHECKING:
    from citywall.cards import DetectorCard

#: Findings correlated at a time.
FINDINGS = 512


class _Correlating:
    """One session, and what its detectors found that others may still come before."""

    def __init__(self, opening: Opening) -> None:
        self.opening = opening
        self.promises = dict.fromkeys(range(opening.partitions), BEGINNING)
        self.waiting: list[Finding] = []
        self.tally = Tally()

    @property
    def over(self) -> bool:
        return min(self.promises.values()) == END_OF_TIME

    def ready(self) -> list[Finding]:
        """Findings, in order, that nothing comes before any more."""
        self.waiting.sort(key=event_order)
        frontier = min(self.promises.values())
        n = len(self.waiting)
        if frontier < END_OF_TIME:
            n = bisect_left(self.waiting, frontier, key=lambda f: f.time)
        found, self.waiting = self.waiting[:n], self.waiting[n:]
        return found


class CorrelateStage:
    """Joins findings into alerts, in `event_order`, whichever partition of `detect` they come from.

    An alert message counts the findings it stands on: those are the items whose number does not depend on
    how they were cut, while documents are said again when they change.
    """

    name = "correlate"
    inputs: tuple[str, ...] = ("findings",)
    outputs: tuple[str, ...] = ("alerts",)

    def __init__(
        self,
        settings: Settings,
        cards: Mapping[str, DetectorCard],
        locate: Locate | None = None,
        portals: LocatePortal | None = None,
    ) -> None:
        from alerts.correlate import Correlator

        domains = Domains(settings.domains)
        self._correlator = Correlator(settings.correlate, cards, domains, locate=locate, portals=portals)
        self.totals: dict[str, int] = {}
        self._sessions: dict[str, _Correlating] = {}

    def receive(self, message: Message) -> Iterable[Output]:
        """Open a session, hold findings of it, or note that one of its detectors ended."""
        header = message.header
        if header.kind is Kind.OPEN:
            if header.session not in self._sessions:
                opening = codecs.unpack(message.body, Opening)
                self._sessions[header.session] = _Correlating(opening)
                alone = codecs.pack(Opening(opening.session))
                yield Output("alerts", header.session, Kind.OPEN, alone)
            return
        state = self._sessions[header.session]
        if header.kind is Kind.DATA:
            if header.count:
                state.waiting += codecs.unpack(message.body, list[Finding])[message.skip :]
            state.promises[header.partition] = max(state.promises[header.partition], header.watermark)
            return
        state.tally.add(codecs.unpack(message.body, Tally))
        state.promises[header.partition] = END_OF_TIME
        if state.over:
            yield from self._correlate(state)
            session = self._sessions.pop(header.session).opening.session
            state.tally.note(self._correlator.counts(session))
            self._correlator.close_session(session)
            yield Output("alerts", session.id, Kind.END, codecs.pack(state.tally))

    def flush(self) -> Iterable[Output]:
        """Correlate what came."""
        for state in self._sessions.values():
            yield from self._correlate(state)

    def _correlate(self, state: _Correlating) -> Iterator[Output]:
        found = state.ready() if state.waiting else []
        session = state.opening.session
        for at in range(0, len(found), FINDINGS):  # a document is a few KiB, and there may be one for each
            findings = found[at : at + FINDINGS]
            documents: list[dict[str, Any]] = self._correlator.add(findings, session)
            yield Output("alerts", session.id, Kind.DATA, codecs.pack(documents), len(findings))

    def snapshot(self) -> Parts:
        """The correlator and its sessions."""
        parts: Parts = {f"correlator/{n}": p for n, p in self._correlator.snapshot().items()}
        heads = [(s.opening, s.promises, s.waiting, s.tally) for s in self._sessions.values()]
        parts["sessions"] = codecs.pack(heads)
        return parts

    def restore(self, parts: Parts) -> None:
        """Take over a snapshot."""
        heads: Any = list[tuple[Opening, dict[int, int], list[Finding], Tally]]
        for opening, promises, waiting, tally in codecs.unpack(bytes_of(parts, "sessions"), heads):
            state = self._sessions[opening.session.id] = _Correlating(opening)
            state.promises, state.waiting, state.tally = promises, waiting, tally
        self._correlator.restore(under(parts, "correlator/"))
