"""Signatures over captures, piece by piece: decode, streams, application layers, rules."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray

from citywall.addresses import to_text
from citywall.applicationsettings import ApplicationSettings
from citywall.batches import PACKET, PROTOCOL_NAMES
from citywall.cards import DetectorCard
from citywall.domains import Domains
from citywall.findings import Endpoint, Evidence, Finding, derived_id, event_order
from citywall.fragmentsettings import FragmentSettings
from citywall.scratch import Scratch
from citywall.sessions import Session
from citywall.settings import Settings
from citywall.watermarks import BEGINNING, END_OF_TIME
from ingest.anomalies.finding import anomalies, of_fragments
from ingest.anomalies.names import NAMES as DECODER_EVENTS
from ingest.applications.analysis import Analyser
from ingest.applications.tables import ANOMALIES, FIELDS, KINDS, PROTOCOLS, UNITS, Tables
from ingest.applications.wanted import ALL, Wanted
from ingest.capture import open_capture
from ingest.capture.sparse import PassingCapture
from ingest.decode import decode_block
from ingest.decode.blocks import BlockRef, InlineBlock
from ingest.decode.layers import chosen, of_rebuilt, with_layers
from ingest.fragments.assembler import Assembler
from rules.cards import confidence_of, kind_of, name_of, severity_of
from rules.indicators import telling
from rules.indicators.model import MD5, SHA1, SHA256
from rules.indicators.said import Sayings, Shown
from rules.language.parser import RuleSet
from rules.match.engine import Alert, Engine
from rules.match.renewal import renewed
from rules.match.scene import Names, Scene
from stream.armoury import Armoury
from stream.tagging import Tags, evidence_of

Rows = NDArray[np.void]
Bytes = NDArray[np.uint8]
Numbers = NDArray[np.int64]
Told = tuple[Scene, list[Alert]]

NAMES = Names(PROTOCOLS, KINDS, FIELDS, ANOMALIES, UNITS, DECODER_EVENTS)
_ETHERNET = np.ones(1, np.int64)
_BLOCK = 8 << 20
_BATCH = 4096
#: Packets of a piece.
PIECE = 16_384


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
        renew: Callable[[Engine], Engine] | None = None,
        wanted: Callable[[Engine], Wanted] | None = None,
    ) -> None:
        """`renew` is given the engine before each piece, and gives the one that goes on.

        `wanted` says what is to be read of application layers for an engine; else what its rules can see.
        Connections whose protocol nobody asked for when they began stay unread.
        """
        settings = settings or ApplicationSettings()
        if engine.units:
            settings = msgspec.structs.replace(settings, units=True)
        self._engine, self._renew = engine, renew
        self._asked = engine.decoders
        self._wanted = wanted or for_rules
        self._analyser = Analyser(settings, growing=True, wanted=self._wanted(engine))
        self._assembler = Assembler(fragments or FragmentSettings())
        self._most = piece
        self._layers = 1  # the number of the next packet, those around others counted too
        self._seen = _Seen()

    def add(self, packets: Rows, frame: int, buffer: Bytes, links: Numbers = _ETHERNET) -> Iterator[Told]:
        """Take decoded packets, of which the first is `frame`; what was found in pieces that are full.

        What is in a tunnel is looked at, and then what is around it, each as a packet of that frame; `links`
        are the link types that packets may have.
        """
        at = 0
        while at < len(packets):
            some = packets[at : at + self._most - self._seen.count]
            layers, of = with_layers(some, buffer, links)
            made = self._assembler.add(layers, self._layers, buffer)
            rows, held = made.readable(buffer)
            rows, within = of_rebuilt(rows, held, layers["vlan"]) if len(made.tail) else (rows, None)
            frames = chosen(chosen(np.arange(frame + at, frame + at + len(some)), of), within)
            self._analyser.add(rows, frames, held)
            if self._asked:
                self._seen.odd(anomalies(rows, held, int(links[0])))
                odd, kinds = of_fragments(made.events, layers, self._layers)
                self._seen.odd((odd if within is None else np.searchsorted(within, odd), kinds))
            self._seen.add(rows, held, chosen(layers["offset"], within), frames)
            self._layers += len(layers)
            at += len(some)
            if self._seen.count >= self._most:
                yield self._match(last=False)

    def flush(self) -> Iterator[Told]:
        """Nothing waits for a piece to be full: what was found in what there is."""
        if self._seen.count:
            yield self._match(last=False)

    def end(self) -> Iterator[Told]:
        """There are no more packets."""
        yield from self.flush()
        self._analyser.end()
        yield self._match(last=True)

    def renew(self) -> None:
        """Let other rules count from here on, where there are some."""
        if self._renew is not None:
            before, self._engine = self._engine, self._renew(self._engine)
            if self._engine is not before:
                self._analyser.want(self._wanted(self._engine))

    def _match(self, *, last: bool) -> Told:
        self.renew()
        scene = self._seen.scene(self._engine, self._analyser.tables(), last=last)
        scene.checksums, scene.countries = self._engine.checksums, self._engine.countries
        return scene, self._engine.match(scene)


def for_rules(engine: Engine) -> Wanted:
    """What the rules of an engine can see."""
    return Wanted(*engine.interest(PROTOCOLS))


def everything(_engine: Engine) -> Wanted:
    """All that application layers say."""
    return ALL


class _Seen:
    """The packets of a piece as rules see them, with a copy of their bytes, in memory that pieces share."""

    def __init__(self) -> None:
        self.count = 0
        self._size = 0
        self._rows, self._arena = Scratch(PACKET), Scratch(np.uint8)
        self._frames, self._places = Scratch(np.int64), Scratch(np.int64)
        self._odd: list[tuple[Numbers, Numbers]] = []

    def odd(self, found: tuple[Numbers, Numbers]) -> None:
        """Take what is odd about the packets that are added next: rows among them, and what it is."""
        rows, kinds = found
        if len(rows):
            self._odd.append((rows + self.count, kinds))

    def add(self, rows: Rows, buffer: Bytes, places: Numbers, frames: Numbers) -> None:
        """Take packets that are to be read, their bytes in `buffer`; in the capture they are at `places`."""
        begin, end = self.count, self.count + len(rows)
        low = int(rows["offset"].min())
        high = int((rows["offset"] + rows["captured"]).max())
        size = self._size + high - low
        mine = self._rows.take(end, begin)[begin:]
        mine[:] = rows
        mine["offset"] += self._size - low
        self._frames.take(end, begin)[begin:] = frames
        self._places.take(end, begin)[begin:] = places
        self._arena.take(size, self._size)[self._size :] = buffer[low:high]
        self.count, self._size = end, size

    def scene(self, engine: Engine, tables: Tables, *, last: bool) -> Scene:
        """All of it; what is added next is another piece's."""
        n = self.count
        scene = engine.carry.scene(
            self._rows.take(n, n), self._frames.take(n, n), self._places.take(n, n), self._arena, self._size,
            tables, NAMES, last=last,
        )  # fmt: skip
        none = np.zeros(0, np.int64)
        rows, kinds = (np.concatenate([none, *(pair[i] for pair in self._odd)]) for i in (0, 1))
        scene.decoded = rows + scene.carried, kinds
        self.count = self._size = 0
        self._odd.clear()
        return scene


