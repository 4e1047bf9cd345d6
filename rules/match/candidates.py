"""Which rules agree with what, before anything that rules keep in mind is asked."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from citywall.batches import IP
from rules.language.model import TO_SERVER, Flags, Number, Rule
from rules.match import events, protocols, transactions, units
from rules.match.compiled import ONCE, PACKET, STREAM, Check, Compiled, compiled_names
from rules.match.inspect import Inspection
from rules.match.scene import SLOW, Scene, slow_value
from rules.match.state import Where
from rules.match.streams import Windows
from rules.match.transform import changed

if TYPE_CHECKING:
    from rules.match.engine import Engine

Mask = NDArray[np.bool_]
#: Candidate.item of what was found in a stream.
IN_STREAM = -3


class Candidate(NamedTuple):
    """A rule that agrees with a packet (phase 0) or a transaction (phase 1), as seen at a frame."""

    frame: int
    phase: int
    order: int
    item: int
    row: int
    direction: int
    where: Where


class Packets:
    """The packets of a scene with what was found out about all of them at once."""

    def __init__(self, engine: Engine, scene: Scene, marks: NDArray[np.uint8]) -> None:
        self.engine = engine
        self.scene = scene
        self.ends = engine.ends(scene)
        self.flow = np.asarray(scene.tables.packet_flow, np.int64)
        self.direction = np.asarray(scene.tables.packet_direction, np.int64)
        self.established = (marks & 1) == 1
        self.first = (marks & 2) == 2
        self.network = scene.packets["status"] >= IP
        self._fields: dict[str, tuple[NDArray[np.int64], Mask]] = {}
        self._heads: dict[int, Mask] = {}
        self._decided: Mask | None = None
        self._applications: dict[tuple[frozenset[str], str], tuple[Mask, Mask]] = {}
        key = (self.flow * 2 + self.direction) << 32 | np.arange(len(self.flow))
        self._by_flow = np.sort(key[self.flow >= 0])

    def head(self, compiled: Compiled) -> Mask:
        """Packets that a rule's header agrees with."""
        if compiled.head not in self._heads:
            found = self.engine.heads.agree(compiled.head, self.ends)
            self._heads[compiled.head] = found & self.network if compiled.rule.protocol != "pkthdr" else found
        return self._heads[compiled.head]

    def agree(self, compiled: Compiled) -> Mask:
        """Packets that a rule's header, flow and header fields agree with."""
        rule = compiled.rule
        found = self.head(compiled).copy() if rule.protocol != "pkthdr" else np.ones(len(self.flow), np.bool_)
        if not found.any():
            return found
        if rule.flow.direction:
            found &= (self.flow >= 0) & (self.direction == (0 if rule.flow.direction == TO_SERVER else 1))
        if rule.flow.established is not None:
            found &= self.established == rule.flow.established
        if rule.flow.fragment is not None:
            offset, has = self.field("ip.fragment_offset")
            bits, _ = self.field("ip.fragbits")
            found &= (has & ((offset > 0) | (bits & 1 == 1))) == rule.flow.fragment
        if compiled.applications:
            found &= self.application(compiled.applications)
        if rule.applications:
            found &= self._protocols(rule)
        if rule.hook == "flow_start":
            found &= self.first & (self.flow >= 0)
        for number in rule.numbers:
            if number.name not in SLOW and found.any():
                found &= self._number(number)
        for flags in rule.flags:
            found &= self._flags(flags)
        return found

    def field(self, name: str) -> tuple[NDArray[np.int64], Mask]:
        """A header field of all packets."""
        if name not in self._fields:
            self._fields[name] = self.scene.values(name)
        return self._fields[name]

    def _number(self, number: Number) -> Mask:
        values, has = self.field(number.name)
        inside = values >= number.low
        if number.high < 1 << 62:
            inside &= values <= number.high
        agree: Mask = inside != number.negated
        return has & agree

    def _flags(self, flags: Flags) -> Mask:
        values, has = self.field(flags.name)
        if flags.name == "tcp.flags":
            has = has & (self.scene.packets["proto"] == 6)
        values = values & ~flags.ignored
        agree: Mask = {
            "+": values & flags.wanted == flags.wanted,
            "*": values & flags.wanted != 0,
            "!": values & flags.wanted == 0,
            "=": values == flags.wanted,
        }[flags.mode]
        return has & agree

    def application(self, names: frozenset[str], mode: str = "final") -> Mask:
        """Packets of flows whose application protocol is known to be one of these."""
        return self._spoken(names, mode)[0]

    def _spoken(self, names: frozenset[str], mode: str) -> tuple[Mask, Mask]:
        if (names, mode) not in self._applications:
            self._applications[names, mode] = protocols.spoken(
                self.scene, self.flow, self.direction, names, mode
            )
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
            self._decided = protocols.decided(
                self.scene,
                lambda flow, d, frame: (
                    row if self.scene.first_frame + (row := self.row_of(flow, d, frame)) >= frame else -1
                ),
            )
        return self._decided

    def row_of(self, flow: int, direction: int, frame: int) -> int:
        """The first packet of a flow's direction at a frame or later, else its last; -1 for none."""
        base = (flow * 2 + direction) << 32
        row = max(0, frame - self.scene.first_frame)
        at = int(np.searchsorted(self._by_flow, base | row))
        if at < len(self._by_flow) and int(self._by_flow[at]) >> 32 == base >> 32:
            return int(self._by_flow[at]) & 0xFFFFFFFF
        if at and int(self._by_flow[at - 1]) >> 32 == base >> 32:
            return int(self._by_flow[at - 1]) & 0xFFFFFFFF
        return -1

    def where(self, row: int) -> Where:
        """Flow, addresses and time of a packet."""
        source, target = self.scene.source, self.scene.target
        return Where(
            int(self.flow[row]),
            int(source[0][row]) << 64 | int(source[1][row]),
            int(target[0][row]) << 64 | int(target[1][row]),
            int(self.scene.packets["time"][row]),
        )

    def candidate(self, row: int, order: int, phase: int = 0, item: int = -1) -> Candidate:
        """What is known of a match on a packet."""
        frame = self.scene.first_frame + row
        return Candidate(frame, phase, order, item, row, int(self.direction[row]), self.where(row))

    def slow(self, rule: Rule, row: int) -> bool:
        """Conditions that are decided packet by packet."""
        for number in rule.numbers:
            if number.name in SLOW:
                value = slow_value(self.scene, row, number.name, number.low)
                if value is None or (number.low <= value <= number.high) is number.negated:
                    return False
        return all(events.stream_size(self, size, row) for size in rule.stream_sizes)


