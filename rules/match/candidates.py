"""Which rules agree with what, before anything that rules keep in mind is asked."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from rules.language.model import TO_SERVER, Rule
from rules.match import events, header, protocols, transactions, units
from rules.match.columns import kernels
from rules.match.compiled import ONCE, PACKET, STREAM, TRANSACTION, Check, Compiled, compiled_names
from rules.match.gates.tables import Columns
from rules.match.inspect import Inspection
from rules.match.scene import SLOW, Scene, slow_value
from rules.match.state import Where
from rules.match.streams import Windows
from rules.match.transform import changed
from rules.match.verify.kernels import YES

if TYPE_CHECKING:
    from rules.match.engine import Engine

Mask = NDArray[np.bool_]
Numbers = NDArray[np.int64]
#: Candidate.item of what was found in a stream.
IN_STREAM = -3


class Candidate(NamedTuple):
    """A rule that agrees with a packet (phase 0) or a transaction (phase 1), as known at a frame."""

    known: int
    phase: int
    order: int
    item: int
    row: int


#: Columns of many candidates.
KNOWN, PHASE, ORDER, ITEM, ROW = range(5)


class Packets:
    """The packets of a scene with what was found out about all of them at once."""

    def __init__(self, engine: Engine, scene: Scene, marks: NDArray[np.uint8]) -> None:
        self.engine = engine
        self.scene = scene
        self.flow, self.direction = scene.flow, scene.side
        self.ends = engine.ends(scene)
        self.fresh = np.arange(len(self.flow)) >= scene.carried
        self.established = (marks & 1) == 1
        self.first = (marks & 2) == 2
        self._fields: dict[str, tuple[NDArray[np.int64], Mask]] = {}
        self._decided: Mask | None = None
        self.conditions: dict[tuple[object, ...], Mask] = {}
        self._applications: dict[tuple[frozenset[str], str], tuple[Mask, Mask]] = {}
        self._said: dict[str, list[Numbers]] = {}
        self._of_protocol: dict[int, Numbers] = {}
        self._alike: dict[tuple[object, ...], Numbers] = {}
        self.was_established = self.established.astype(np.int64)
        self.payload_at = scene.packets["offset"].astype(np.int64) + scene.packets["payload_at"]
        key = (self.flow * 2 + self.direction) << 32 | np.arange(len(self.flow))
        self._by_flow = np.sort(key[self.flow >= 0])

    def agree(self, compiled: Compiled) -> Agreement:
        """Whether a rule's header, flow and header fields agree with packets, one by one."""
        return Agreement(self, compiled)

    def head(self, compiled: Compiled, row: int) -> bool:
        """Whether a rule's header agrees with a packet."""
        return self.engine.gates.agrees(compiled.head, int(self.ends.of_row[row]), self.ends)

    def agreeing(self, compiled: Compiled, among: Mask | None = None) -> Numbers:
        """Packets, of those not matched before or of some, that header, flow and header fields agree with."""
        if among is not None:
            rows = np.flatnonzero(among)
            return rows[self.fits(compiled, rows)]
        key = (compiled.ip_protocol, conditions_of(compiled))
        if key not in self._alike:
            rows = self._protocol(compiled.ip_protocol)
            self._alike[key] = rows[self.rest(compiled, rows)]
        rows = self._alike[key]
        return rows[self.engine.gates.agree_with(compiled.head, rows, self.ends)] if len(rows) else rows

    def fits(self, compiled: Compiled, rows: Numbers) -> Mask:
        """Which of some packets header, flow and header fields agree with."""
        found = self.rest(compiled, rows)
        left = np.flatnonzero(found)
        if len(left):
            found[left] = self.engine.gates.agree_with(compiled.head, rows[left], self.ends)
        return found

    def _protocol(self, protocol: int) -> Numbers:
        """Packets, not matched before, that rules about an IP protocol (0: any) can be about."""
        if protocol not in self._of_protocol:
            spoken = self.scene.packets["proto"][self.scene.carried :]
            mine = spoken >= 0 if not protocol else spoken == protocol
            if protocol == 1:
                mine |= spoken == 58
            self._of_protocol[protocol] = np.flatnonzero(mine) + self.scene.carried
        return self._of_protocol[protocol]

    def rest(self, compiled: Compiled, rows: Numbers) -> Mask:
        """Which of some packets that the header agrees with flow and header fields agree with, too."""
        left = np.arange(len(rows))
        for agrees in self._demands(compiled):
            if not len(left):
                break
            left = left[agrees(rows[left])]
        found = np.zeros(len(rows), np.bool_)
        found[left] = True
        return found

    def _demands(self, compiled: Compiled) -> Iterator[Callable[[Numbers], Mask]]:
        """What a rule demands of packets beside their header, each for some of them."""
        rule = compiled.rule

        def field(name: str, rows: Numbers) -> tuple[Numbers, Mask]:
            values, has = self.field(name)
            return values[rows], has[rows]

        for flags in rule.flags:
            yield lambda rows, flags=flags: header.flags(lambda name: field(name, rows), flags)
        if rule.flow.direction:
            wanted = 0 if rule.flow.direction == TO_SERVER else 1
            yield lambda rows: (self.flow[rows] >= 0) & (self.direction[rows] == wanted)
        if rule.flow.established is not None:
            yield lambda rows: self.established[rows] == rule.flow.established
        for number in rule.numbers:
            if number.name not in SLOW:
                yield lambda rows, number=number: header.number(lambda name: field(name, rows), number)
        if rule.flow.fragment is not None:
            yield lambda rows: self._fragment(rows) == rule.flow.fragment
        if compiled.applications:
            yield lambda rows: self.application(compiled.applications)[rows]
        if rule.applications:
            yield lambda rows: self._protocols(rule)[rows]
        if rule.hook == "flow_start":
            yield lambda rows: self.first[rows] & (self.flow[rows] >= 0)

    def _fragment(self, rows: Numbers) -> Mask:
        offset, has = self.field("ip.fragment_offset")
        bits, _ = self.field("ip.fragbits")
        return has[rows] & ((offset[rows] > 0) | (bits[rows] & 1 == 1))

    def field(self, name: str) -> tuple[NDArray[np.int64], Mask]:
        """A header field of all packets."""
        if name not in self._fields:
            self._fields[name] = self.scene.values(name)
        return self._fields[name]

    def application(self, names: frozenset[str], mode: str = "final") -> Mask:
        """Packets of flows whose application protocol is known to be one of these."""
        return self._spoken(names, mode)[0]

    def _spoken(self, names: frozenset[str], mode: str) -> tuple[Mask, Mask]:
        if (names, mode) not in self._applications:
            if mode not in self._said:
                self._said[mode] = protocols.spoken(self.scene, self.flow, self.direction, mode)
            self._applications[names, mode] = protocols.among(self.scene, self._said[mode], names)
        return self._applications[names, mode]

    def _protocols(self, rule: Rule) -> Mask:
        """Packets that all `app-layer-protocol` of a rule agree with."""
        found = np.ones(len(self.flow), np.bool_)
        for name, negated, mode in rule.applications:
            spoken, known = self._spoken(compiled_names(name), mode)
            if name == "unknown":
                found &= ~known & (self.flow >= 0)
            else:
                found &= (known & ~spoken) if negated else spoken
        return found

    def decided(self) -> Mask:
        """Packets at which a rule about protocols alone is looked at."""
        if self._decided is None:
            self._decided = protocols.decided(self.scene, self._looked_at)
        return self._decided

    def row_of(self, flow: int, direction: int, frame: int) -> int:
        """The last packet of a flow's direction up to a frame, else its first; -1 for none."""
        return int(self.rows_of(*(np.array([n], np.int64) for n in (flow, direction, frame)))[0])

    def rows_of(
        self, flow: NDArray[np.int64], direction: NDArray[np.int64], frame: NDArray[np.int64]
    ) -> NDArray[np.int64]:
        """`row_of` for many."""
        found = np.empty(len(flow), np.int64)
        kernels.rows_of(self._by_flow, self.scene.frames, flow, direction, frame, found)
        return found

    def next_of(self, flow: int, direction: int, frame: int) -> int:
        """The first packet of a flow's direction at a frame or later, else its last; -1 for none."""
        base = (flow * 2 + direction) << 32
        place = int(np.searchsorted(self._by_flow, base | int(np.searchsorted(self.scene.frames, frame))))
        if place < len(self._by_flow) and int(self._by_flow[place]) >> 32 == base >> 32:
            return int(self._by_flow[place]) & 0xFFFFFFFF
        return self.row_of(flow, direction, frame)

    def _looked_at(self, flow: int, side: int, frame: int) -> int:
        """The packet at which rules about the protocol of a side are looked at, once; -1 for none."""
        at, bit = self.engine.carry.at[flow], 1 << side
        decided = self.engine.carry.flows["decided"]
        if decided[at] & bit:
            return -1
        base = (flow * 2 + (side & 1)) << 32
        first = int(np.searchsorted(self.scene.frames, frame))
        if not self.scene.tables.flows["ended"][
            flow
        ]:  # what became known with the end is seen on what came before
            first = max(first, self.scene.carried)
        place = int(np.searchsorted(self._by_flow, base | first))
        if place == len(self._by_flow) or int(self._by_flow[place]) >> 32 != base >> 32:
            return -1
        decided[at] |= bit
        return int(self._by_flow[place]) & 0xFFFFFFFF

    def was_told(self, flow: int, transaction: int, order: int, direction: int) -> bool:
        """Whether a rule has been decided for a transaction that goes on."""
        told = self.engine.carry.told.get(int(self.scene.numbers[flow]))
        return told is not None and (transaction, order, direction) in told

    def is_told(self, flow: int, transaction: int, order: int, direction: int) -> None:
        """A rule has been decided for a transaction that goes on."""
        told = self.engine.carry.told.setdefault(int(self.scene.numbers[flow]), set())
        told.add((transaction, order, direction))

    def fact(self, flow: int, direction: int, order: int) -> int:
        """The frame at which the payload part of a rule on transactions was met; -1 where it was not."""
        facts = self.engine.carry.facts.get(int(self.scene.numbers[flow]), {})
        return facts.get((direction, order), -1)

    def facts(self) -> dict[int, list[int]]:
        """By rule the flows of which its payload part was met, whatever the direction."""
        found: dict[int, list[int]] = {}
        known = self.engine.carry.facts
        numbers = self.scene.numbers
        for flow in np.flatnonzero(np.isin(numbers, np.array(list(known), np.int64))).tolist():
            for _, order in known[int(numbers[flow])]:
                found.setdefault(order, []).append(flow)
        return found

    def met(self, flow: int, direction: int, order: int, frame: int) -> None:
        """The payload part of a rule on transactions was met at a frame."""
        facts = self.engine.carry.facts.setdefault(int(self.scene.numbers[flow]), {})
        facts.setdefault((direction, order), frame)

    def grown(self, flow: int, direction: int, row: int) -> int:
        """How many bytes went one way over a connection up to a packet, by its sequence numbers."""
        return self.engine.carry.grown(self.scene, flow, direction, row)

    def candidate(self, row: int, order: int, phase: int = 0, item: int = -1, known: int = 0) -> Candidate:
        """What is known of a match on a packet; `known`: the frame at which it was, where that is later."""
        return Candidate(max(known, int(self.scene.frames[row])), phase, order, item, row)

    @staticmethod
    def is_slow(rule: Rule) -> bool:
        """Whether a rule has conditions that are decided packet by packet."""
        return bool(rule.stream_sizes) or any(number.name in SLOW for number in rule.numbers)

    def slow(self, rule: Rule, row: int) -> bool:
        """Conditions that are decided packet by packet."""
        for number in rule.numbers:
            if number.name in SLOW:
                value = slow_value(self.scene, row, number.name, number.low)
                if value is None or not number.agrees(value):
                    return False
        return all(events.stream_size(self, size, row) for size in rule.stream_sizes)


