"""Signatures over captures, piece by piece: decode, streams, application layers, rules."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray

from citywall.addresses import to_text
from citywall.applicationsettings import ApplicationSettings
from citywall.batches import PACKET, PROTOCOL_NAMES
from citywall.cards import DetectorCard
from citywall.domains import Domains
from citywall.errors import InputError
from citywall.findings import Endpoint, Evidence, Finding, derived_id, event_order
from citywall.fragmentsettings import FragmentSettings
from citywall.sessions import Session
from citywall.settings import Settings
from citywall.watermarks import BEGINNING, END_OF_TIME
from ingest.anomalies.finding import anomalies, of_fragments
from ingest.anomalies.names import NAMES as DECODER_EVENTS
from ingest.applications.analysis import Analyser
from ingest.applications.tables import ANOMALIES, FIELDS, KINDS, PROTOCOLS, UNITS, Tables
from ingest.applications.wanted import Wanted
from ingest.capture import open_capture
from ingest.decode import decode_block
from ingest.fragments.assembler import Assembler
from rules.cards import card, name_of, severity_of
from rules.classes import CLASSES
from rules.language.addresses import ADDRESS_VARIABLES, PORT_VARIABLES
from rules.match.engine import Alert, Engine
from rules.match.limits import read_limits
from rules.match.scene import Names, Scene
from stream import rulecache

Rows = NDArray[np.void]
Bytes = NDArray[np.uint8]
Numbers = NDArray[np.int64]
Told = tuple[Scene, list[Alert]]
log = logging.getLogger(__name__)

NAMES = Names(PROTOCOLS, KINDS, FIELDS, ANOMALIES, UNITS, DECODER_EVENTS)
_BLOCK = 8 << 20
_BATCH = 4096
#: Packets of a piece.
PIECE = 16_384
#: Rules that cannot be used, told one by one in the log; `citywall rules check` tells all.
_MOST_TOLD = 20
_CONFIDENCE = {"high": 0.9, "medium": 0.7, "low": 0.4}


class Matching:
    """Rules over packets as they come: batches in, pieces matched, each in bounded memory.

    A piece is matched once it has `piece` packets, and what is left at the end; the alerts are the same
    whatever a piece's size.
    """

    def __init__(
        self,
        engine: Engine,
        settings: ApplicationSettings | None = None,
        fragments: FragmentSettings | None = None,
        piece: int = PIECE,
        *,
        wanted: Wanted | None = None,
    ) -> None:
        settings = settings or ApplicationSettings()
        if engine.units:
            settings = msgspec.structs.replace(settings, units=True)
        self._engine = engine
        self._asked = any(h.kind == "decode" for c in engine.rules for h in c.rule.happenings)
        wanted = wanted or Wanted(*engine.interest(PROTOCOLS))
        self._analyser = Analyser(settings, growing=True, wanted=wanted)
        self._assembler = Assembler(fragments or FragmentSettings())
        self._most = piece
        self._seen = _Seen()

    def add(self, packets: Rows, frame: int, buffer: Bytes, link: int = 0) -> Iterator[Told]:
        """Take decoded packets, of which the first is `frame`; what was found in pieces that are full."""
        at = 0
        while at < len(packets):
            some = packets[at : at + self._most - self._seen.count]
            made = self._assembler.add(some, frame + at, buffer)
            rows, held = made.readable(buffer)
            self._analyser.add(rows, frame + at, held)
            if self._asked:
                self._seen.odd(anomalies(rows, held, link))
                self._seen.odd(of_fragments(made.events, some, frame + at))
            self._seen.add(rows, held, some["offset"], frame + at)
            at += len(some)
            if self._seen.count >= self._most:
                yield self._match(last=False)

    def end(self) -> Iterator[Told]:
        """There are no more packets."""
        if self._seen.count:
            yield self._match(last=False)
        self._analyser.end()
        yield self._match(last=True)

    def _match(self, *, last: bool) -> Told:
        scene = self._seen.scene(self._engine, self._analyser.tables(), last=last)
        self._seen = _Seen()
        return scene, self._engine.match(scene)


class _Seen:
    """The packets of a piece as rules see them, with a copy of their bytes."""

    def __init__(self) -> None:
        self.count = 0
        self._size = 0
        self._rows: list[Rows] = []
        self._frames: list[NDArray[np.int64]] = []
        self._places: list[NDArray[np.int64]] = []
        self._bytes: list[Bytes] = []
        self._odd: list[tuple[Numbers, Numbers]] = []

    def odd(self, found: tuple[Numbers, Numbers]) -> None:
        """Take what is odd about the packets that are added next: rows among them, and what it is."""
        rows, kinds = found
        if len(rows):
            self._odd.append((rows + self.count, kinds))

    def add(self, rows: Rows, buffer: Bytes, places: NDArray[np.int64], frame: int) -> None:
        """Take packets that are to be read, their bytes in `buffer`; in the capture they are at `places`."""
        rows = rows.copy()
        low = int(rows["offset"].min())
        high = int((rows["offset"] + rows["captured"]).max())
        rows["offset"] += self._size - low
        self._rows.append(rows)
        self._frames.append(np.arange(len(rows)) + frame)
        self._places.append(places.astype(np.int64))
        self._bytes.append(buffer[low:high])
        self._size += high - low
        self.count += len(rows)

    def scene(self, engine: Engine, tables: Tables, *, last: bool) -> Scene:
        """All of it."""
        scene = engine.carry.scene(
            np.concatenate([np.zeros(0, PACKET), *self._rows]),
            np.concatenate([np.zeros(0, np.int64), *self._frames]),
            np.concatenate([np.zeros(0, np.int64), *self._places]),
            np.concatenate([np.zeros(0, np.uint8), *self._bytes]),
            tables, NAMES, last=last,
        )  # fmt: skip
        none = np.zeros(0, np.int64)
        rows, kinds = (np.concatenate([none, *(pair[i] for pair in self._odd)]) for i in (0, 1))
        scene.decoded = rows + scene.carried, kinds
        return scene


def matched(
    path: Path,
    engine: Engine,
    settings: ApplicationSettings | None = None,
    fragments: FragmentSettings | None = None,
    piece: int = PIECE,
    *,
    wanted: Wanted | None = None,
) -> Iterator[Told]:
    """What rules find in a capture, piece by piece; `wanted`: more than they can see. Raises InputError."""
    matching = Matching(engine, settings, fragments, piece, wanted=wanted)
    with open_capture(path) as capture:
        for ref in capture.blocks(_BLOCK):
            frame, links = ref.first_frame, ref.section.interfaces
            for packets in decode_block(ref, capture.buffer, _BATCH):
                yield from matching.add(packets, frame, capture.buffer, links[0].link if links else 0)
                frame += len(packets)
    yield from matching.end()


def over_capture(
    path: Path,
    engine: Engine,
    settings: ApplicationSettings | None = None,
    fragments: FragmentSettings | None = None,
    piece: int = PIECE,
    *,
    wanted: Wanted | None = None,
) -> list[Alert]:
    """Alerts of one capture. Raises InputError."""
    found = matched(path, engine, settings, fragments, piece, wanted=wanted)
    return [alert for _, alerts in found for alert in alerts]


class Signatures:
    """The rules of a run, and what they find in its captures."""

    def __init__(self, settings: Settings) -> None:
        addresses = dict(ADDRESS_VARIABLES) | {"HOME_NET": f"[{','.join(settings.home)}]"}
        addresses |= settings.rules.addresses
        ports = dict(PORT_VARIABLES) | settings.rules.ports
        files = [Path(file) for file in settings.rules.files]
        self.rules = rulecache.read(files, addresses, ports, CLASSES)
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

    def findings(self, session: Session) -> Iterator[tuple[list[Finding], int]]:
        """What the rules find in a session over a capture file, piece by piece; in others nothing.

        With each piece comes the time before which nothing more will be found. The same session gives the
        same pieces each time.
        """
        clock, count = BEGINNING, 0
        if session.kind == "capture":
            path = Path(session.path)
            for scene, alerts in matched(path, self._engine.fresh(), self._settings, self._fragments, PIECE):
                times = np.maximum.accumulate(np.append(clock, scene.packets["time"][scene.carried :]))
                frames = scene.frames[scene.carried :]
                found = []
                for alert in alerts:
                    now = int(times[np.searchsorted(frames, alert.known, "right")])
                    found.append(self._finding(session, scene, alert, count, now))
                    count += 1
                clock = int(times[-1])
                yield sorted(found, key=event_order), clock
        yield [], END_OF_TIME

    def _finding(self, session: Session, scene: Scene, alert: Alert, number: int, now: int) -> Finding:
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
            time=now,
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
                    offset=scene.place(alert.row),
                    frame=alert.frame,
                ),
            ),
        )
