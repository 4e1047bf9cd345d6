"""Signatures over whole captures: decode, streams, application layers, rules."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

import msgspec
import numpy as np

from citywall.addresses import to_text
from citywall.applicationsettings import ApplicationSettings
from citywall.batches import PACKET, PROTOCOL_NAMES
from citywall.cards import DetectorCard
from citywall.domains import Domains
from citywall.errors import InputError
from citywall.findings import Endpoint, Evidence, Finding, derived_id, event_order
from citywall.sessions import Session
from citywall.settings import Settings
from ingest.applications.analysis import Analyser
from ingest.applications.tables import ANOMALIES, FIELDS, KINDS, PROTOCOLS, UNITS
from ingest.capture import open_capture
from ingest.decode import decode_block
from rules.cards import card, name_of, severity_of
from rules.classes import CLASSES
from rules.language.addresses import ADDRESS_VARIABLES, PORT_VARIABLES
from rules.language.parser import Parser
from rules.match.engine import Alert, Engine
from rules.match.limits import read_limits
from rules.match.scene import Names, Scene

log = logging.getLogger(__name__)

NAMES = Names(PROTOCOLS, KINDS, FIELDS, ANOMALIES, UNITS)
_BLOCK = 8 << 20
_BATCH = 4096
#: Rules that cannot be used, told one by one in the log; `citywall rules check` tells all.
_MOST_TOLD = 20
_CONFIDENCE = {"high": 0.9, "medium": 0.7, "low": 0.4}


def over_capture(
    path: Path,
    engine: Engine,
    settings: ApplicationSettings | None = None,
    tell: Callable[[Scene, list[Alert]], None] | None = None,
) -> list[Alert]:
    """Alerts of one capture; `tell` is given them with what was matched. Raises InputError.

    The packets' rows, streams and transactions of the whole capture are held meanwhile.
    """
    settings = settings or ApplicationSettings()
    if engine.units:
        settings = msgspec.structs.replace(settings, units=True)
    analyser = Analyser(settings, keep_streams=True)
    rows = []
    with open_capture(path) as capture:
        for ref in capture.blocks(_BLOCK):
            frame = ref.first_frame
            for packets in decode_block(ref, capture.buffer, _BATCH):
                analyser.add(packets, frame, capture.buffer)
                rows.append(packets)
                frame += len(packets)
        analyser.end()
        packets = np.concatenate(rows) if rows else np.zeros(0, PACKET)
        scene = Scene(packets, capture.buffer, analyser.tables(), NAMES)
        alerts = engine.match(scene)
        if tell is not None:
            tell(scene, alerts)
        return alerts


class Signatures:
    """The rules of a run, and what they find in its captures."""

    def __init__(self, settings: Settings) -> None:
        addresses = dict(ADDRESS_VARIABLES) | {"HOME_NET": f"[{','.join(settings.home)}]"}
        addresses |= settings.rules.addresses
        ports = dict(PORT_VARIABLES) | settings.rules.ports
        parser = Parser(addresses, ports, CLASSES)
        self.rules = parser.files(Path(file) for file in settings.rules.files)
        for fault in self.rules.rejected[:_MOST_TOLD]:
            log.warning(
                "%s:%d:%d: a rule is not used: %s", fault.file, fault.line, fault.column, fault.reason
            )
        if not self.rules.rules:
            told = self.rules.rejected[0].reason if self.rules.rejected else "it holds none"
            raise InputError(settings.rules.files[0], f"no rule of it can be used: {told}")
        limits = None
        if settings.rules.threshold_file:
            limits = read_limits(Path(settings.rules.threshold_file), addresses)
        self._engine = Engine(self.rules.rules, limits)
        self._settings = settings.applications
        self._domains = Domains(settings.domains)

    def cards(self) -> dict[str, DetectorCard]:
        """What the alert writer needs to know of every rule."""
        return {name_of(rule): card(rule) for rule in self.rules.rules}

    def findings(self, session: Session) -> list[Finding]:
        """What the rules find in a session over a capture file, in order; in others nothing."""
        if session.kind != "capture":
            return []
        found: list[Finding] = []
        over_capture(
            Path(session.path),
            self._engine.fresh(),
            self._settings,
            lambda scene, alerts: found.extend(
                self._finding(session, scene, a, i) for i, a in enumerate(alerts)
            ),
        )
        return sorted(found, key=event_order)

    def _finding(self, session: Session, scene: Scene, alert: Alert, number: int) -> Finding:
        rule, row = alert.rule, scene.packets[alert.row]
        domain = self._domains.of_vlan(int(row["vlan"]))
        ends = []
        for high, low, port in (scene.source, scene.target):
            told = int(port[alert.row]) if int(row["proto"]) in {6, 17, 132} else None
            ends.append(Endpoint(to_text(int(high[alert.row]), int(low[alert.row])), domain, told))
        source, target = ends
        time = int(row["time"])
        name = PROTOCOL_NAMES.get(int(row["proto"]), str(int(row["proto"])))
        return Finding(
            id=derived_id(session.id, name_of(rule), alert.frame, alert.transaction, number),
            detector=name_of(rule),
            version=rule.rev,
            kind="".join(rule.metadata.get("attack_class", [])[:1]) or rule.classtype or "signature",
            session=session.id,
            lane=session.lane,
            time=time,
            began=time,
            severity=severity_of(rule),
            confidence=_CONFIDENCE.get("".join(rule.metadata.get("confidence", [])[:1]).lower(), 0.7),
            score=1.0,
            threshold=1.0,
            entity=f"{source.address}>{target.address}",
            source=source,
            target=target,
            facts={"sid": rule.sid, "rev": rule.rev, "action": alert.action, "class": rule.classtype},
            evidence=(
                Evidence("packet", source, target, name, time, offset=int(row["offset"]), frame=alert.frame),
            ),
        )