class Agreement:
    """A rule's header, flow and header fields against packets, each decided when it is asked for."""

    def __init__(self, packets: Packets, compiled: Compiled) -> None:
        self._packets = packets
        self._compiled = compiled
        self._rest: Mask | None = None

    def __getitem__(self, row: int) -> bool:
        packets = self._packets
        if not packets.head(self._compiled, row):
            return False
        if self._rest is None:
            key = conditions_of(self._compiled)
            if key not in packets.conditions:
                packets.conditions[key] = packets.rest(self._compiled, np.arange(len(packets.flow)))
            self._rest = packets.conditions[key]
        return bool(self._rest[row])


def conditions_of(compiled: Compiled) -> tuple[object, ...]:
    """What `Packets.rest` depends on."""
    rule, flow = compiled.rule, compiled.rule.flow
    return (
        flow.direction, flow.established, flow.fragment, compiled.applications, tuple(rule.applications),
        rule.hook == "flow_start",
        tuple((n.name, n.low, n.high, n.negated, n.mask) for n in rule.numbers if n.name not in SLOW),
        tuple((f.name, f.wanted, f.mode, f.ignored) for f in rule.flags),
    )  # fmt: skip


def gather(engine: Engine, scene: Scene, marks: NDArray[np.uint8]) -> Numbers:
    """All that agrees, in no order: columns KNOWN to ROW."""
    none = np.zeros((0, 5), np.int64)
    if not len(scene.packets):
        return none
    packets = Packets(engine, scene, marks)
    if engine.deciding:
        packets.decided()
    windows = Windows(packets)
    found = [none, *_packets(engine, packets, windows), *windows.match()]
    for some in (transactions.match(packets), list(units.match(packets))):
        found.append(np.array(some, np.int64).reshape(-1, 5))
    return np.concatenate(found)