def matched(
    path: Path,
    engine: Engine,
    settings: ApplicationSettings | None = None,
    fragments: FragmentSettings | None = None,
    piece: int = PIECE,
    *,
    renew: Callable[[Engine], Engine] | None = None,
    wanted: Callable[[Engine], Wanted] | None = None,
) -> Iterator[Told]:
    """What rules find in a capture, piece by piece. Raises InputError."""
    yield from _over(path, Matching(engine, settings, fragments, piece, renew=renew, wanted=wanted))


def _over(path: Path, matching: Matching) -> Iterator[Told]:
    with open_capture(path) as capture:
        for ref in capture.blocks(_BLOCK):
            yield from _block(matching, ref, capture.buffer)
    yield from matching.end()


def _block(matching: Matching, ref: BlockRef, buffer: Bytes) -> Iterator[Told]:
    frame = ref.first_frame
    links = np.array(list(dict.fromkeys(each.link for each in ref.section.interfaces)) or [0], np.int64)
    for packets in decode_block(ref, buffer, _BATCH):
        yield from matching.add(packets, frame, buffer, links)
        frame += len(packets)


def over_capture(
    path: Path,
    engine: Engine,
    settings: ApplicationSettings | None = None,
    fragments: FragmentSettings | None = None,
    piece: int = PIECE,
    *,
    wanted: Callable[[Engine], Wanted] | None = None,
) -> list[Alert]:
    """Alerts of one capture. Raises InputError."""
    found = matched(path, engine, settings, fragments, piece, wanted=wanted)
    return [alert for _, alerts in found for alert in alerts]