def gather(engine: Engine, scene: Scene, marks: NDArray[np.uint8]) -> list[Candidate]:
    """All that agrees, in no order."""
    if not len(scene.packets):
        return []
    packets = Packets(engine, scene, marks)
    windows = Windows(packets)
    found = list(_packets(engine, packets, windows))
    found += windows.match()
    found += transactions.match(packets, windows)
    found += units.match(packets)
    return found


def _packets(engine: Engine, packets: Packets, windows: Windows) -> Iterable[Candidate]:
    scene = packets.scene
    full = scene.available > 0
    for compiled in (*engine.of(PACKET, literal=False), *engine.of(ONCE, literal=False)):
        mask = packets.agree(compiled)
        if compiled.kind == ONCE:
            mask &= packets.first
        if compiled.rule.happenings:
            mask &= events.happened(packets, compiled.rule)
        if compiled.decided:
            mask &= packets.decided()
        if compiled.payload is not None:
            mask &= full
        for row in np.flatnonzero(mask):
            if packets.slow(compiled.rule, int(row)) and _contents(packets, compiled, int(row)):
                yield packets.candidate(int(row), compiled.order)
    loose = full & ~windows.streamed
    for compiled in engine.of(STREAM, literal=False):
        for row in np.flatnonzero(packets.agree(compiled) & (full if compiled.both else loose)):
            if packets.slow(compiled.rule, int(row)) and _contents(packets, compiled, int(row)):
                yield packets.candidate(int(row), compiled.order)
    yield from _by_literal(engine, packets, windows, np.flatnonzero(full))


def _by_literal(
    engine: Engine, packets: Packets, windows: Windows, rows: NDArray[np.int64]
) -> Iterable[Candidate]:
    scene = packets.scene
    columns = scene.packets
    starts = columns["offset"][rows] + columns["payload_at"][rows].astype(np.int64)
    buffers, literals = engine.payload.literals.scan(scene.buffer, starts, scene.available[rows])
    agreed: dict[int, Mask] = {}
    first, orders = engine.payload.first, engine.payload.rules
    for buffer, literal in zip(buffers.tolist(), literals.tolist(), strict=True):
        row = int(rows[buffer])
        for order in orders[first[literal] : first[literal + 1]].tolist():
            compiled = engine.rules[order]
            if compiled.kind == STREAM and windows.streamed[row] and not compiled.both:
                continue
            if order not in agreed:
                agreed[order] = packets.agree(compiled)
                if compiled.rule.happenings:
                    agreed[order] &= events.happened(packets, compiled.rule)
            if agreed[order][row] and packets.slow(compiled.rule, row) and _contents(packets, compiled, row):
                yield packets.candidate(row, order)


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
