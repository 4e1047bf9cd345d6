"""Findings become alerts: those about the same thing, close in event time, are one.

The key is (lane, session, detector, kind, entity). An alert goes on while the next finding comes within
`window_s` of the last, at most `cap_s` long. A rise in severity is never hidden: the alert itself rises,
and says when. The id is derived from key and first finding, so a repeated run overwrites itself.

A stage in front that restarts says some findings again. Ids of the newest findings of a session are
remembered, so that what was counted is not counted twice.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from alerts import ecs, enrich, times
from alerts.ongoing import OngoingAlert, begin, key_of
from citywall.cards import DetectorCard
from citywall.domains import NAMED, Domains, DomainSettings
from citywall.findings import Finding, event_order
from citywall.places import Locate, LocatePortal
from citywall.sessions import Session
from citywall.settings import CorrelateSettings
from citywall.state import Parts, bytes_of

_SCHEMA = 2
#: Alerts a session may have open; beyond it the tenth that was silent longest is closed.
MAX_OPEN = 20_000
#: Alerts open from which those that nothing can join any more are let go, whenever there are twice as many as
#: were left: every checkpoint holds all that are open.
FEW_OPEN = 1024
#: Finding ids a session remembers. It must exceed the findings between two checkpoints.
MAX_REMEMBERED = 1 << 17


class SessionState(msgspec.Struct):
    """What is open in one session. `remembered` is a set in the order of arrival.

    Beyond `room` open alerts those that were silent for too long are let go.
    """

    open: dict[str, OngoingAlert] = {}
    remembered: dict[str, bool] = {}
    repeated: int = 0
    closed_early: int = 0
    room: int = FEW_OPEN


class _Snapshot(msgspec.Struct):
    schema: int
    sessions: dict[str, SessionState]


class _PackedState(msgspec.Struct):
    """A SessionState whose alerts are packed already."""

    open: dict[str, msgspec.Raw]
    remembered: dict[str, bool]
    repeated: int
    closed_early: int
    room: int


class _Packed(msgspec.Struct):
    schema: int
    sessions: dict[str, _PackedState]


class Correlator:
    """Joins findings into alerts, session by session.

    `cards` gives every detector's metadata by id. `domains` names network domains. `locate` and
    `portals` are the register.
    """

    def __init__(
        self,
        settings: CorrelateSettings,
        cards: Mapping[str, DetectorCard],
        domains: Domains | None = None,
        *,
        locate: Locate | None = None,
        portals: LocatePortal | None = None,
        max_open: int = MAX_OPEN,
        max_remembered: int = MAX_REMEMBERED,
    ) -> None:
        self._settings = settings
        self._window = settings.window_s * times.SECOND
        self._cap = settings.cap_s * times.SECOND
        self._cards = cards
        self._domain_name = domains.name if domains else _unnamed
        self._locate, self._portals = locate, portals
        self._max_open = max_open
        self._max_remembered = max_remembered
        self._sessions: dict[str, SessionState] = {}
        #: Open alerts by id as the last snapshot packed them, less those that changed since: most did not.
        self._packed: dict[str, msgspec.Raw] = {}

    @property
    def open_alerts(self) -> int:
        """Alerts that findings may still join, over all sessions."""
        return sum(len(s.open) for s in self._sessions.values())

    def counts(self, session: Session) -> dict[str, int]:
        """Findings said again (`repeated`) and alerts closed for want of room (`closed_early`)."""
        state = self._sessions.get(session.id, SessionState())
        return {"repeated": state.repeated, "closed_early": state.closed_early}

    def add(self, findings: Sequence[Finding], session: Session) -> list[ecs.Document]:
        """Take findings of one session; returns the documents they changed, each once, oldest first.

        Findings are taken in order of (time, id). Raises ValueError for a finding of another session or
        lane, or of a detector without a card: both are faults of the program.
        """
        state = self._sessions.setdefault(session.id, SessionState())
        changed: dict[str, OngoingAlert] = {}
        for finding in sorted(findings, key=event_order):
            if finding.session != session.id or finding.lane != session.lane:
                raise ValueError(f"finding {finding.id} is not of session {session.id} ({session.lane})")
            if finding.detector not in self._cards:
                raise ValueError(f"no card describes the detector {finding.detector!r}")
            if self._said_before(state, finding.id):
                continue
            alert = self._alert_for(state, finding)
            alert.take(finding)
            self._packed.pop(alert.id, None)
            changed[alert.id] = alert
        return [self._document(a, session) for a in sorted(changed.values(), key=lambda a: (a.start, a.id))]

    def close_session(self, session: Session | str) -> None:
        """Forget a session: nothing more of it will come."""
        self._sessions.pop(session if isinstance(session, str) else session.id, None)

    def snapshot(self) -> Parts:
        """Everything that `restore` needs."""
        before, self._packed = self._packed, {}
        sessions = {name: self._pack(state, before) for name, state in self._sessions.items()}
        return {"correlator": msgspec.msgpack.encode(_Packed(_SCHEMA, sessions))}

    def _pack(self, state: SessionState, before: Mapping[str, msgspec.Raw]) -> _PackedState:
        packed = {}
        for key, alert in state.open.items():
            raw = before.get(alert.id)
            if raw is None:
                raw = msgspec.Raw(msgspec.msgpack.encode(alert))
            packed[key] = self._packed[alert.id] = raw
        return _PackedState(packed, state.remembered, state.repeated, state.closed_early, state.room)

    def restore(self, parts: Parts) -> None:
        """Take over what `snapshot` gave; raises ValueError where it is of another schema."""
        try:
            found = msgspec.msgpack.decode(bytes_of(parts, "correlator"), type=_Snapshot)
        except msgspec.DecodeError as e:
            raise ValueError(f"the correlator's checkpoint cannot be read: {e}") from e
        if found.schema != _SCHEMA:
            raise ValueError(f"the correlator's checkpoint has schema {found.schema}, not {_SCHEMA}")
        self._sessions, self._packed = found.sessions, {}

    def _document(self, alert: OngoingAlert, session: Session) -> ecs.Document:
        card = self._cards[alert.key[2]]
        document = ecs.document(alert, card, session, self._settings.window_s, self._domain_name)
        if self._locate is not None:
            enrich.add(document, alert, self._locate, self._domain_name, self._portals)
        return document

    def _said_before(self, state: SessionState, finding_id: str) -> bool:
        if finding_id in state.remembered:
            state.repeated += 1
            return True
        state.remembered[finding_id] = True
        if len(state.remembered) > self._max_remembered:
            del state.remembered[next(iter(state.remembered))]
        return False

    def _alert_for(self, state: SessionState, finding: Finding) -> OngoingAlert:
        key = "\x1f".join(key_of(finding))
        alert = state.open.get(key)
        # A late finding, older than the alert, still joins it: its own alert is closed.
        if (
            alert is None
            or finding.time - alert.last > self._window
            or finding.time - alert.start > self._cap
        ):
            alert = state.open[key] = begin(finding)
            if len(state.open) > min(state.room, self._max_open):
                self._make_room(state, key)
        return alert

    def _make_room(self, state: SessionState, newest: str) -> None:
        newest_time = state.open[newest].last
        for key in [k for k, a in state.open.items() if newest_time - a.last > self._window]:
            del state.open[key]
        state.room = max(FEW_OPEN, 2 * len(state.open))
        if len(state.open) <= self._max_open:
            return
        surplus = len(state.open) - self._max_open + self._max_open // 10
        silent = sorted((a.last, k) for k, a in state.open.items() if k != newest)
        for _, key in silent[:surplus]:
            del state.open[key]
            state.closed_early += 1


def _unnamed(domain: int) -> str:
    return f"domain {domain - NAMED}" if domain >= NAMED else _DOMAINS.name(domain)


_DOMAINS = Domains(DomainSettings())
