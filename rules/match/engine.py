"""The engine: scenes in, alerts out.

Everything that is cheap is done for many at a time: literals by the prefilter, headers and header fields by
column. What is left, few candidates, is decided one by one in the order of time: packet by packet, on each
packet by the order of rules, so that bits, counts and passes stand as the traffic made them.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from citywall.batches import IP
from rules.countries import Countries
from rules.language.model import Rule
from rules.match import candidates, datasets, filling, sought, transactions
from rules.match.alone import Alone
from rules.match.carry import Carry
from rules.match.columns import kernels
from rules.match.compiled import ONCE, PACKET, STREAM, TRANSACTION, UNIT, Compiled, compile_rules, is_head
from rules.match.found import IN_STREAM, ITEM, KNOWN, ORDER, PHASE, ROW, Candidate, Places, by_rule
from rules.match.gates.tables import Ends, Gates
from rules.match.hits import Parts, speaks
from rules.match.interest import Interest, interest
from rules.match.limits import Limits
from rules.match.scene import Scene
from rules.match.state import ASKS, OF_FLOWS, Memory, Where
from rules.match.verify.programs import Programs

_Agreed = tuple[Candidate, Compiled, Where]


class Alert(NamedTuple):
    """A rule told: at which frame, on which packet row, of which flow (-1: none), in which direction.

    `known` is the frame at which that was known, its own or a later one.
    """

    frame: int
    row: int
    flow: int
    direction: int
    transaction: int
    rule: Rule
    action: str
    known: int


class Engine:
    """Rules, ready to be matched over the scenes of one source of traffic."""

    def __init__(
        self,
        rules: Iterable[Rule],
        limits: Limits | None = None,
        *,
        inline: bool = False,
        before: Engine | None = None,
        countries: Countries | None = None,
    ) -> None:
        """`before`: an engine of rules many of which are the same; what it made of them is taken over."""
        known = {id(c.rule): c for c in before.rules} if before is not None else None
        every = list(rules)
        datasets.enliven(every)
        self.rules: list[Compiled] = compile_rules(every, known)
        self._filling = {c.order: live for c in self.rules if (live := filling.live(c))}
        self.limits = limits or Limits()
        self.inline = inline
        self.countries = countries
        self.checksums = True  # whether rules that ask for checksums have them reckoned
        self.memory = Memory()
        self._spoken: dict[tuple[str, ...], NDArray[np.bool_]] = {}
        self._interest: dict[tuple[str, ...], Interest] = {}
        self.carry = Carry()
        self._lists: dict[str, list[Compiled]] = {
            kind: [] for kind in (PACKET, STREAM, TRANSACTION, ONCE, UNIT)
        }
        for compiled in self.rules:
            self._lists[compiled.kind].append(compiled)
        self._split = {
            (kind, literal): [c for c in some if bool(c.literal) is literal]
            for kind, some in self._lists.items()
            for literal in (False, True)
        }
        #: By rule the names of bits: of each demand that some be set, and whether they are of the flow alone;
        #: and of those that it sets.
        self._asking = {
            c.order: asked
            for c in self.rules
            if (asked := [(b.names, b.scope in OF_FLOWS) for b in c.rule.bits if b.op == "isset"])
        }
        self._setting = {
            c.order: names
            for c in self.rules
            if (names := [bits.names[0] for bits in c.rule.bits if bits.op in {"set", "toggle"}])
        }
        #: Rules that ask what is kept in mind, and rules that change it.
        self._bound = {c.order for c in self.rules if _asks(c.rule)}
        #: What of the former is bits of flows alone.
        self._of_flows = {
            c.order: tuple((bits.op == "isset", bits.names) for bits in c.rule.bits if bits.op in ASKS)
            for c in self.rules
            if c.order in self._bound and not c.rule.integers and _asks_flows(c.rule)
        }
        self._changing = {c.order for c in self.rules if _changes(c.rule)}
        self._deciding = any(compiled.decided for compiled in self.rules)
        #: Whether any rule asks for what decoders say.
        self.decoders = any(h.kind == "decode" for c in self.rules for h in c.rule.happenings)
        self.gates = Gates(self.rules)
        self.both = np.array([compiled.both for compiled in self.rules], np.bool_)
        programs = Programs()
        self.payload_programs = np.array(
            [programs.add(c.payload.ops) if c.payload is not None else -1 for c in self.rules], np.int64
        )
        self.literal_programs = np.array([_literal_program(programs, c) for c in self.rules], np.int64)
        self._check_programs = {
            c.order: tuple(
                -1 if check.absent or check.demand.transforms or is_head(check) else programs.add(check.ops)
                for check in c.checks
            )
            for c in self._lists[TRANSACTION]
        }
        self.parts = Parts.of(self.rules, self._check_programs)
        self.programs = programs.ready()
        #: Literals of payloads, for packets alone; for those whose bytes went into a stream; and for streams,
        #: by direction.
        self.payload = sought.index([(c.payload_literal, c.order) for c in self.rules if c.payload_literal])
        self.beside_streams = [
            a for way in (0, 1) for a in sought.beside_streams(self.rules, self.gates, way)
        ]
        self.in_streams = [
            sought.in_streams(self.rules, self.gates, way, sought.of_all(self.beside_streams, way))
            for way in (0, 1)
        ]
        #: Rules on transactions with a part about the payload that no literal says where to look for.
        self.unaimed = [
            c for c in self._lists[TRANSACTION] if c.payload is not None and not c.payload_literal
        ]
        self.alone = Alone(
            [
                *self.of(PACKET, literal=False),
                *self.gates.broad,
                *(c for c in (*self.of(STREAM, literal=False), *self.unaimed) if not c.rule.flow.only_stream),
            ],
            self.gates,
        )
        #: By rule on transactions in which directions it is looked at: 1 to the server, 2 to the client.
        self.ways = np.zeros(len(self.rules), np.int64)
        for c in self._lists[TRANSACTION]:
            self.ways[c.order] = sum(1 << direction for direction in transactions.directions_of(c))
        #: Rules on transactions that no literal of a buffer says where to look for.
        self.loose = [c for c in self._lists[TRANSACTION] if not c.literal or c.literal_kind == "payload"]
        kinds = {c.literal_kind for c in self._lists[TRANSACTION] if c.literal} - {"payload"}
        by_kind = {
            kind: sought.index(
                [
                    (literal, c.order)
                    for c in self._lists[TRANSACTION]
                    if c.literal_kind == kind
                    for literal in c.alternatives
                ]
            )
            for kind in sorted(kinds)
        }
        #: Literals by the kind of buffer that they are looked for in; and all their rules.
        self.buffers = {kind: index.literals for kind, index in by_kind.items()}
        self.every_buffer = sought.joined(by_kind)

    def fresh(self) -> Engine:
        """The same rules for another source of traffic, with nothing kept in mind."""
        other = copy.copy(self)
        other.memory, other.carry = Memory(), Carry()
        other.limits = self.limits.fresh()
        return other

    def check_programs(self, compiled: Compiled) -> tuple[int, ...]:
        """The programs of a rule on transactions, by check; -1 for none."""
        return self._check_programs[compiled.order]

    def programs_of(self, compiled: Compiled) -> list[int]:
        """The programs of a rule that are in no array."""
        return list(self._check_programs.get(compiled.order, ()))

    def spoken(self, protocols: tuple[str, ...]) -> NDArray[np.bool_]:
        """By rule and protocol whether the rule is about transactions of it."""
        if protocols not in self._spoken:
            self._spoken[protocols] = speaks(self.rules, protocols)
        return self._spoken[protocols]

    def interest(self, protocols: Iterable[str]) -> Interest:
        """What of the application layers must be read for these rules."""
        every = tuple(protocols)
        if every not in self._interest:
            self._interest[every] = interest(self.rules, every)
        return self._interest[every]

    @property
    def units(self) -> bool:
        """Whether any rule looks into protocol units."""
        return bool(self._lists[UNIT])

    def of(self, kind: str, *, literal: bool) -> list[Compiled]:
        """Rules of a kind, with or without a literal for the prefilter."""
        return self._split[kind, literal]

    @property
    def deciding(self) -> bool:
        """Whether any rule is looked at where it becomes known what a flow speaks."""
        return self._deciding

    def match(self, scene: Scene) -> list[Alert]:
        """Alerts of a scene made by `Carry.scene`, by when they were known, layer and order of rules."""
        marks = self.carry.marks(scene)
        alerts = self._judge(scene, marks)
        self.carry.keep(scene, marks)
        over = scene.numbers[scene.tables.flows["ended"] != 0].tolist()
        self.memory.over(over)
        return alerts

    def _judge(self, scene: Scene, marks: NDArray[np.uint8]) -> list[Alert]:
        found = self._possible(candidates.gather(self, scene, marks), scene)
        layers = scene.layers[found[:, ROW]]
        order = np.lexsort([*(found[:, i] for i in (ITEM, ORDER, PHASE)), layers, found[:, KNOWN]])
        found, layers = found[order], layers[order].tolist()
        alerts: list[Alert] = []
        memory, at, within = self.memory, -1, 0
        passed: set[int] = set()  # packets that a rule let go
        pending: list[_Agreed] = []
        places = Places(scene, found[:, ROW])
        every = zip(found.tolist(), layers, places.flows, strict=True)
        for i, (each, layer, flow) in enumerate(every):
            known, _, order, _, row = each
            if known != at or layer != within:
                if pending:
                    alerts += self._tell(pending, scene)
                    pending = []
                passed.clear()
                at, within = known, layer
            if row in passed or flow in memory.passed or flow in memory.dropped:
                continue
            if order in self._bound and not self._stand(order, places, i):
                continue
            compiled, where = self.rules[order], places[i]
            rule = compiled.rule
            candidate = Candidate(*each)
            asked = self._filling.get(order)
            if asked and not filling.agrees(asked, compiled, candidate, scene, memory.sets):
                continue
            if rule.filter is not None and not memory.tells(rule.sid, rule.filter, where):
                continue
            if order in self._changing:
                memory.change(rule, where)
            if rule.action == "pass":
                passed.add(row)
                pending = [agreed for agreed in pending if agreed[0].row != row or agreed[0].order < order]
                if _takes_flow(candidate, compiled) and flow >= 0:
                    memory.passed.add(flow)
                if rule.alerting:
                    pending.append((candidate, compiled, where))
                continue
            pending.append((candidate, compiled, where))
        return alerts + self._tell(pending, scene)

    def _stand(self, order: int, places: Places, i: int) -> bool:
        """Whether bits and numbers stand as a rule asks."""
        bits = self._of_flows.get(order)
        if bits is not None:  # as of most: it need not be known where the packet is
            return self.memory.stand(bits, places.flows[i], places.times[i])
        return self.memory.agrees(self.rules[order].rule, places[i])

    def _possible(self, found: NDArray[np.int64], scene: Scene) -> NDArray[np.int64]:
        """The candidates less those that ask for bits which nobody has set, nor can set in this scene."""
        places_of = dict(by_rule(found[:, ORDER]))
        if not (asking := [order for order in places_of if order in self._asking]):
            return found
        flows = np.append(scene.numbers, -1)[scene.flow[found[:, ROW]]]
        known = {name: [np.array(list(some), np.int64)] for name, some in self.memory.named.items()}
        for order, mine in places_of.items():
            for name in self._setting.get(order, ()):
                known.setdefault(name, []).append(flows[mine])
        there = np.ones(len(found), np.bool_)
        for order in asking:
            mine = places_of[order]
            for names, alone in self._asking[order]:
                some = [flows_of for name in names for flows_of in known.get(name, ())]
                there[mine] &= (np.isin(flows[mine], np.concatenate(some)) | (not alone)) if some else False
        return found[there]

    def _tell(self, pending: Sequence[_Agreed], scene: Scene) -> list[Alert]:
        """What of one packet's matches is told, by order of rules; drops take their flow along."""
        told: list[Alert] = []
        done: set[tuple[int, int, int]] = set()
        let_go: set[int] = set()
        several = len(pending) > 1
        in_order = sorted(pending, key=_in_order) if several else pending
        for candidate, compiled, where in in_order:
            rule = compiled.rule
            if several and candidate.phase == 0:
                if (candidate.row, rule.sid, rule.gid) in done:
                    continue
                done.add((candidate.row, rule.sid, rule.gid))
            if candidate.row in let_go:
                continue
            silent, action = self.limits.judge(rule, where, self.memory)
            if action == "pass" and not rule.alerting:
                let_go.add(candidate.row)
                continue
            if action in {"drop", "reject"} and _takes_flow(candidate, compiled) and where.flow >= 0:
                self.memory.dropped.add(where.flow)
            if silent or rule.silent:
                continue
            own = rule.limit if not self.limits.overrides(rule) else None
            if own is not None and not self.memory.tells(rule.sid, own, where):
                continue
            told.append(
                Alert(
                    int(scene.frames[candidate.row]), candidate.row, where.flow,
                    int(scene.side[candidate.row]), candidate.item if compiled.kind == TRANSACTION else -1,
                    rule, action, candidate.known,
                )
            )  # fmt: skip
        return told

    def ends(self, scene: Scene) -> Ends:
        """Distinct endpoints of the packets."""
        rows, of_row = np.empty(len(scene.flow), np.int64), np.empty(len(scene.flow), np.int64)
        known = np.full(2 * len(scene.tables.flows), -1, np.int64)
        rows = rows[: kernels.endpoints(scene.flow, scene.side, known, rows, of_row)]
        source, target, packets = scene.source, scene.target, scene.packets
        addresses = np.stack([source[0][rows], source[1][rows], target[0][rows], target[1][rows]])
        numbers = np.stack(
            [
                source[2][rows], target[2][rows], packets["proto"][rows].astype(np.int64),
                packets["version"][rows].astype(np.int64), (packets["status"][rows] >= IP).astype(np.int64),
            ]
        )  # fmt: skip
        return Ends(len(self.gates), addresses, numbers, of_row, known, answers=self.carry.heads)