class Signatures:
    """The rules of a run, and what they find in its captures."""

    def __init__(self, settings: Settings, armoury: Armoury | None = None) -> None:
        """Raises InputError for a file of rules that cannot be read, or of which no rule can be used."""
        self.armoury = armoury or Armoury(settings)
        self._settings, self._fragments = settings.applications, settings.fragments
        self._domains = Domains(settings.domains)

    @property
    def rules(self) -> RuleSet:
        """The rules that are in use."""
        return self.armoury.now().rules

    def cards(self) -> Mapping[str, DetectorCard]:
        """What the alert writer needs to know of every rule."""
        return self.armoury.cards

    def findings(self, session: Session) -> Iterator[tuple[list[Finding], int]]:
        """What the rules find in a session over a capture file, piece by piece; in others nothing.

        With each piece comes the time before which nothing more will be found. The same session gives the
        same pieces each time.
        """
        if session.kind == "capture" and self.armoury.renew().beyond:
            at_work = self.live(session)
            for told in _over(Path(session.path), at_work.matching):
                yield at_work.told(told), at_work.clock
            yield at_work.last(), END_OF_TIME
            return
        yield [], END_OF_TIME

    def live(self, session: Session) -> InSession:
        """The rules at work in one session."""
        return InSession(self.armoury, self._settings, self._fragments, session, self._domains)


