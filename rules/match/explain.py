"""Why a rule told or did not: its conditions in order against what came nearest to it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from ipaddress import ip_address

import numpy as np

from rules.keywords.sticky import BUFFERS
from rules.language.addresses import ALL_ADDRESSES, ALL_PORTS, MAPPED, Ranges, holds
from rules.language.model import TO_SERVER, BufferCheck, Content, Rule
from rules.match import events, header, vlan
from rules.match.candidates import Packets
from rules.match.compiled import SAME, TRANSACTION, Compiled
from rules.match.engine import Alert, Engine
from rules.match.fields import Numbers
from rules.match.inspect import Inspection, Ops
from rules.match.scene import SLOW, Scene, slow_value
from rules.match.streams import Windows
from rules.match.transactions import Found, directions_of
from rules.match.transform import changed
from rules.telling import bytes_text, op_text, ranges_text, span_text

#: Things that are looked at one by one at most, and bytes of a buffer that are shown.
MOST, SHOWN = 20_000, 64


@dataclass(frozen=True)
class Step:
    """One condition: which `kind`, what it demands, whether it was met and what it saw."""

    kind: str
    demand: str
    met: bool
    saw: str


@dataclass(frozen=True)
class Nearest:
    """What came nearest to a rule: where, which way, and the conditions up to the one that failed."""

    frame: int
    source: str
    target: str
    direction: int
    thing: str  # packet, stream, transaction
    steps: tuple[Step, ...]

    @property
    def met(self) -> int:
        """Conditions that were met."""
        return sum(step.met for step in self.steps)


@dataclass(frozen=True)
class Explanation:
    """How often a rule told, why it never can, and what came nearest to it (None where nothing was there)."""

    told: tuple[int, ...]  # frames
    never: tuple[str, ...]
    nearest: Nearest | None


def explain(rule: Rule, found: Iterable[tuple[Scene, list[Alert]]]) -> Explanation:
    """A rule over the scenes of a source, each with what it told there."""
    each = [_explained(rule, scene, alerts) for scene, alerts in found]
    told = tuple(frame for one in each for frame in one.told)
    nearest = [one.nearest for one in each if one.nearest is not None]
    best = max(nearest, key=lambda near: (near.met, near.frame in told), default=None)
    return Explanation(told, tuple(rule.cannot), best)


def _explained(rule: Rule, scene: Scene, alerts: list[Alert]) -> Explanation:
    frames = tuple(alert.frame for alert in alerts if alert.rule.sid == rule.sid)
    engine = Engine([replace(rule, cannot=[])])
    compiled = engine.rules[0]
    looker = _Looker(engine, compiled, scene)
    best: Nearest | None = None
    things = looker.transactions() if compiled.kind == TRANSACTION else looker.packets()
    for count, near in enumerate(things):
        if best is None or (near.met, near.frame in frames) > (best.met, best.frame in frames):
            best = near
        if count >= MOST:
            break
    return Explanation(frames, tuple(rule.cannot), best)


class _Looker:
    """A rule against the things of a scene, one by one."""

    def __init__(self, engine: Engine, compiled: Compiled, scene: Scene) -> None:
        self.rule = compiled.rule
        self.compiled = compiled
        self.scene = scene
        engine.carry.adopt(scene)
        self.seen = Packets(engine, scene, engine.carry.marks(scene))
        self.windows = Windows(self.seen)
        self.found = Found(self.seen)
        self.numbers = Numbers(scene)
        every = np.arange(len(scene.tables.transactions))
        self.found.ask(every)
        self.numbers.ask(every)

    def packets(self) -> Iterator[Nearest]:
        """Packets, with the stream that each belongs to where the rule is about streams."""
        whole: dict[tuple[int, int], bytes] = {}
        for row in range(self.scene.carried, len(self.scene.packets)):
            steps = list(self._until_failed(self._packet(row)))
            yield self._near(row, "packet", steps)
            flow, direction = int(self.seen.flow[row]), int(self.seen.direction[row])
            failed = next((step for step in steps if not step.met), None)
            if failed is None or failed.kind != "content" or not self.windows.streamed[row]:
                continue
            if (flow, direction) not in whole:
                whole[flow, direction] = self.windows.whole(flow, direction)
                head = [step for step in steps if step.kind != "content"]
                ops = self._payload(whole[flow, direction])
                yield self._near(row, "stream", head + list(self._until_failed(ops)))

    def transactions(self) -> Iterator[Nearest]:
        """Transactions, each direction by itself."""
        tables = self.scene.tables
        for transaction in range(len(tables.transactions)):
            protocol = self.found.protocol(transaction)
            flow = int(tables.transactions["flow"][transaction])
            for direction in directions_of(self.compiled):
                row = self.seen.row_of(flow, direction, int(tables.transactions["first_frame"][transaction]))
                if row < 0:
                    continue
                steps = self._until_failed(self._transaction(transaction, protocol, row, direction))
                yield self._near(row, "transaction", list(steps))

    @staticmethod
    def _until_failed(steps: Iterator[Step]) -> Iterator[Step]:
        for step in steps:
            yield step
            if not step.met:
                return

    def _near(self, row: int, thing: str, steps: list[Step]) -> Nearest:
        ends = [
            f"{_address(int(high[row]) << 64 | int(low[row]))}:{int(port[row])}"
            for high, low, port in (self.scene.source, self.scene.target)
        ]
        frame = int(self.scene.frames[row])
        return Nearest(frame, ends[0], ends[1], int(self.seen.direction[row]), thing, tuple(steps))

    def _packet(self, row: int) -> Iterator[Step]:
        yield from self._header(row)
        if self.compiled.applications or self.rule.applications:
            yield self._spoken(row)
        yield from self._fields(row)
        for happening in self.rule.happenings:
            there = bool(events.happened(self.seen, replace(self.rule, happenings=[happening]))[row])
            yield Step("event", happening.name, there, "" if there else "-")
        yield from self._payload(self.scene.payload(row))

    def _payload(self, data: bytes) -> Iterator[Step]:
        if self.compiled.payload is not None:
            yield from _ops(self.compiled.payload.demand, [data], Inspection())

    def _header(self, row: int) -> Iterator[Step]:
        rule, scene = self.rule, self.scene
        proto = int(scene.packets["proto"][row])
        yield Step("protocol", rule.protocol, self.compiled.ip_protocol in {0, proto}, str(proto))
        source, target = (
            (int(high[row]) << 64 | int(low[row]), int(port[row]))
            for high, low, port in (scene.source, scene.target)
        )
        if rule.both_ways and not self._fits(source, target):
            source, target = target, source
        for kind, demand, everything, (address, port) in (
            ("source", (rule.source, rule.source_ports), ALL_ADDRESSES, source),
            ("target", (rule.target, rule.target_ports), ALL_ADDRESSES, target),
        ):
            if demand[0] != everything:
                text = ranges_text(demand[0], ports=False)
                yield Step(kind, text, holds(demand[0], address), _address(address))
            if demand[1] != ALL_PORTS:
                yield Step(
                    f"{kind}_port", ranges_text(demand[1], ports=True), holds(demand[1], port), str(port)
                )
        if rule.flow.direction:
            way = int(self.seen.direction[row]) == (0 if rule.flow.direction == TO_SERVER else 1)
            yield Step("direction", _side(rule.flow.direction), way, _side(1 + int(self.seen.direction[row])))
        if rule.flow.established is not None:
            stands = bool(self.seen.established[row])
            yield Step(
                "established", str(rule.flow.established), stands == rule.flow.established, str(stands)
            )

    def _fits(self, source: tuple[int, int], target: tuple[int, int]) -> bool:
        rule = self.rule
        sides: tuple[tuple[Ranges, int], ...] = (
            (rule.source, source[0]), (rule.source_ports, source[1]),
            (rule.target, target[0]), (rule.target_ports, target[1]),
        )  # fmt: skip
        return all(holds(ranges, value) for ranges, value in sides)

    def _spoken(self, row: int) -> Step:
        wanted = "/".join(sorted(self.compiled.applications)) or ", ".join(
            f"{'!' * negated}{name},{mode}" for name, negated, mode in self.rule.applications
        )
        flow = int(self.seen.flow[row])
        flows = self.scene.tables.flows
        known = flow >= 0 and len(flows)
        saw = self.scene.names.protocols[int(flows["protocol"][flow])] if known else "-"
        met = bool(self.seen.rest(_protocols_only(self.compiled), np.array([row]))[0])
        return Step("application", wanted, met, saw)

    def _fields(self, row: int) -> Iterator[Step]:
        for number in self.rule.numbers:
            if number.name.endswith(".either"):
                continue
            if number.name.startswith("vlan."):
                ids = vlan.identifiers(self.scene, row)
                saw = str(len(ids)) if number.name == vlan.LAYERS else ", ".join(map(str, ids)) or "-"
                demand = f"{number.name} {'!' * number.negated}{span_text(number.low, number.high)}"
                yield Step("number", demand, vlan.agrees(self.scene, row, number), saw)
                continue
            if number.name in SLOW:
                value = slow_value(self.scene, row, number.name, number.low)
            else:
                values, has = self.seen.field(number.name)
                value = int(values[row]) if has[row] else None
            met = value is not None and number.agrees(value)
            demand = f"{number.name} {'!' * number.negated}{span_text(number.low, number.high)}"
            yield Step("number", demand, met, "-" if value is None else str(value))
        for flags in self.rule.flags:
            value = int(self.seen.field(flags.name)[0][row]) & ~flags.ignored
            met = bool(header.flags(self.seen.field, flags)[row])
            yield Step("flags", f"{flags.name} {flags.mode}{flags.wanted:#x}", met, f"{value:#x}")
        for size in self.rule.stream_sizes:
            met = events.stream_size(self.seen, size, row)
            yield Step("number", f"stream_size {size.side} {size.op} {size.value}", met, "")

    def _transaction(self, transaction: int, protocol: str, row: int, direction: int) -> Iterator[Step]:
        wanted = self.compiled.applications
        if wanted:
            yield Step("application", "/".join(sorted(wanted)), protocol in wanted, protocol)
        yield from self._header(row)
        inspection = Inspection(little=self.numbers.little(transaction))
        for check in self.compiled.checks:
            kind = check.demand.kind
            side = direction
            if check.demand.side:
                side = 0 if check.demand.side == TO_SERVER else 1
            elif self.rule.transactional:
                side = 1 if kind in BUFFERS and BUFFERS[kind].side == 2 else 0
            number = self.found.kinds.get(SAME.get(kind, kind))
            rows = self.found.buffers(transaction, number, side) if number is not None else []
            datas = [changed(self.found.data(each), check.demand.transforms) for each in rows]
            if check.absent:
                yield Step("absent", kind, not datas or check.ops.ops[0].or_else, str(len(datas)))  # type: ignore[union-attr]
                continue
            yield Step("buffer", kind, bool(datas), str(len(datas)))
            yield from _ops(check.demand, datas, inspection)
        for field in self.rule.fields:
            values = [n for s, _, n in self.numbers.values(transaction, field.name) if s == direction]
            met = any(field.agrees(n) for n in values)
            demand = f"{field.name} {'!' * field.negated}{span_text(field.low, field.high)}"
            yield Step("number", demand, met, ", ".join(map(str, values[:8])) or "-")
        for name, argument in self.rule.others:
            only = replace(self.rule, fields=[], others=[(name, argument)])
            yield Step("other", f"{name} {argument}", self.numbers.met(only, transaction, direction) >= 0, "")
        for happening in self.rule.happenings:
            flow = int(self.scene.tables.transactions["flow"][transaction])
            met = self.numbers.happened(happening.name, transaction, flow, direction) >= 0
            yield Step("event", happening.name, met, "" if met else "-")
        flow = int(self.scene.tables.transactions["flow"][transaction])
        yield from self._payload(self.windows.whole(flow, direction))


def _protocols_only(compiled: Compiled) -> Compiled:
    """Of a rule only what it says of protocols."""
    rule = replace(compiled.rule, numbers=[], flags=[], hook="", flow=type(compiled.rule.flow)())
    return replace(compiled, rule=rule)


def _ops(check: BufferCheck, datas: list[bytes], inspection: Inspection) -> Iterator[Step]:
    """Each op of a buffer, and the data of that kind that most of the ops agree with."""
    best, data = -1, b""
    for each in datas:
        depth = 0
        while depth < len(check.ops):
            decoded = check.decoded if depth + 1 == len(check.ops) else []
            if not Inspection(inspection.little).holds(Ops(check.ops[: depth + 1], decoded), each):
                break
            depth += 1
        if depth > best:
            best, data = depth, each
    for at, op in enumerate(check.ops):
        names = "".join(f" | {transform.name}" for transform in check.transforms)
        yield Step("content", f"{check.kind}{names}: {op_text(op)}", at < best, _excerpt(op, data))


def _excerpt(op: object, data: bytes) -> str:
    """What of a buffer is shown beside an op: around the content, where it stands at all, else the start."""
    begin = 0
    if isinstance(op, Content):
        place = data.lower().find(op.pattern.lower())
        if place >= 0:
            begin = max(0, place - 8)
    return f"{begin}/{len(data)}: {bytes_text(data[begin : begin + SHOWN], SHOWN)}"


def _address(number: int) -> str:
    small = MAPPED <= number < MAPPED + (1 << 32)
    return str(ip_address(number - MAPPED)) if small else str(ip_address(number))


def _side(direction: int) -> str:
    return "to_server" if direction == TO_SERVER else "to_client"
