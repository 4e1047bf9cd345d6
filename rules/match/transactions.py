"""Rules on transactions of applications: which agree, and when that was known."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from rules.keywords.sticky import BUFFERS
from rules.language.model import TO_SERVER, Rule
from rules.language.states import place
from rules.match import fields, hooks
from rules.match.agreement import conditions_of
from rules.match.compiled import SAME, TRANSACTION, Check, Compiled, is_head, without_application
from rules.match.filling import side_of
from rules.match.found import Candidate, by_rule
from rules.match.hits import Buffers, agreeing, hit, loose, spread, verdicts
from rules.match.inspect import Inspection, compare
from rules.match.transform import changed
from rules.match.verify.kernels import NO, PERHAPS, YES

if TYPE_CHECKING:
    from rules.match.candidates import Packets

#: Bits of a key of buffers below the transaction: kind and direction.
_SIDES = 17

#: Protocols of which an event is told once a direction, by rules that name none.
_TWO_SIDED = ("ftp", "smtp")


class Found:
    """The tables of a scene by transaction."""

    def __init__(self, packets: Packets) -> None:
        tables, names = packets.scene.tables, packets.scene.names
        self.tables = tables
        self.kinds = {name: i for i, name in enumerate(names.kinds)}
        self._names = names.protocols
        owners = tables.buffers["transaction"].astype(np.int64)
        self._order = np.argsort(owners, kind="stable")
        self._owners = owners[self._order]
        self._keys: list[int] = []  # of the buffers of transactions that were asked for, in order
        self._rows: list[int] = []

    def ask(self, transactions: NDArray[np.int64]) -> None:
        """Look up the buffers of the transactions that are going to be asked for."""
        table = self.tables.buffers
        first, last = (np.searchsorted(self._owners, transactions, side) for side in ("left", "right"))
        place, which = spread(first, last)
        rows = self._order[place]
        keys = transactions[which] << _SIDES | table["kind"][rows].astype(np.int64) << 1
        keys |= table["direction"][rows]
        order = np.argsort(keys, kind="stable")
        self._keys, self._rows = keys[order].tolist(), rows[order].tolist()

    def protocol(self, transaction: int) -> str:
        """What a transaction's connection speaks."""
        return self._names[int(self.tables.transactions["protocol"][transaction])]

    def buffers(self, transaction: int, kind: int, direction: int) -> list[int]:
        """Rows of a kind and direction, in order, of a transaction that was asked for."""
        key = transaction << _SIDES | kind << 1 | direction
        begin = bisect_left(self._keys, key)
        return self._rows[begin : bisect_right(self._keys, key, begin)]

    def since(self, transaction: int, name: str, direction: int, numbers: fields.Numbers) -> int:
        """The frame at which a buffer or number was known; -1 where it is not there."""
        kind = self.kinds.get(name)
        if kind is not None:
            rows = self.buffers(transaction, kind, direction)
            if rows:
                return int(self.tables.buffers["frame"][rows[0]])
        return next((at for side, at, _ in numbers.values(transaction, name) if side == direction), -1)

    def began(self, transaction: int, direction: int) -> int:
        """The frame of the first buffer of a direction; 0 for none."""
        table = self.tables.buffers
        begin, end = (bisect_left(self._keys, owner << _SIDES) for owner in (transaction, transaction + 1))
        rows = self._rows[begin:end]
        frames = table["frame"][rows][table["direction"][rows] == direction]
        return int(frames.min()) if len(frames) else 0

    def data(self, row: int) -> bytes:
        """The bytes of a buffer."""
        at, length = int(self.tables.buffers["at"][row]), int(self.tables.buffers["length"][row])
        return self.tables.arena[at : at + length].tobytes()


