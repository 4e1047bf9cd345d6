"""Which rules agree with what, before anything that rules keep in mind is asked."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from rules.language.model import TO_SERVER, Rule
from rules.match import events, header, protocols, transactions, units, vlan
from rules.match.agreement import Agreement
from rules.match.columns import kernels
from rules.match.compiled import Compiled, compiled_names, is_head
from rules.match.deciding import decide, header_holds
from rules.match.found import Candidate, Numbers
from rules.match.gates.tables import Columns
from rules.match.inspect import Inspection
from rules.match.reach import ANYWHERE
from rules.match.scene import SLOW, Scene, slow_value
from rules.match.streams import Windows

if TYPE_CHECKING:
    from rules.match.engine import Engine

Mask = NDArray[np.bool_]


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

    def fits(self, compiled: Compiled, rows: Numbers) -> Mask:
        """Which of some packets header, flow and header fields agree with."""
        found = self.rest(compiled, rows)
        left = np.flatnonzero(found)
        if len(left):
            found[left] = self.engine.gates.agree_with(compiled.head, rows[left], self.ends)
        return found

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

        for flags in rule.flags:
            yield self._agreeing(header.flags, flags)
        if rule.flow.direction:
            wanted = 0 if rule.flow.direction == TO_SERVER else 1
            yield lambda rows: (self.flow[rows] >= 0) & (self.direction[rows] == wanted)
        if rule.flow.established is not None:
            yield lambda rows: self.established[rows] == rule.flow.established
        for number in rule.numbers:
            if number.name not in SLOW:
                yield self._agreeing(header.number, number)
        if rule.flow.fragment is not None:
            yield lambda rows: self._fragment(rows) == rule.flow.fragment
        if compiled.applications:
            yield lambda rows: self.application(compiled.applications)[rows]
        if rule.applications:
            yield lambda rows: self._protocols(rule)[rows]
        if rule.hook == "flow_start":
            yield lambda rows: self.first[rows] & (self.flow[rows] >= 0)

    def _agreeing(
        self, agrees: Callable[[header.Field, Any], Mask], wanted: object
    ) -> Callable[[Numbers], Mask]:
        """Whether header fields of packets are as wanted."""

        def asked(rows: Numbers) -> Mask:
            def field(name: str) -> tuple[Numbers, Mask]:
                values, has = self.field(name)
                return values[rows], has[rows]

            return agrees(field, wanted)

        return asked

    def _fragment(self, rows: Numbers) -> Mask:
        offset, has = self.field("ip.fragment_offset")
        bits, _ = self.field("ip.fragbits")
        found: Mask = has[rows] & ((offset[rows] > 0) | (bits[rows] & 1 == 1))
        return found

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

    def silent(self, flow: int, direction: int, since: int, until: int) -> bool:
        """Whether no packet of a flow's direction came from a frame on and before another."""
        base = (flow * 2 + direction) << 32
        first, last = (base | int(row) for row in np.searchsorted(self.scene.frames, (since, until)))
        return bool(np.searchsorted(self._by_flow, first) >= np.searchsorted(self._by_flow, last))

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

    def heads(self, compiled: Compiled, row: int) -> bool:
        """Whether what a rule on transactions demands of a packet's headers as buffers is so."""
        inspection = Inspection()
        return all(header_holds(self, check, row, inspection) for check in compiled.checks if is_head(check))

    def slow(self, rule: Rule, row: int) -> bool:
        """Conditions that are decided packet by packet."""
        for number in rule.numbers:
            if number.name.startswith("vlan."):
                if not vlan.agrees(self.scene, row, number):
                    return False
            elif number.name in SLOW:
                value = slow_value(self.scene, row, number.name, number.low)
                if value is None or not number.agrees(value):
                    return False
        return all(events.stream_size(self, size, row) for size in rule.stream_sizes)


def gather(engine: Engine, scene: Scene, marks: NDArray[np.uint8]) -> Numbers:
    """All that agrees, in no order: columns KNOWN to ROW."""
    none = np.zeros((0, 5), np.int64)
    if not len(scene.packets) or not engine.rules:
        return none
    packets = Packets(engine, scene, marks)
    if engine.deciding:
        packets.decided()
    windows = Windows(packets)
    windows.look()
    found = [none, *_packets(engine, packets, windows), *windows.match()]
    told = [*transactions.match(packets), *units.match(packets)]  # by now it is known what payloads met
    return np.concatenate([*found, np.array(told, np.int64).reshape(-1, 5)])


def _packets(engine: Engine, packets: Packets, windows: Windows) -> Iterable[Numbers]:
    yield _addresses(engine, packets)
    rows, orders = engine.alone.ask(packets, windows.streamed)
    yield from decide(packets, rows, orders)
    full = (packets.scene.available > 0) & packets.fresh
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


def _headed(packets: Packets, rows: Numbers, heads: tuple[int, ...] | None) -> Numbers:
    """Packets, of some, that one of the headers agrees with."""
    if heads is None:
        return rows
    ends = packets.ends
    agree = np.zeros(ends.addresses.shape[1], np.bool_)
    for head in heads:
        agree |= packets.engine.gates.agree(head, ends)
    return rows[agree[ends.of_row[rows]]]


def _by_literal(engine: Engine, packets: Packets, windows: Windows, rows: Numbers) -> Iterable[Numbers]:
    scene = packets.scene
    found, told = [], []
    in_stream = windows.streamed[rows]
    beside = [rows[in_stream & (packets.direction[rows] == direction)] for direction in (0, 1)]
    without = windows.covered()
    aimed = [
        (_headed(packets, beside[way], heads), most, index)
        if heads is not None or most != ANYWHERE
        else (beside[way][~without[beside[way]]], most, index)
        for way, most, index, heads in engine.beside_streams
    ]
    for some, most, index in (rows[~in_stream], ANYWHERE, engine.payload), *aimed:
        starts, sizes = packets.payload_at[some], np.minimum(scene.available[some], most)
        buffers, literals = index.literals.scan(scene.buffer, starts, sizes)
        columns = Columns(some, packets.direction, packets.was_established, windows.streamed, scene.available)
        items, orders = engine.gates.pass_pairs(
            buffers, literals, (index.first, index.rules), columns, packets.ends, streams=False
        )
        found.append(some[items])
        told.append(orders)
    at, orders = np.concatenate(found), np.concatenate(told)
    in_order = np.argsort(at, kind="stable")
    yield from decide(packets, at[in_order], orders[in_order])
