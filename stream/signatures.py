"""Signatures over whole captures: decode, streams, application layers, rules."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from citywall.addresses import to_text
from citywall.applicationsettings import ApplicationSettings
from citywall.batches import PACKET, PROTOCOL_NAMES, REBUILT
from citywall.cards import DetectorCard
from citywall.domains import Domains
from citywall.errors import InputError
from citywall.findings import Endpoint, Evidence, Finding, derived_id, event_order
from citywall.fragmentsettings import FragmentSettings
from citywall.sessions import Session
from citywall.settings import Settings
from ingest.anomalies.finding import anomalies, of_fragments
from ingest.anomalies.names import NAMES as DECODER_EVENTS
from ingest.applications.analysis import Analyser
from ingest.applications.tables import ANOMALIES, FIELDS, KINDS, PROTOCOLS, Tables
from ingest.capture import open_capture
from ingest.decode import decode_block
from ingest.fragments.assembler import Assembled, Assembler
from rules.cards import card, name_of, severity_of
from rules.classes import CLASSES
from rules.language.addresses import ADDRESS_VARIABLES, PORT_VARIABLES
from rules.language.parser import Parser
from rules.match.engine import Alert, Engine
from rules.match.limits import read_limits
from rules.match.scene import Names, Scene

Bytes = NDArray[np.uint8]
Numbers = NDArray[np.int64]
log = logging.getLogger(__name__)

NAMES = Names(PROTOCOLS, KINDS, FIELDS, ANOMALIES, DECODER_EVENTS)
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
    fragments: FragmentSettings | None = None,
) -> list[Alert]:
    """Alerts of one capture; `tell` is given them with what was matched. Raises InputError.

    The packets' rows, streams and transactions of the whole capture are held meanwhile; where datagrams
    came in fragments, also a copy of its bytes with the datagrams behind them.
    """
    analyser = Analyser(settings or ApplicationSettings(), keep_streams=True)
    assembler = Assembler(fragments or FragmentSettings())
    with open_capture(path) as capture:
        seen = _Seen(capture.buffer)
        asked = any(h.kind == "decode" for c in engine.rules for h in c.rule.happenings)
        for ref in capture.blocks(_BLOCK):
            frame = ref.first_frame
            for packets in decode_block(ref, capture.buffer, _BATCH):
                made = assembler.add(packets, frame, capture.buffer)
                readable, held = made.readable(capture.buffer)
                analyser.add(readable, frame, held)
                seen.add(packets, frame, made)
                if asked:
                    links = ref.section.interfaces
                    seen.odd(anomalies(readable, held, links[0].link if links else 0), frame)
                    seen.odd(of_fragments(made.events, packets, frame), frame)
                frame += len(packets)
        analyser.end()
        scene = seen.scene(analyser.tables())
        alerts = engine.match(scene)
        if tell is not None:
            tell(scene, alerts)
        return alerts


class _Seen:
    """The packets of a capture as rules see them, datagrams that were put together behind its bytes."""

    def __init__(self, buffer: Bytes) -> None:
        self._buffer = buffer
        self._size = len(buffer)
        self._rows: list[NDArray[np.void]] = []
        self._tails: list[Bytes] = []
        self._origins: dict[int, int] = {}
        self._odd: list[tuple[Numbers, Numbers]] = []

    def odd(self, found: tuple[Numbers, Numbers], frame: int) -> None:
        """Take what is odd about packets, of which the first is `frame`."""
        rows, kinds = found
        if len(rows):
            self._odd.append((rows + (frame - 1), kinds))

    def add(self, packets: NDArray[np.void], frame: int, made: Assembled) -> None:
        """Take what became of decoded packets, of which the first is `frame`."""
        self._rows.append(made.whole)
        if not len(made.tail):
            return
        rebuilt = np.flatnonzero((made.whole["marks"] & REBUILT) != 0)
        self._origins |= dict(
            zip((frame - 1 + rebuilt).tolist(), packets["offset"][rebuilt].tolist(), strict=True)
        )
        made.whole["offset"][rebuilt] += self._size
        self._tails.append(made.tail)
        self._size += len(made.tail)

    def scene(self, tables: Tables) -> Scene:
        """All of it."""
        packets = np.concatenate(self._rows) if self._rows else np.zeros(0, PACKET)
        buffer = np.concatenate([self._buffer, *self._tails]) if self._tails else self._buffer
        none = np.zeros(0, np.int64)
        rows, kinds = (np.concatenate([none, *(pair[i] for pair in self._odd)]) for i in (0, 1))
        return Scene(packets, buffer, tables, NAMES, decoded=(rows, kinds), origins=self._origins)


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
        self._settings, self._fragments = settings.applications, settings.fragments
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
            self._fragments,
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
                Evidence(
                    "packet",
                    source,
                    target,
                    name,
                    time,
                    offset=scene.origins.get(alert.row, int(row["offset"])),
                    frame=alert.frame,
                ),
            ),
        )