def places(scene: Scene, rows: Numbers) -> Iterator[Where]:
    """Flow, addresses and time of packets."""
    flows = np.append(scene.numbers, -1)[scene.flow[rows]].tolist()
    source, target = scene.source, scene.target
    ends = (words[rows].tolist() for words in (*source[:2], *target[:2]))
    times = scene.packets["time"][rows].tolist()
    for flow, s_hi, s_lo, t_hi, t_lo, time in zip(flows, *ends, times, strict=True):
        yield Where(flow, s_hi << 64 | s_lo, t_hi << 64 | t_lo, time)


def _packets(engine: Engine, packets: Packets, windows: Windows) -> Iterable[Numbers]:
    full = (packets.scene.available > 0) & packets.fresh
    yield _addresses(engine, packets)
    alone: list[tuple[Numbers, Compiled]] = []
    for compiled in (*engine.of(PACKET, literal=False), *engine.gates.broad):
        rows = packets.agreeing(compiled, packets.decided() if compiled.decided else None)
        if compiled.kind == ONCE:
            rows = rows[packets.first[rows]]
        if compiled.rule.happenings and len(rows):
            rows = rows[events.happened(packets, compiled.rule)[rows]]
        if compiled.payload is not None:
            rows = rows[full[rows]]
        alone.append((rows, compiled))
    loose = full & ~windows.streamed
    for compiled in (*engine.of(STREAM, literal=False), *engine.unaimed):
        rows = packets.agreeing(compiled)
        alone.append((rows[(full if compiled.both else loose)[rows]], compiled))
    none = np.zeros(0, np.int64)
    rows = np.concatenate([none, *(rows for rows, _ in alone)])
    orders = np.concatenate([none, *(np.full(len(rows), compiled.order) for rows, compiled in alone)])
    yield from _decide(packets, rows, orders)
    yield from _by_literal(engine, packets, windows, np.flatnonzero(full))


