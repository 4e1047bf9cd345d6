"""What the prefilter looks for: literals with the rules that each is of, by where they are looked for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from rules.match.compiled import Compiled
from rules.match.gates.kernels import (
    DIRECTION,
    DSIZE_HIGH,
    HEAD,
    ON_PACKETS,
    ON_STREAMS,
    STREAMS_ALONE,
    WHERE,
)
from rules.match.gates.tables import Gates
from rules.match.literals import Literals
from rules.match.reach import ANYWHERE

_TCP = 6
#: Bytes of a packet that are looked through for what cannot stand behind them.
NEAR = 32
#: Headers of the rules of an index that are asked before anything is looked through.
FEW = 8


class Index(NamedTuple):
    """Rules of one kind whose literal is looked for in one kind of buffer."""

    literals: Literals
    first: NDArray[np.int64]  # by literal, where its rules begin in `rules`
    rules: NDArray[np.int64]


class Aimed(NamedTuple):
    """What is looked for in the first bytes of packets of a direction."""

    direction: int
    most: int
    what: Index
    heads: (
        tuple[int, ...] | None
    )  # of its rules, where these have few: of other packets none is looked through


class Every(NamedTuple):
    """Indexes as one: literal i of a kind is `begin[kind] + i`, its rules begin at `first` of that."""

    begin: dict[str, int]
    first: NDArray[np.int64]
    rules: NDArray[np.int64]


def index(literals: Sequence[tuple[bytes, int]]) -> Index:
    """The index of (literal, rule)."""
    by_literal: dict[bytes, list[int]] = {}
    for literal, order in literals:
        by_literal.setdefault(literal, []).append(order)
    first = np.cumsum([0, *(len(orders) for orders in by_literal.values())])
    flat = np.array([order for orders in by_literal.values() for order in orders], np.int64)
    return Index(Literals(list(by_literal)), first.astype(np.int64), flat)


def joined(indexes: Mapping[str, Index]) -> Every:
    """Indexes by kind as one."""
    begin: dict[str, int] = {}
    literals = rules = 0
    first = []
    for kind, each in indexes.items():
        begin[kind] = literals
        first.append(each.first[:-1] + rules)
        literals, rules = literals + each.literals.count, rules + len(each.rules)
    none = np.zeros(0, np.int64)
    return Every(
        begin, np.concatenate([none, *first, [rules]]).astype(np.int64),
        np.concatenate([none, *(each.rules for each in indexes.values())]),
    )  # fmt: skip


def beside_streams(rules: Sequence[Compiled], gates: Gates, way: int) -> Iterator[Aimed]:
    """What is looked for in packets of a direction whose bytes went into a stream, near and anywhere."""
    near: list[tuple[bytes, int]] = []
    far: list[tuple[bytes, int]] = []
    for compiled in _going(rules, gates, way):
        row = gates.rules[compiled.order]
        if row[WHERE] not in {ON_STREAMS, STREAMS_ALONE} and compiled.ip_protocol in {0, _TCP}:
            end = min(compiled.payload_reach, int(row[DSIZE_HIGH]))
            (near if end <= NEAR else far).append((compiled.payload_literal, compiled.order))
    for most, some in ((NEAR, near), (ANYWHERE, far)):
        heads = sorted({int(gates.rules[order, HEAD]) for _, order in some})
        yield Aimed(way, most, index(some), tuple(heads) if len(heads) <= FEW else None)


def of_all(aimed: Sequence[Aimed], way: int) -> Index | None:
    """What is looked for in all packets of a direction, anywhere; None where few are looked through."""
    for each in aimed:
        if each.direction == way and each.most == ANYWHERE and each.heads is None:
            return each.what
    return None


def in_streams(rules: Sequence[Compiled], gates: Gates, way: int, beside: Index | None) -> Index:
    """What is looked for in streams of a direction; it is marked where something of `beside` stands there."""
    told = index(
        [
            (compiled.payload_literal, compiled.order)
            for compiled in _going(rules, gates, way)
            if gates.rules[compiled.order, WHERE] != ON_PACKETS
        ]
    )
    if beside is None:
        return told
    patterns = [*told.literals.patterns, *beside.literals.patterns]
    return told._replace(literals=Literals(patterns, told.literals.count))


def _going(rules: Sequence[Compiled], gates: Gates, way: int) -> Iterator[Compiled]:
    """Rules with a literal for payloads that may be about a direction."""
    for compiled in rules:
        if compiled.payload_literal and gates.rules[compiled.order, DIRECTION] in {0, way + 1}:
            yield compiled
