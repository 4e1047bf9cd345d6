"""Every detector there is, and a set of them at work on one stream of flows and events."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from citywall.batches import FIRST_SIGHTING, NOTICE_RAISED
from citywall.cards import DetectorCard
from citywall.domains import Domains
from citywall.findings import Finding, event_order
from citywall.rows import take
from citywall.state import Parts, bytes_of
from detectors.account import Account
from detectors.base import Context, Detector
from detectors.beacon import Beacon
from detectors.brute_force import BruteForce
from detectors.channel import Channel
from detectors.choosing import Chosen, read
from detectors.covert import Covert
from detectors.dark_link import DarkLink
from detectors.dga import Dga
from detectors.directory_copy import DirectoryCopy
from detectors.dns_tunnel import DnsTunnel
from detectors.evasion import Evasion
from detectors.exfiltration import Exfiltration
from detectors.exposure import Exposure
from detectors.features.sharing import Sharing, askers_of, clients_of, segments_of
from detectors.features.tables import CHUNK, ends_of
from detectors.flood import Flood
from detectors.ground import Ground
from detectors.identities.tables import concerned
from detectors.industrial import Industrial
from detectors.jobs import Jobs
from detectors.lateral import Lateral
from detectors.lease_pool import LeasePool
from detectors.lease_scan import LeaseScan
from detectors.limits import limits_of, reach_of
from detectors.login_failures import LoginFailures
from detectors.long_connection import LongConnection
from detectors.memory import Memory
from detectors.name_answers import NameAnswers
from detectors.name_tunnel import NameTunnel
from detectors.norms import norms_of
from detectors.pass_the_hash import PassTheHash
from detectors.personal_data import PersonalData
from detectors.places import Places
from detectors.policy import Policy
from detectors.portal import Portal
from detectors.prefixes import Prefixes
from detectors.reported import Reported
from detectors.request_flood import RequestFlood
from detectors.scan import Scan
from detectors.segment import Segment
from detectors.sightings.tables import Judge
from detectors.silence import Silence
from detectors.slow_flood import SlowFlood
from detectors.slow_scan import SlowScan
from detectors.spray import Spray
from detectors.two_homes import TwoHomes
from detectors.volume import Volume
from detectors.web_attack import WebAttack

#: One line a detector.
DETECTORS: dict[str, type[Detector]] = {
    d.id: d
    for d in (
        Scan,
        Flood,
        BruteForce,
        Spray,
        Beacon,
        Channel,
        LongConnection,
        DnsTunnel,
        Covert,
        Exfiltration,
        Lateral,
        Segment,
        Industrial,
        Policy,
        Evasion,
        Dga,
        NameTunnel,
        NameAnswers,
        WebAttack,
        LoginFailures,
        Exposure,
        PersonalData,
        Account,
        LeaseScan,
        Portal,
        DarkLink,
        SlowScan,
        RequestFlood,
        Volume,
        Jobs,
        Silence,
        SlowFlood,
        PassTheHash,
        DirectoryCopy,
        LeasePool,
        TwoHomes,
        Reported,
    )
}

_SCHEMA = 6


#: By what detectors may judge. Most judge one kind of records.
_JUDGES = (
    "judge_flows", "judge_relations", "judge_baselines", "judge_held", "judge_identities",
    "judge_events", "judge_claims", "judge_fragments", "judge_sightings", "judge_notices",
)  # fmt: skip


def _who(detectors: Sequence[Detector], judge: str) -> list[Detector]:
    """The detectors that judge such records."""
    return [d for d in detectors if getattr(type(d), judge) is not getattr(Detector, judge)]


def cards() -> dict[str, DetectorCard]:
    """The card of every detector, by id."""
    return {name: detector.card() for name, detector in DETECTORS.items()}


def build(
    settings: Mapping[str, Mapping[str, Any]],
    home: Sequence[str],
    domains: Domains | None = None,
    share: tuple[int, int] = (0, 1),
    *,
    judge: Judge | None = None,
    ground: Ground | None = None,
) -> DetectorSet:
    """Check `settings` (the `[detectors.<id>]` tables) and make the detectors.

    Every table of a detector may hold `enabled = false`, and `exempt`, networks that it does not speak of
    (declared scanners, pools of NAT). `share` is the partition whose hosts they judge, and of how many; they
    must be given the rows that `sharing` names. `judge` says which names look made; without it failing
    names are only counted. `ground` is what a register says of zones, units and systems. Raises
    SettingsError naming the key.
    """
    chosen = read(settings, DETECTORS)
    places = Places(home, domains, ground)
    made = [DETECTORS[n](chosen.parameters[n], places, chosen.exempt[n]) for n in chosen.enabled]
    return DetectorSet(made, chosen, share, places, judge)


def sharing(settings: Mapping[str, Mapping[str, Any]], partitions: int) -> Sharing:
    """Which rows go to which of `partitions` sets of detectors with these settings; as for `build`."""
    parameters = read(settings, DETECTORS).parameters
    share = (0, partitions)
    norms = norms_of(parameters, Prefixes(()).words, share)
    return Sharing(limits_of(parameters, share), reach_of(parameters, share), norms)


class DetectorSet(Memory):
    """Detectors over the features of one session at a time.

    Rows are taken in the order given; which calls they came in changes nothing, and neither does the order
    of flows against events.
    """

    def __init__(
        self,
        detectors: Sequence[Detector],
        chosen: Chosen,
        share: tuple[int, int] = (0, 1),
        places: Places | None = None,
        judge: Judge | None = None,
    ) -> None:
        super().__init__(chosen, share, places or Places(()), judge)
        self.detectors = list(detectors)
        self._judging = {name: _who(self.detectors, name) for name in _JUDGES}
        self._session = ""

    def process(
        self, reports: NDArray[np.void], events: NDArray[np.void], session: str, lane: str
    ) -> list[Finding]:
        """Findings of FLOW `reports` and EVENT `events`, in `event_order`."""
        if session != self._session:
            if self._session:
                self._reset()
            self._session = session
        context = Context(session, lane)
        found: list[Finding] = []
        for at in range(0, len(reports), CHUNK):
            rows = reports[at : at + CHUNK]
            ends = ends_of(rows)
            seen = self.flows.observe_flows(rows, ends)
            related = self.relations.observe_flows(rows, ends)
            noted = self.baselines.observe_flows(rows, ends)
            held = self.holding.observe_flows(rows, ends)
            found += self._ask("judge_flows", seen, rows, context)
            found += self._ask("judge_relations", related, rows, context)
            found += self._ask("judge_baselines", noted, rows, context)
            found += self._ask("judge_held", held, rows, context) if len(held.rows) else []
        found += self._identities(concerned(events), context) if len(events) else []
        sighted = events["kind"] >= FIRST_SIGHTING
        found += self._sightings(take(events, sighted), context) if sighted.any() else []
        events = take(events, ~sighted) if sighted.any() else events
        for at in range(0, len(events), CHUNK):
            rows = events[at : at + CHUNK]
            own = askers_of(rows, self._limits)
            seen = self.events.observe_events(own)
            claims = self.claims.observe_events(rows)
            in_pieces = segments_of(rows, self._reach)
            fragmented = self.fragments.observe_events(in_pieces)
            found += self._ask("judge_events", seen, own, context)
            found += self._ask("judge_claims", claims, rows, context)
            found += self._ask("judge_fragments", fragmented, in_pieces, context)
        return sorted(found, key=event_order)

    def _sightings(self, events: NDArray[np.void], context: Context) -> list[Finding]:
        """Findings of what applications say, and of what other sensors report."""
        found: list[Finding] = []
        raised = events["kind"] == NOTICE_RAISED
        if raised.any():
            notices = clients_of(take(events, raised), self._limits)
            for detector in self._judging["judge_notices"]:
                found += detector.findings(detector.judge_notices(notices), context)
        for at in range(0, len(events), CHUNK):
            rows = events[at : at + CHUNK]
            told = self.sightings.observe(rows)
            found += self._ask("judge_sightings", told, rows, context) if len(told.rows) else []
        return found

    def _identities(self, events: NDArray[np.void], context: Context) -> list[Finding]:
        """Findings of log-ins, tickets, calls and addresses."""
        found: list[Finding] = []
        for at in range(0, len(events), CHUNK):
            rows = events[at : at + CHUNK]
            told = self.identities.observe(rows)
            found += self._ask("judge_identities", told, rows, context) if len(told.rows) else []
        return found

    def _ask(self, judge: str, seen: Any, rows: NDArray[np.void], context: Context) -> list[Finding]:
        """What those who judge such records say of them."""
        found: list[Finding] = []
        for detector in self._judging[judge]:
            if drafts := getattr(detector, judge)(seen, rows):
                found += detector.findings(drafts, context)
        return found

    def close(self, session: str, lane: str) -> list[Finding]:  # noqa: ARG002  (nothing waits for the end)
        """End a session: what is left to say (nothing), and everything forgotten."""
        self._reset()
        return []

    def snapshot(self) -> Parts:
        """Everything `restore` needs; views of live state."""
        parts: Parts = {"session": msgspec.msgpack.encode((_SCHEMA, self._session))}
        for name, part in self.states().items():
            parts |= {f"{name}/{key}": value for key, value in part.snapshot().items()}
        for detector in self.detectors:
            parts |= {f"detector/{detector.id}/{k}": v for k, v in detector.snapshot().items()}
        return parts

    def restore(self, parts: Parts) -> None:
        """Take over a snapshot of the same schema and settings; raises ValueError where it does not fit."""
        try:
            schema, session = msgspec.msgpack.decode(bytes_of(parts, "session"), type=tuple[int, str])
        except msgspec.DecodeError as e:
            raise ValueError(f"the detectors' checkpoint cannot be read: {e}") from e
        if schema != _SCHEMA:
            raise ValueError(f"the detectors' checkpoint has schema {schema}, not {_SCHEMA}")
        self._reset()
        self._session = session
        for name, part in self.states().items():
            part.restore(_under(parts, f"{name}/"))
        for detector in self.detectors:
            detector.restore(_under(parts, f"detector/{detector.id}/"))

    def _reset(self) -> None:
        self._session = ""
        self.forget()
        for detector in self.detectors:
            detector.reset()


def _under(parts: Parts, prefix: str) -> Parts:
    return {name.removeprefix(prefix): part for name, part in parts.items() if name.startswith(prefix)}