def _literal_program(programs: Programs, compiled: Compiled) -> int:
    """The program of the buffer that the literal of a rule on transactions is in."""
    if compiled.kind != TRANSACTION or not compiled.literal or compiled.literal_kind == "payload":
        return -1
    found = [check for check in compiled.checks if check is compiled.literal_check]
    return programs.add(found[0].ops) if found and not found[0].demand.transforms else -1


def _in_order(agreed: _Agreed) -> tuple[int, int]:
    return agreed[0].order, agreed[0].item


def _asks(rule: Rule) -> bool:
    """Whether a rule asks for bits or numbers that are kept in mind."""
    return bool(rule.integers) or any(bits.op in ASKS for bits in rule.bits)


def _asks_flows(rule: Rule) -> bool:
    """Whether all bits that a rule asks for are of the flow."""
    return all(bits.scope in OF_FLOWS for bits in rule.bits if bits.op in ASKS)


def _changes(rule: Rule) -> bool:
    return bool(rule.integers) or any(bits.op not in ASKS for bits in rule.bits)


def _takes_flow(candidate: Candidate, compiled: Compiled) -> bool:
    """Whether pass and drop count for the whole flow: not where one packet's own bytes decided.

    Nor where beside the protocol something is asked of the packet (Suricata, `SignatureSetType`).
    """
    rule = compiled.rule
    return bool(
        candidate.phase or candidate.item == IN_STREAM or compiled.kind == ONCE or compiled.decided
        or (compiled.applications and (rule.buffers or not (rule.numbers or rule.flags or rule.stream_sizes)))
    )  # fmt: skip