class InSession:
    """Rules at work in one session: those that are in use when each piece is complete.

    `clock`: nothing more is found before it; `count`: alerts so far, by which they are named.
    """

    def __init__(
        self, armoury: Armoury, settings: ApplicationSettings, fragments: FragmentSettings, session: Session,
        domains: Domains,
    ) -> None:  # fmt: skip
        self.clock, self.count = BEGINNING, 0
        self._armoury, self._session, self._domains = armoury, session, domains
        self._using = armoury.renew()
        self._sayings = Sayings(self._using.table, KINDS)
        self._passing = PassingCapture(session.path)
        self._waited = False  # packets passed before there were rules
        self._tags = Tags()
        self.matching = Matching(
            self._using.engine.fresh(), settings, fragments, PIECE, renew=self._renewed, wanted=self._wanted
        )

    def _renewed(self, engine: Engine) -> Engine:
        if (now := self._armoury.now()) is self._using:
            return engine
        self._sayings = self._sayings.renewed(now.table)
        engine, self._using = renewed(engine, now.engine), now
        return engine

    def _wanted(self, engine: Engine) -> Wanted:
        listed = self._sayings.buffers
        return for_rules(engine).with_kinds(listed) if listed else for_rules(engine)

    def take(self, block: InlineBlock) -> list[Finding]:
        """What the rules find in a block that comes with its bytes: it is a piece, or several.

        One that comes without them, since there were no rules, tells the time. Those that have come by then
        count for the whole of the next.
        """
        ref, found = block.block, list[Finding]()
        if ref.packets and not len(block.data):
            self.clock, self._waited = max(self.clock, ref.newest), True
            return found
        if self._waited:
            self._waited = False
            self._armoury.renew()
            self.matching.renew()
        self._passing.put(ref, block.data)
        for told in _block(self.matching, ref, self._passing.buffer):
            found += self.told(told)
        for told in self.matching.flush():
            found += self.told(told)
        self._passing.release(ref)
        self.clock = max(self.clock, ref.newest)  # what a quiet link says of the time
        return found

    def end(self) -> list[Finding]:
        """What they find when there are no more packets."""
        found = [finding for told in self.matching.end() for finding in self.told(told)]
        self._passing.close()
        return found + self.last()

    def last(self) -> list[Finding]:
        """What is told of tags when there are no more packets."""
        return self._tags.end(self.clock)

    def told(self, told: Told) -> list[Finding]:
        """What was found in a piece, in order; moves the clock."""
        scene, alerts = told
        times = np.maximum.accumulate(np.append(self.clock, scene.packets["time"][scene.carried :]))
        frames = scene.frames[scene.carried :]
        found = []
        for alert in alerts:
            now = int(times[np.searchsorted(frames, alert.known, "right")])
            made = self._finding(scene, alert, self.count, now)
            found.append(made)
            if alert.rule.tag is not None:
                found += self._tags.follow(scene, times, alert.known)
                found += self._tags.begin(alert.rule.tag, made, scene, alert.row)
            self.count += 1
        found += self._tags.follow(scene, times, int(frames[-1]) if len(frames) else 0)
        for shown in self._sayings.look(scene.tables):
            now = int(times[np.searchsorted(frames, shown.frame, "right")])
            found += self._listed(scene, shown, now)
        self.clock = int(times[-1])
        return sorted(found, key=event_order)

    def _listed(self, scene: Scene, shown: Shown, now: int) -> list[Finding]:
        """The finding of a value that is on a list, if the list counts at that time."""
        held = self._armoury.now().table.of_value(shown.kind, shown.value, now)
        if not held:
            return []
        flow = scene.tables.flows[shown.flow]
        sides = [
            (to_text(int(flow[f"{s}_hi"]), int(flow[f"{s}_lo"])), port)
            for s, port in (("a", int(flow["ports"]) >> 16), ("b", int(flow["ports"]) & 0xFFFF))
        ]
        domain = self._domains.of_vlan(int(flow["vlan"]))
        client, server = (
            Endpoint(host, domain, port) for host, port in sides[:: -1 if flow["client"] else 1]
        )
        row = scene.row_at(shown.frame)
        proto = PROTOCOL_NAMES.get(int(flow["proto"]), str(int(flow["proto"])))
        evidence = Evidence(
            "packet", client, server, proto, int(scene.packets["time"][row]) if row >= 0 else now,
            offset=scene.place(row) if row >= 0 else int(flow["offset"]),
            frame=shown.frame if row >= 0 else int(flow["frame"]),
        )  # fmt: skip
        where = "file" if shown.kind in {MD5, SHA1, SHA256} else "fingerprint"
        run = telling.Run(self._session.id, self._session.lane, self._domains)
        key = (shown.frame, int(flow["frame"]), shown.direction)
        return [telling.finding(held, where, evidence, run, (now, key))]

    def _finding(self, scene: Scene, alert: Alert, number: int, now: int) -> Finding:
        session = self._session
        rule, domain = alert.rule, self._domains.of_vlan(int(scene.packets["vlan"][alert.row]))
        evidence = msgspec.structs.replace(evidence_of(scene, alert.row, domain), frame=alert.frame)
        source, target = evidence.source, evidence.target
        return Finding(
            id=derived_id(session.id, name_of(rule), alert.frame, alert.transaction, number),
            detector=name_of(rule),
            version=rule.rev,
            kind=kind_of(rule),
            session=session.id,
            lane=session.lane,
            time=now,
            began=evidence.time,
            severity=severity_of(rule),
            confidence=confidence_of(rule),
            score=1.0,
            threshold=1.0,
            entity=f"{source.address}>{target.address}",
            source=source,
            target=target,
            facts={"sid": rule.sid, "rev": rule.rev, "action": alert.action, "class": rule.classtype},
            evidence=(evidence,),
        )
