"""Rules on transactions of applications: which agree, and when that was known."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from rules.keywords.sticky import BUFFERS
from rules.language.model import TO_SERVER
from rules.match import fields
from rules.match.compiled import TRANSACTION, Check, Compiled
from rules.match.hits import Loose, hit
from rules.match.inspect import Inspection
from rules.match.transform import changed

if TYPE_CHECKING:
    from rules.match.candidates import Agreement, Candidate, Packets

#: Kinds of buffers that are others by another name in the tables.
SAME = {"file.whole": "file.data", "http.request_header_names": "http.header_names"}


class _Found:
    """The tables of a scene by transaction."""

    def __init__(self, packets: Packets) -> None:
        tables, names = packets.scene.tables, packets.scene.names
        self.tables = tables
        self.kinds = {name: i for i, name in enumerate(names.kinds)}
        self.protocols = [names.protocols[int(i)] for i in tables.transactions["protocol"]]
        owners = tables.buffers["transaction"].astype(np.int64)
        self._order = np.argsort(owners, kind="stable")
        self._first = np.searchsorted(owners[self._order], np.arange(len(tables.transactions) + 1))

    def buffers(self, transaction: int, kind: int, direction: int) -> list[int]:
        """Rows of a kind and direction, in order."""
        rows = self._order[self._first[transaction] : self._first[transaction + 1]]
        table = self.tables.buffers
        mask = (table["kind"][rows] == kind) & (table["direction"][rows] == direction)
        return [int(row) for row in rows[mask]]

    def data(self, row: int) -> bytes:
        """The bytes of a buffer."""
        at, length = int(self.tables.buffers["at"][row]), int(self.tables.buffers["length"][row])
        return self.tables.arena[at : at + length].tobytes()


class _Matcher:
    def __init__(self, packets: Packets) -> None:
        self.packets = packets
        self.found = _Found(packets)
        self.numbers = fields.Numbers(packets.scene)
        self._agreed: dict[int, Agreement] = {}

    def pairs(self) -> Iterator[tuple[int, int]]:
        """(rule, transaction) that may agree: by literal, and rules without one."""
        engine, scene = self.packets.engine, self.packets.scene
        kinds = {kind: self.found.kinds.get(SAME.get(kind, kind), -1) for kind in engine.buffers}
        orders, transactions = hit(engine, scene.tables, kinds, scene.names.protocols)
        yield from zip(orders.tolist(), transactions.tolist(), strict=True)
        loose = [*engine.of(TRANSACTION, literal=False)]
        loose += [c for c in engine.of(TRANSACTION, literal=True) if c.literal_kind == "payload"]
        open_to = Loose(self.packets, {k: self.found.kinds.get(SAME.get(k, k), -1) for k in _kinds_of(loose)})
        names = np.array(self.found.protocols, object)
        for compiled in loose:
            wanted = compiled.applications or _owners(compiled)
            spoken = np.isin(names, list(wanted)) if wanted else np.ones(len(names), np.bool_)
            for transaction in open_to.maybe(compiled, spoken, _directions(compiled)).tolist():
                yield compiled.order, transaction

    def match(self, compiled: Compiled, transaction: int) -> Iterator[Candidate]:
        """Where a rule agrees with a transaction: once a direction."""
        if compiled.applications and self.found.protocols[transaction] not in compiled.applications:
            return
        row_of_it = self.found.tables.transactions[transaction]
        flow, number = int(row_of_it["flow"]), int(row_of_it["number"])
        for direction in _directions(compiled):
            if self.packets.was_told(flow, number, compiled.order, direction):
                continue
            frame = self._when(compiled, transaction, flow, direction)
            if frame < 0:
                continue
            if not row_of_it["over"]:
                self.packets.is_told(flow, number, compiled.order, direction)
            row = self.packets.row_of(flow, direction, frame)
            if row < 0:
                continue
            if compiled.order not in self._agreed:
                self._agreed[compiled.order] = self.packets.agree(without_application(compiled))
            if self._agreed[compiled.order][row] and self.packets.slow(compiled.rule, row):
                item = int(self.packets.scene.numbers[flow]) << 24 | number & 0xFFFFFF
                yield self.packets.candidate(row, compiled.order, 1, item, frame)

    def _when(self, compiled: Compiled, transaction: int, flow: int, direction: int) -> int:
        """The frame at which all demands were met; -1 where they are not."""
        rule = compiled.rule
        transactions = self.found.tables.transactions
        frame = int(transactions["first_frame"][transaction])
        inspection = Inspection(little=self.numbers.little(transaction))
        for check in compiled.checks:
            side = direction
            if check.demand.side:
                side = 0 if check.demand.side == TO_SERVER else 1
            elif rule.transactional:
                fixed = BUFFERS[check.demand.kind].side if check.demand.kind in BUFFERS else 3
                side = {1: 0, 2: 1}.get(fixed, 0)
            met = self._check(check, transaction, side, inspection)
            if met < 0:
                return -1
            frame = max(frame, met)
        for name, argument in rule.others:
            if name == "dcerpc.iface" and not self._bound(argument, transaction):
                return -1
        met = self.numbers.met(rule, transaction, direction)
        if met < 0:
            return -1
        frame = max(frame, met)
        for happening in rule.happenings:
            met = self.numbers.happened(happening.name, transaction, flow, direction)
            if met < 0:
                return -1
            frame = max(frame, met)
        complete = int(transactions["request_frame" if direction == 0 else "response_frame"][transaction])
        if compiled.payload is not None:
            met = self.packets.fact(flow, direction, compiled.order)
            if met < 0 or 0 < complete < met:
                return -1
            frame = max(frame, met)
        if not compiled.checks and not rule.fields and not rule.happenings and not rule.others:
            if not complete and not transactions["over"][transaction]:
                return -1
            frame = max(frame, complete)
        return frame

    def _bound(self, argument: str, transaction: int) -> bool:
        """Whether a DCE/RPC call goes to an interface."""
        if not self.numbers.values(transaction, "dcerpc.opnum"):
            return False  # a binding is no call
        wanted = argument.split(",", maxsplit=1)[0].encode()
        kind = self.found.kinds.get("dcerpc.iface")
        rows = [row for side in (0, 1) for row in self.found.buffers(transaction, kind, side)] if kind else []
        return any(self.found.data(row).lower() == wanted for row in rows)

    def _check(self, check: Check, transaction: int, direction: int, inspection: Inspection) -> int:
        kind = self.found.kinds.get(SAME.get(check.demand.kind, check.demand.kind))
        rows = self.found.buffers(transaction, kind, direction) if kind is not None else []
        if check.absent and not rows:
            columns = self.found.tables.transactions
            frame = int(columns["request_frame" if direction == 0 else "response_frame"][transaction])
            return frame or -1
        for row in rows:
            data = changed(self.found.data(row), check.demand.transforms)
            if inspection.holds(check.ops, data):
                return int(self.found.tables.buffers["frame"][row])
        return -1


def match(packets: Packets) -> list[Candidate]:
    """Rules on transactions that agree, each once a transaction and direction."""
    matcher = _Matcher(packets)
    found: list[Candidate] = []
    for order, transaction in sorted(set(matcher.pairs())):
        found += matcher.match(packets.engine.rules[order], transaction)
    found += [
        packets.candidate(row, compiled.order, 1, -2 - item, frame)
        for compiled in packets.engine.of(TRANSACTION, literal=False)
        for row, item, frame in matcher.numbers.unowned(packets, compiled)
    ]
    return found


def _kinds_of(rules: Sequence[Compiled]) -> set[str]:
    return {check.demand.kind for compiled in rules for check in compiled.checks}


def _directions(compiled: Compiled) -> tuple[int, ...]:
    rule = compiled.rule
    if rule.transactional:
        return (1,)
    if rule.flow.direction:
        return (0,) if rule.flow.direction == TO_SERVER else (1,)
    for check in compiled.checks:
        side = check.demand.side or (BUFFERS[check.demand.kind].side if check.demand.kind in BUFFERS else 3)
        if side in {1, 2}:
            return (side - 1,)
    return (0, 1)


def _owners(compiled: Compiled) -> set[str]:
    owners: set[str] = set()
    for check in compiled.checks:
        if check.demand.kind in BUFFERS:
            owners |= BUFFERS[check.demand.kind].protocols
    return owners


def without_application(compiled: Compiled) -> Compiled:
    """A rule whose protocol is known from what it looks into: not asked of packets again."""
    if not compiled.applications:
        return compiled
    return Compiled(compiled.rule, compiled.kind, compiled.order, compiled.head)