class _Matcher:
    def __init__(self, packets: Packets) -> None:
        self.packets = packets
        self.found = Found(packets)
        self.numbers = fields.Numbers(packets.scene)
        self._buffers = Buffers(packets.scene.tables)
        self._inspection: Inspection | None = None
        self._told: dict[tuple[int, int], int] = {}  # by program and row of a buffer

    def pairs(self) -> list[tuple[int, int]]:
        """(rule, transaction) that may agree, in order, each once: by literal, and rules without one."""
        engine, packets = self.packets.engine, self.packets
        kinds = self._kinds({*engine.buffers, *engine.parts.names})
        met = packets.facts()
        rules = [c.order for c in engine.loose if c.payload is None or c.order in met]
        some = hit(packets, self._buffers, kinds), loose(packets, np.array(rules, np.int64))
        orders, transactions = (np.concatenate([pair[i] for pair in some]) for i in (0, 1))
        every = np.unique(orders << 32 | transactions)
        orders, transactions = every >> 32, every & 0xFFFFFFFF
        there = agreeing(engine, self._buffers, kinds, orders, transactions)
        flows = packets.scene.tables.transactions["flow"]
        return [
            (order, transaction)
            for order, transaction in zip(orders[there].tolist(), transactions[there].tolist(), strict=True)
            if engine.rules[order].payload is None or int(flows[transaction]) in met.get(order, ())
        ]

    def _kinds(self, names: Iterable[str]) -> dict[str, int]:
        """The numbers of buffers by the names that rules have for them; -1 for none."""
        return {name: self.found.kinds.get(SAME.get(name, name), -1) for name in names}

    def ask(self, pairs: Sequence[tuple[int, int]]) -> None:
        """Run the compiled contents of all pairs over their buffers."""
        engine = self.packets.engine
        transactions = np.unique(np.array([transaction for _, transaction in pairs], np.int64))
        self.found.ask(transactions)
        self.numbers.ask(transactions)
        kinds = self._kinds({c.demand.kind for order, _ in pairs for c in engine.rules[order].checks})
        self._told = verdicts(engine, self._buffers, kinds, pairs)

    def match(self, compiled: Compiled, transaction: int) -> Iterator[tuple[int, ...]]:
        """(rule, item, flow, direction, frame) where a rule agrees with a transaction: once a direction."""
        if compiled.applications and self.found.protocol(transaction) not in compiled.applications:
            return
        row_of_it = self.found.tables.transactions[transaction]
        flow, number = int(row_of_it["flow"]), int(row_of_it["number"])
        for direction in directions_of(compiled):
            if self.packets.was_told(flow, number, compiled.order, direction):
                continue
            frame = self._when(compiled, transaction, flow, direction)
            if frame < 0:
                continue
            if not row_of_it["over"]:
                self.packets.is_told(flow, number, compiled.order, direction)
            item = int(self.packets.scene.numbers[flow]) << 24 | number & 0xFFFFFF
            for at in self._frames(compiled, transaction, flow, direction, frame):
                yield compiled.order, item, flow, direction, at

    def on_packets(self, told: Sequence[tuple[int, ...]]) -> Iterator[Candidate]:
        """Of what `match` told that which the packets agree with that it was known by."""
        packets, rules = self.packets, self.packets.engine.rules
        orders, _, flows, directions, frames = np.array(told, np.int64).reshape(-1, 5).T
        rows = packets.rows_of(flows, directions, frames)
        agrees = rows >= 0
        alike: dict[tuple[object, ...], tuple[Compiled, list[int]]] = {}
        for order, places in by_rule(orders):
            compiled = without_application(rules[order])
            alike.setdefault(conditions_of(compiled), (compiled, []))[1].extend(places.tolist())
        for compiled, some in alike.values():
            agrees[some] &= packets.rest(compiled, rows[some])
        for i in np.flatnonzero(agrees).tolist():
            order, item, _, _, at = told[i]
            compiled, row = rules[order], int(rows[i])
            if (
                packets.head(compiled, row)
                and packets.slow(compiled.rule, row)
                and packets.heads(compiled, row)
            ):
                yield packets.candidate(row, order, 1, item, at)

    def _frames(
        self, compiled: Compiled, transaction: int, flow: int, direction: int, frame: int
    ) -> list[int]:
        """When a match is told: once, but of rules about a state alone at each packet while it lasts."""
        rule = compiled.rule
        alone = not (compiled.checks or rule.fields or rule.happenings or rule.others or compiled.payload)
        if not (rule.hook and compiled.applications and alone):
            return [frame]
        until = hooks.passed(self.found.protocol(transaction), rule.hook, *self._known(transaction))
        if until in {frame, hooks.LAST}:
            return [frame]
        chunks = self.found.tables.chunks
        mine = (chunks["flow"] == flow) & (chunks["direction"] == direction) & (chunks["frame"] >= frame)
        if until >= 0:
            mine &= chunks["frame"] <= until
        by_packet = {self.packets.next_of(flow, direction, frame): frame}
        for at in [*np.unique(chunks["frame"][mine]).tolist(), *([until] if until >= 0 else [])]:
            by_packet.setdefault(self.packets.next_of(flow, direction, at), at)
        return sorted(by_packet.values())

    def _when(self, compiled: Compiled, transaction: int, flow: int, direction: int) -> int:
        """The frame at which all demands were met; -1 where they are not."""
        rule = compiled.rule
        transactions = self.found.tables.transactions
        frame = int(transactions["first_frame"][transaction])
        self._inspection = None
        programs = self.packets.engine.check_programs(compiled)
        for check, program in zip(compiled.checks, programs, strict=True):
            if is_head(check):
                continue  # asked of the packet
            side = side_of(check, rule, direction)
            met = self._check(check, program, transaction, side)
            if met < 0:
                return -1
            frame = max(frame, met)
        for name, argument in rule.others:
            if name == "dcerpc.iface" and not self._bound(argument, transaction):
                return -1
        happened = (
            self._happened(rule, happening.name, transaction, flow, direction)
            for happening in rule.happenings
        )
        numbers = self.numbers.met(rule, transaction, direction)
        whole = self._whole(compiled, transaction, flow, direction)
        for met in (numbers, self._state(compiled, transaction), whole, *happened):
            if met < 0:
                return -1
            frame = max(frame, met)
        return frame

    def _happened(self, rule: Rule, name: str, transaction: int, flow: int, direction: int) -> int:
        """The frame at which an event of a transaction happened; -1 where it did not.

        What happened on the other side counts, where the rule names a side or the protocol's transactions
        have two, as long as this side of the transaction is still looked at: up to the first packet this way
        since it was whole.
        """
        frame = self.numbers.happened(name, transaction, flow, direction)
        if frame >= 0 or not (rule.flow.direction or self.found.protocol(transaction) in _TWO_SIDED):
            return frame
        frame = self.numbers.happened(name, transaction, flow, 1 - direction)
        row = self.found.tables.transactions[transaction]
        whole = int(row["request_frame" if direction == 0 else "response_frame"])
        if frame < 0 or not whole or not self.packets.silent(flow, direction, whole, frame):
            return -1
        return max(frame, whole)  # that this side is whole is known then, and not before

    def _whole(self, compiled: Compiled, transaction: int, flow: int, direction: int) -> int:
        """The frame at which the payload part was met, and the message where nothing else is demanded."""
        rule, row = compiled.rule, self.found.tables.transactions[transaction]
        complete = int(row["request_frame" if direction == 0 else "response_frame"])
        frame = 0
        if compiled.payload is not None:
            frame = self.packets.fact(flow, direction, compiled.order)
            if 0 < complete < frame:
                return -1
        if not (compiled.checks or rule.fields or rule.happenings or rule.others or rule.hook):
            return max(frame, complete) if (complete or row["over"]) and frame >= 0 else -1
        return frame

    def _state(self, compiled: Compiled, transaction: int) -> int:
        """The frame at which the transaction was as far as the rule demands; 0 where it demands nothing."""
        rule = compiled.rule
        demands = [argument for name, argument in rule.others if name == "app-layer-state"]
        if not demands and (not rule.hook or not compiled.applications):
            return 0
        protocol, known = self.found.protocol(transaction), self._known(transaction)
        frames = [hooks.stands(protocol, demand, *known) for demand in demands]
        if rule.hook:
            frames.append(hooks.reached(protocol, rule.hook, *known))
        return -1 if min(frames) < 0 else max(frames)

    def _known(self, transaction: int) -> tuple[tuple[int, int], tuple[int, int], hooks.Known]:
        """When each direction of a transaction began and was whole, and since when parts of it were known."""
        row = self.found.tables.transactions[transaction]
        frames = [int(row["request_frame"]), int(row["response_frame"])]
        whole = (self._cut(row, 0, frames[0]), self._cut(row, 1, frames[1]))

        def known(name: str, direction: int) -> int:
            return self.found.since(transaction, name, direction, self.numbers)

        return (int(row["first_frame"]), self.found.began(transaction, 1) or whole[1]), whole, known

    def _cut(self, row: np.void, direction: int, frame: int) -> int:
        """Where a direction was whole, or else where nothing more of its stream was read."""
        return frame or self.numbers.depth(int(row["flow"]), direction)

    def _bound(self, argument: str, transaction: int) -> bool:
        """Whether a DCE/RPC call goes to an interface."""
        if not self.numbers.values(transaction, "dcerpc.opnum"):
            return False  # a binding is no call
        wanted, *more = argument.split(",")
        ask = self.numbers.values
        if any(result for _, _, result in ask(transaction, "dcerpc.ack_result")):
            return False
        if "any_frag" not in more and any(not first for _, _, first in ask(transaction, "dcerpc.first")):
            return False
        for compared in more:
            if compared != "any_frag":
                op = {"!": "!="}.get(compared[0], compared[0])
                versions = [version for _, _, version in ask(transaction, "dcerpc.version")]
                if not all(compare(op, version, int(compared[1:])) for version in versions):
                    return False
        kind = self.found.kinds.get("dcerpc.iface")
        rows = [row for side in (0, 1) for row in self.found.buffers(transaction, kind, side)] if kind else []
        return any(self.found.data(row).lower() == wanted.encode() for row in rows)

    def _inspected(self, transaction: int) -> Inspection:
        """What the interpreter keeps in mind of a rule and a transaction."""
        if self._inspection is None:
            self._inspection = Inspection(little=self.numbers.little(transaction))
        return self._inspection

    def _check(self, check: Check, program: int, transaction: int, direction: int) -> int:
        kind = self.found.kinds.get(SAME.get(check.demand.kind, check.demand.kind))
        rows = self.found.buffers(transaction, kind, direction) if kind is not None else []
        if check.absent and not rows:
            asked = self.numbers.values(transaction, "dns.id")
            if check.demand.kind.startswith("dns.") and all(side != direction for side, _, _ in asked):
                return -1  # no message of DNS went that way
            columns = self.found.tables.transactions
            frame = int(columns["request_frame" if direction == 0 else "response_frame"][transaction])
            return frame or self._headed(check.demand.kind, transaction, direction)
        for row in rows:
            told = self._told.get((program, row), PERHAPS)
            if told == PERHAPS:
                data = changed(self.found.data(row), check.demand.transforms)
                told = YES if self._inspected(transaction).holds(check.ops, data) else NO
            if told == YES:
                return int(self.found.tables.buffers["frame"][row])
        return -1

    def _headed(self, kind: str, transaction: int, direction: int) -> int:
        """The frame since which a head is known that would have a buffer; -1 where it may come yet."""
        if not kind.startswith("http.") or "body" in kind:
            return -1
        line = "http.request_line" if direction == 0 else "http.response_line"
        return self.found.since(transaction, line, direction, self.numbers)