def _addresses(engine: Engine, packets: Packets) -> Numbers:
    """Rules about addresses alone, on the first packet of each direction."""
    rows = np.flatnonzero(packets.first)
    of_row = packets.ends.of_row[rows]
    which, back = np.unique(of_row, return_inverse=True)
    ends, orders = engine.gates.once(which, packets.ends)
    by_end = np.argsort(back, kind="stable")
    first = np.searchsorted(back[by_end], np.arange(len(which) + 1))
    found = []
    for end, order in zip(np.searchsorted(which, ends).tolist(), orders.tolist(), strict=True):
        agreed = packets.agree(engine.rules[order])
        found += [
            packets.candidate(row, order)
            for row in rows[by_end[first[end] : first[end + 1]]].tolist()
            if agreed[row] and packets.slow(engine.rules[order].rule, row)
        ]
    return np.array(found, np.int64).reshape(-1, 5)


def _by_literal(engine: Engine, packets: Packets, windows: Windows, rows: Numbers) -> Iterable[Numbers]:
    scene = packets.scene
    found, told = [], []
    in_stream = windows.streamed[rows]
    for some, index in ((rows[~in_stream], engine.payload), (rows[in_stream], engine.beside_streams)):
        starts = packets.payload_at[some]
        buffers, literals = index.literals.scan(scene.buffer, starts, scene.available[some])
        columns = Columns(some, packets.direction, packets.was_established, windows.streamed, scene.available)
        items, orders = engine.gates.pass_pairs(
            buffers, literals, (index.first, index.rules), columns, packets.ends, streams=False
        )
        found.append(some[items])
        told.append(orders)
    at, orders = np.concatenate(found), np.concatenate(told)
    in_order = np.argsort(at, kind="stable")
    yield from _decide(packets, at[in_order], orders[in_order])


