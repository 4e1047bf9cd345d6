"""The rules of a run in its sessions: what they find in captures and in live packets, as findings."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import msgspec
import numpy as np

from citywall.addresses import to_text
from citywall.applicationsettings import ApplicationSettings
from citywall.batches import PROTOCOL_NAMES
from citywall.cards import DetectorCard
from citywall.domains import Domains
from citywall.findings import Endpoint, Evidence, Finding, derived_id, event_order
from citywall.fragmentsettings import FragmentSettings
from citywall.sessions import Session
from citywall.settings import Settings
from citywall.watermarks import BEGINNING, END_OF_TIME
from ingest.applications.tables import KINDS
from ingest.applications.wanted import Wanted
from ingest.capture.sparse import PassingCapture
from ingest.decode.blocks import InlineBlock
from rules.cards import confidence_of, kind_of, name_of, severity_of
from rules.indicators import telling
from rules.indicators.model import MD5, SHA1, SHA256
from rules.indicators.said import Sayings, Shown
from rules.language.parser import RuleSet
from rules.match.engine import Alert, Engine
from rules.match.renewal import renewed
from rules.match.scene import Scene
from stream.armoury import Armoury
from stream.matching import PIECE, Matching, Told, for_rules, over, over_block
from stream.tagging import Tags, evidence_of


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
            for told in over(Path(session.path), at_work.matching):
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
        for told in over_block(self.matching, ref, self._passing.buffer):
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
