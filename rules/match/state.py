"""What rules keep in mind: bits of flows, hosts and pairs, numbers of flows, how often who told what."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from rules.language.model import Bits, FlowInt, Limit, Rule
from rules.match.datasets import Sets

_SECOND = 1_000_000_000
#: What rules do with bits that changes none; and what bits of a flow are of.
ASKS, OF_FLOWS = frozenset({"isset", "isnotset"}), frozenset({"flow", "tx"})


class Where(NamedTuple):
    """What a match is about: its flow (-1: none), addresses as numbers, time in ns."""

    flow: int
    source: int
    target: int
    time: int


@dataclass
class _Count:
    first: int
    count: int = 0
    next: int = 0
    told: bool = False


@dataclass
class Memory:
    """Everything kept between matches; bounded, the oldest going first."""

    most: int = 1 << 20
    bits: dict[tuple[object, ...], int] = field(default_factory=dict)  # to when it ends; 0 never
    named: dict[str, set[int]] = field(default_factory=dict)  # by name of bits the live flows that set them
    numbers: dict[tuple[int, str], int] = field(default_factory=dict)
    counts: dict[tuple[object, ...], _Count] = field(default_factory=dict)
    passed: set[int] = field(default_factory=set)  # flows that a pass rule let go
    dropped: set[int] = field(default_factory=set)
    sets: Sets = field(default_factory=Sets)  # data sets that rules change

    def over(self, flows: Sequence[int]) -> None:
        """Flows are over: what is only of use while they live is let go."""
        for known in (self.passed, self.dropped, *self.named.values()):
            known.difference_update(flows)

    def stand(self, asked: Sequence[tuple[bool, tuple[str, ...]]], flow: int, now: int) -> bool:
        """Whether of bits of a flow one of each group is set, or none is."""
        for wanted, names in asked:
            found = False
            for name in names:
                key = "flow", flow, name
                until = self.bits.get(key)
                if until is not None and (not until or self._is_set(key, now)):
                    found = True
                    break
            if found is not wanted:
                return False
        return True

    def agrees(self, rule: Rule, where: Where) -> bool:
        """Whether bits and numbers stand as the rule demands."""
        for bits in rule.bits:
            if not self._bits_agree(bits, where):
                return False
        return not rule.integers or all(self._number_agrees(number, where) for number in rule.integers)

    def change(self, rule: Rule, where: Where) -> None:
        """Set what the rule sets, once it matched."""
        for bits in rule.bits:
            if bits.op in ASKS:
                continue
            key = self._key(bits, bits.names[0], where)
            until = where.time + bits.expire * _SECOND if bits.expire else 0
            if bits.op == "set" or (bits.op == "toggle" and not self._is_set(key, where.time)):
                self._room(self.bits)
                self.bits[key] = until
                self.named.setdefault(bits.names[0], set()).add(where.flow)
            elif bits.op in {"unset", "toggle"}:
                self.bits.pop(key, None)
        for number in rule.integers:
            self._compute(number, where)

    def _bits_agree(self, bits: Bits, where: Where) -> bool:
        if bits.op not in ASKS:
            return True
        for name in bits.names:
            if self._is_set(self._key(bits, name, where), where.time):
                return bits.op == "isset"
        return bits.op == "isnotset"

    def _is_set(self, key: tuple[object, ...], now: int) -> bool:
        until = self.bits.get(key)
        if until is None:
            return False
        if until and until < now:
            del self.bits[key]
            return False
        return True

    def _key(self, bits: Bits, name: str, where: Where) -> tuple[object, ...]:
        if bits.scope in OF_FLOWS:
            return ("flow", where.flow, name)
        if bits.scope == "ip_src":
            return ("host", where.source, name)
        if bits.scope == "ip_dst":
            return ("host", where.target, name)
        return ("pair", *sorted((where.source, where.target)), name)

    def _number_agrees(self, number: FlowInt, where: Where) -> bool:
        value = self.numbers.get((where.flow, number.name))
        if number.op == "isset":
            return value is not None
        if number.op == "isnotset":
            return value is None
        if number.op in {"=", "+", "-"}:
            return True
        other = self._operand(number, where)
        if value is None or other is None:
            return False
        return {
            "==": value == other, "!=": value != other, "<": value < other,
            ">": value > other, "<=": value <= other, ">=": value >= other,
        }[number.op]  # fmt: skip

    def _operand(self, number: FlowInt, where: Where) -> int | None:
        if isinstance(number.value, int):
            return number.value
        return self.numbers.get((where.flow, number.value))

    def _compute(self, number: FlowInt, where: Where) -> None:
        if number.op not in {"=", "+", "-"}:
            return
        other = self._operand(number, where)
        if other is None:
            return
        key = (where.flow, number.name)
        value = self.numbers.get(key, 0)
        self._room(self.numbers)
        result = other if number.op == "=" else value + other if number.op == "+" else value - other
        self.numbers[key] = result & 0xFFFFFFFF

    def _room(
        self, table: dict[object, object] | dict[tuple[object, ...], int] | dict[tuple[int, str], int]
    ) -> None:
        if len(table) >= self.most:
            del table[next(iter(table))]  # type: ignore[arg-type]

    def tells(self, key: int, limit: Limit, where: Where) -> bool:
        """Whether a match may be told, by a threshold or detection filter; it counts either way."""
        full = (key, limit.kind, *_tracked(limit.track, where))
        found = self.counts.get(full)
        fresh = found is None or (
            limit.kind != "backoff" and where.time - found.first > limit.seconds * _SECOND
        )
        if found is None or (fresh and limit.kind != "detection_filter"):
            if len(self.counts) >= self.most:
                del self.counts[next(iter(self.counts))]
            found = self.counts[full] = _Count(where.time, next=limit.count)
        elif fresh:
            found.first, found.count = where.time, 0
        found.count += 1
        if limit.kind == "limit":
            return found.count <= limit.count
        if limit.kind == "rate":
            return found.count > limit.count
        if limit.kind == "threshold":
            if found.count < limit.count:
                return False
            del self.counts[full]
            return True
        if limit.kind == "both":
            return found.count == limit.count
        if limit.kind == "backoff":
            if found.count != found.next:
                return False
            found.next *= limit.multiplier
            return True
        return found.count > limit.count

    def forget(self, key: int, limit: Limit, where: Where) -> None:
        """Count anew."""
        self.counts.pop((key, limit.kind, *_tracked(limit.track, where)), None)


def _tracked(track: str, where: Where) -> tuple[object, ...]:
    if track == "by_src":
        return ("src", where.source)
    if track == "by_dst":
        return ("dst", where.target)
    if track == "by_both":
        return ("both", *sorted((where.source, where.target)))
    if track == "by_flow":
        return ("flow", where.flow)
    return ("rule",)
