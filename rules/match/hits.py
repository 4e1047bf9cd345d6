"""Where the prefilter's literals stand in the buffers of transactions, and which rules may agree there."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from rules.match.compiled import TRANSACTION, Compiled
from rules.match.found import by_rule
from rules.match.interest import owners

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rules.match.candidates import Packets
    from rules.match.engine import Engine
    from rules.match.scene import Tables

Numbers = NDArray[np.int64]
Pairs = tuple[Numbers, Numbers]


class Parts(NamedTuple):
    """What rules on transactions demand of buffers beside the one that their literal is in.

    Of rule i the rows `first[i] : first[i + 1]`: which of `names` is looked into, and by what program.
    """

    names: tuple[str, ...]
    first: Numbers
    kinds: Numbers
    programs: Numbers

    @classmethod
    def of(cls, rules: Sequence[Compiled], programs: Mapping[int, tuple[int, ...]]) -> Parts:
        """The parts of rules; `programs`: by rule on transactions, by check."""
        names: dict[str, int] = {}
        counts: list[int] = []
        kinds: list[int] = []
        run: list[int] = []
        for compiled in rules:
            before = len(run)
            for check, program in zip(compiled.checks, programs.get(compiled.order, ()), strict=False):
                if program >= 0 and check is not compiled.literal_check:
                    kinds.append(names.setdefault(check.demand.kind, len(names)))
                    run.append(program)
            counts.append(len(run) - before)
        first = np.cumsum([0, *counts]).astype(np.int64)
        return cls(tuple(names), first, np.array(kinds, np.int64), np.array(run, np.int64))


class Buffers:
    """The buffers of a scene's transactions, by transaction and kind."""

    def __init__(self, tables: Tables) -> None:
        self.arena = tables.arena
        self._table = tables.buffers
        self.owners, self.at, self.lengths = (
            self._table[name].astype(np.int64) for name in ("transaction", "at", "length")
        )
        keys = self.owners << 16 | self._table["kind"]
        self._rows = np.argsort(keys, kind="stable")
        self._keys = keys[self._rows]

    def of(self, transactions: Numbers, kinds: Numbers) -> Pairs:
        """Rows of the buffers of transactions that are of a kind, and of which of these pairs each is."""
        wanted = transactions << 16 | kinds
        first, last = (np.searchsorted(self._keys, wanted, side) for side in ("left", "right"))
        place, which = spread(first, last)
        return self._rows[place], which

    def by_kind(self) -> dict[int, Numbers]:
        """The rows of each kind, in order."""
        return dict(by_rule(self._table["kind"]))


def hit(packets: Packets, buffers: Buffers, kinds: Mapping[str, int]) -> Pairs:
    """(rule, transaction) whose literal is in a buffer that its contents may agree with; some more than once.

    `kinds`: buffers' numbers by the names that rules have for them.
    """
    engine, tables = packets.engine, packets.scene.tables
    every, by_kind = engine.every_buffer, buffers.by_kind()
    told: list[Pairs] = [(np.zeros(0, np.int64), np.zeros(0, np.int64))]
    for kind, literals in engine.buffers.items():
        rows = by_kind.get(kinds.get(kind, -1))
        if rows is not None:
            found, which = literals.scan(buffers.arena, buffers.at[rows], buffers.lengths[rows])
            told.append((rows[found], which + every.begin[kind]))
    owners, literal = (np.concatenate([pair[i] for pair in told]) for i in (0, 1))
    place, which = spread(every.first[literal], every.first[literal + 1])
    orders, owners = every.rules[place], owners[which]
    there = engine.spoken(packets.scene.names.protocols)[
        orders, tables.transactions["protocol"][buffers.owners[owners]]
    ]
    orders, owners = orders[there], owners[there]
    open_to = _open_to(packets, orders, buffers.owners[owners])
    orders, owners = orders[open_to], owners[open_to]
    may = engine.programs.verify(
        buffers.arena, buffers.at[owners], buffers.lengths[owners], engine.literal_programs[orders]
    )
    return orders[may > 0], buffers.owners[owners[may > 0]]


