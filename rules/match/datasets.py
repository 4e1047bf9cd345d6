"""Data sets that rules fill and empty: asked when matches stand in order of time."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field

from rules.language.model import Listed, Rule

#: Values that one set may grow to.
MOST = 1 << 20
#: Domains above a name that are looked for.
_MOST_ABOVE = 128


def key(op: Listed, data: bytes) -> bytes:
    """What of a buffer is looked for in a set."""
    if op.digest:
        return hashlib.new(op.digest, data, usedforsecurity=False).hexdigest().encode()
    if op.wide and len(data) == 4:  # an address as one of sixteen bytes (RFC 4291 §2.5.5.2)
        return bytes(10) + b"\xff\xff" + data
    return data


def holds(op: Listed, data: bytes, values: AbstractSet[bytes]) -> bool:
    """Whether a buffer, or with `above` a domain that it lies in, is among values."""
    value = key(op, data)
    if value in values or not op.above:
        return value in values
    at = value.find(b".", 1)
    for _ in range(_MOST_ABOVE):
        if at < 0:
            return False
        if value[at - 1] != b"."[0] and value[at:] in values:
            return True
        at = value.find(b".", at + 1)
    return False


def listed(rule: Rule) -> Iterable[Listed]:
    """The data sets that a rule asks or changes."""
    for check in rule.buffers:
        for op in check.ops:
            if isinstance(op, Listed):
                yield op


def enliven(rules: Iterable[Rule]) -> None:
    """Mark the sets that some rule changes."""
    every = [op for rule in rules for op in listed(rule)]
    changed = {op.name for op in every if op.op in {"set", "unset"}}
    for op in every:
        op.live = op.name in changed


@dataclass
class Sets:
    """The sets that rules change, as they stand."""

    values: dict[str, set[bytes]] = field(default_factory=dict)
    full: int = 0  # values that found no room

    def take(self, ops: Iterable[Listed], data: bytes) -> bool:
        """Whether every op on a live set agrees with a buffer; a change agrees where it makes one."""
        return all(self._take(op, data) for op in ops if op.live)

    def _take(self, op: Listed, data: bytes) -> bool:
        known = self.values.get(op.name)
        if known is None:
            known = self.values[op.name] = set(op.values)
        if op.op in {"isset", "isnotset"}:
            return holds(op, data, known) is (op.op == "isset")
        value = key(op, data)
        there = value in known
        if op.op == "unset":
            known.discard(value)
            return there
        if there:
            return False
        if len(known) >= MOST:
            self.full += 1
            return False
        known.add(value)
        return True
