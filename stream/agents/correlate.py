"""`correlate`: findings in, alerts out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from citywall.domains import Domains
from citywall.findings import Finding
from citywall.places import Locate
from citywall.sessions import Session
from citywall.settings import Settings
from citywall.state import Parts, bytes_of
from stream import codecs
from stream.codecs import Kind, Opening, Tally
from stream.stages import Message, Output, under

if TYPE_CHECKING:
    from citywall.cards import DetectorCard

#: Findings correlated at a time.
FINDINGS = 512


class CorrelateStage:
    """Joins findings into alerts.

    An alert message counts the findings it stands on: those are the items whose number does not depend on
    how they were cut, while documents are said again when they change.
    """

    name = "correlate"
    inputs: tuple[str, ...] = ("findings",)
    outputs: tuple[str, ...] = ("alerts",)

    def __init__(
        self, settings: Settings, cards: Mapping[str, DetectorCard], locate: Locate | None = None
    ) -> None:
        from alerts.correlate import Correlator

        domains = Domains(settings.domains)
        self._correlator = Correlator(settings.correlate, cards, domains, locate=locate)
        self.totals: dict[str, int] = {}
        self._sessions: dict[str, Session] = {}
        self._waiting: dict[str, list[Finding]] = {}

    def receive(self, message: Message) -> Iterable[Output]:
        """Open a session, hold findings of it, or end it."""
        session = message.header.session
        if message.header.kind is Kind.OPEN:
            self._sessions[session] = codecs.unpack(message.body, Opening).session
            yield Output("alerts", session, Kind.OPEN, bytes(message.body))
        elif message.header.kind is Kind.DATA:
            findings = codecs.unpack(message.body, list[Finding])[message.skip :]
            self._waiting.setdefault(session, []).extend(findings)
        else:
            tally = codecs.unpack(message.body, Tally)
            yield from self.flush()
            known = self._sessions.pop(session)
            tally.note(self._correlator.counts(known))
            self._correlator.close_session(known)
            yield Output("alerts", session, Kind.END, codecs.pack(tally))

    def flush(self) -> Iterable[Output]:
        """Correlate what came."""
        waiting, self._waiting = self._waiting, {}
        for session, found in waiting.items():
            for at in range(
                0, len(found), FINDINGS
            ):  # a document is a few KiB, and there may be one for each
                findings = found[at : at + FINDINGS]
                documents: list[dict[str, Any]] = self._correlator.add(findings, self._sessions[session])
                yield Output("alerts", session, Kind.DATA, codecs.pack(documents), len(findings))

    def snapshot(self) -> Parts:
        """The correlator and its sessions."""
        parts: Parts = {f"correlator/{n}": p for n, p in self._correlator.snapshot().items()}
        parts["sessions"] = codecs.pack(self._sessions)
        return parts

    def restore(self, parts: Parts) -> None:
        """Take over a snapshot."""
        self._sessions = codecs.unpack(bytes_of(parts, "sessions"), dict[str, Session])
        self._correlator.restore(under(parts, "correlator/"))