def loose(packets: Packets, rules: Numbers) -> Pairs:
    """(rule, transaction) of rules that no literal says where to look for, protocol and headers agreeing."""
    told: list[Pairs] = [(np.zeros(0, np.int64), np.zeros(0, np.int64))]
    spoken = packets.engine.spoken(packets.scene.names.protocols)
    for protocol, transactions in by_rule(packets.scene.tables.transactions["protocol"]):
        mine = rules[spoken[rules, protocol]]
        told.append((np.repeat(mine, len(transactions)), np.tile(transactions, len(mine))))
    orders, transactions = (np.concatenate([pair[i] for pair in told]) for i in (0, 1))
    there = _open_to(packets, orders, transactions)
    return orders[there], transactions[there]


def _open_to(packets: Packets, orders: Numbers, transactions: Numbers) -> NDArray[np.bool_]:
    """Which rules' headers agree with a direction of a transaction's flow that the rule is looked at in."""
    flows = packets.scene.tables.transactions["flow"][transactions].astype(np.int64)
    return packets.engine.gates.open_to(orders, flows, packets.engine.ways, packets.ends)


def agreeing(
    engine: Engine, buffers: Buffers, kinds: Mapping[str, int], orders: Numbers, transactions: Numbers
) -> NDArray[np.bool_]:
    """Which pairs have, for each further part of the rule, a buffer of the transaction that may agree."""
    parts = engine.parts
    part, pair = spread(parts.first[orders], parts.first[orders + 1])
    numbers = np.array([kinds.get(name, -1) for name in parts.names] or [-1], np.int64)
    rows, which = buffers.of(transactions[pair], numbers[parts.kinds[part]])
    may = engine.programs.verify(
        buffers.arena, buffers.at[rows], buffers.lengths[rows], parts.programs[part[which]]
    )
    met = np.zeros(len(part), np.bool_)
    met[which[may > 0]] = True
    agrees = np.ones(len(orders), np.bool_)
    agrees[pair[~met]] = False
    return agrees


def verdicts(
    engine: Engine, buffers: Buffers, kinds: Mapping[str, int], pairs: Sequence[tuple[int, int]]
) -> dict[tuple[int, int], int]:
    """Of programs of pairs (rule, transaction), by program and row of a buffer: NO, YES or PERHAPS."""
    asked: set[tuple[int, int, int]] = set()
    for order, transaction in pairs:
        compiled = engine.rules[order]
        for check, program in zip(compiled.checks, engine.check_programs(compiled), strict=True):
            kind = kinds.get(check.demand.kind, -1)
            if program >= 0 and kind >= 0:
                asked.add((transaction, kind, program))
    wanted = np.array(sorted(asked), np.int64).reshape(-1, 3)
    rows, which = buffers.of(wanted[:, 0], wanted[:, 1])
    programs = wanted[which, 2]
    told = engine.programs.verify(buffers.arena, buffers.at[rows], buffers.lengths[rows], programs)
    return dict(zip(zip(programs.tolist(), rows.tolist(), strict=True), told.tolist(), strict=True))


def spread(first: Numbers, last: Numbers) -> tuple[Numbers, Numbers]:
    """All numbers of ranges, one behind the other, and of which range each is."""
    many = last - first
    which = np.repeat(np.arange(len(first)), many)
    return np.arange(int(many.sum())) + np.repeat(first - np.cumsum(many) + many, many), which


def speaks(rules: Sequence[Compiled], protocols: Sequence[str]) -> NDArray[np.bool_]:
    """By rule and protocol whether the rule is about transactions of it.

    Where a rule names none, and no literal of a buffer leads to it, those count that its buffers are of.
    """
    known: dict[frozenset[str], NDArray[np.bool_]] = {}
    found = np.ones((len(rules), len(protocols)), np.bool_)
    for compiled in rules:
        led = compiled.literal and compiled.literal_kind != "payload"
        wanted = compiled.applications or (frozenset() if led else owners(compiled))
        if compiled.kind == TRANSACTION and wanted:
            if wanted not in known:
                known[wanted] = np.array([name in wanted for name in protocols])
            found[compiled.order] = known[wanted]
    return found