def by_rule(orders: Numbers) -> Iterable[tuple[int, Numbers]]:
    """Each rule of some pairs with the places of its pairs, in order."""
    if not len(orders):
        return
    places = np.argsort(orders, kind="stable")
    sorted_ = orders[places]
    begins = np.flatnonzero(np.append(True, sorted_[1:] != sorted_[:-1]))
    for begin, end in zip(begins.tolist(), [*begins[1:].tolist(), len(orders)], strict=True):
        yield int(sorted_[begin]), places[begin:end]


def _decide(packets: Packets, rows: Numbers, orders: Numbers) -> Iterable[Numbers]:
    """Candidates of (packet, rule) whose headers agree: contents first where that is cheap, then the rest."""
    if not len(rows):
        return
    engine = packets.engine
    told = engine.programs.verify(
        packets.scene.buffer, packets.payload_at[rows], packets.scene.available[rows],
        engine.payload_programs[orders],
    )  # fmt: skip
    left = np.flatnonzero(told)
    rows, orders, told = rows[left], orders[left], told[left]
    for order, places in by_rule(orders):
        compiled = engine.rules[order]
        some = places[packets.rest(compiled, rows[places])]
        if compiled.rule.happenings and len(some):
            some = some[events.happened(packets, compiled.rule)[rows[some]]]
        mine, surely = rows[some], told[some] == YES
        if compiled.kind == TRANSACTION:
            _met(packets, compiled, mine, surely)
        else:
            yield columns(packets.scene, mine[_sure(packets, compiled, mine, surely)], order)


def columns(
    scene: Scene,
    rows: Numbers,
    order: int,
    phase: Numbers | int = 0,
    item: int = -1,
    known: Numbers | int = 0,
) -> Numbers:
    """`Packets.candidate` for many of one rule."""
    found = np.empty((len(rows), 5), np.int64)
    found[:, KNOWN], found[:, PHASE] = np.maximum(scene.frames[rows], known), phase
    found[:, ORDER], found[:, ITEM], found[:, ROW] = order, item, rows
    return found


def _sure(packets: Packets, compiled: Compiled, rows: Numbers, surely: Mask) -> Mask:
    """Which packets, of those whose compiled contents may agree, agree in all that is left."""
    slow = packets.is_slow(compiled.rule)
    if not slow and not compiled.checks and (surely.all() or compiled.payload is None):
        return np.ones(len(rows), np.bool_)
    found = [
        (not slow or packets.slow(compiled.rule, row))
        and ((sure and not compiled.checks) or _contents(packets, compiled, row))
        for row, sure in zip(rows.tolist(), surely.tolist(), strict=True)
    ]
    return np.array(found, np.bool_)


def _met(packets: Packets, compiled: Compiled, rows: Numbers, surely: Mask) -> None:
    """The payload part of a rule on transactions, on packets."""
    assert compiled.payload is not None
    for row, sure in zip(rows.tolist(), surely.tolist(), strict=True):
        flow = int(packets.flow[row])
        if flow < 0 or not packets.slow(compiled.rule, row):
            continue
        if sure or Inspection().holds(compiled.payload.ops, packets.scene.payload(row)):
            packets.met(flow, int(packets.direction[row]), compiled.order, int(packets.scene.frames[row]))


def _contents(packets: Packets, compiled: Compiled, row: int) -> bool:
    """Whether a packet's bytes agree: payload and header buffers."""
    inspection = Inspection()
    if compiled.payload is not None and not inspection.holds(
        compiled.payload.ops, packets.scene.payload(row)
    ):
        return False
    return all(_header(packets, check, row, inspection) for check in compiled.checks)


def _header(packets: Packets, check: Check, row: int, inspection: Inspection) -> bool:
    data = events.header_bytes(packets.scene, check.demand.kind, row)
    if data is None:
        return False
    return inspection.holds(check.ops, changed(data, check.demand.transforms))