def match(packets: Packets) -> list[Candidate]:
    """Rules on transactions that agree, each once a transaction and direction."""
    matcher = _Matcher(packets)
    told: list[tuple[int, ...]] = []
    pairs = matcher.pairs()
    matcher.ask(pairs)
    for order, transaction in pairs:
        told += matcher.match(packets.engine.rules[order], transaction)
    found = list(matcher.on_packets(told))
    found += [
        packets.candidate(row, compiled.order, 1, -2 - item, frame)
        for compiled in packets.engine.of(TRANSACTION, literal=False)
        for row, item, frame in matcher.numbers.unowned(packets, compiled)
    ]
    return found


def directions_of(compiled: Compiled) -> tuple[int, ...]:
    """The directions of a transaction in which a rule is looked at."""
    rule = compiled.rule
    if rule.transactional:
        return (1,)
    demanded = [rule.hook] if rule.hook else []
    demanded += [argument[1:] for name, argument in rule.others if name == "app-layer-state"]
    for name in demanded:
        at = place(rule.protocol, name)
        if at is not None:
            return (at[0],)
    if rule.flow.direction:
        return (0,) if rule.flow.direction == TO_SERVER else (1,)
    for check in compiled.checks:
        side = check.demand.side or (BUFFERS[check.demand.kind].side if check.demand.kind in BUFFERS else 3)
        if side in {1, 2}:
            return (side - 1,)
    for number in rule.fields:
        if number.side:
            return (number.side - 1,)
    return (0, 1)
