"""Where the prefilter's literals stand in the buffers of transactions, and which rules may agree there."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from rules.match.compiled import TRANSACTION, Compiled

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rules.match.candidates import Packets
    from rules.match.engine import Engine
    from rules.match.scene import Tables

Numbers = NDArray[np.int64]


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


def hit(
    engine: Engine, tables: Tables, kinds: Mapping[str, int], protocols: Sequence[str]
) -> tuple[Numbers, Numbers]:
    """(rule, transaction) whose literal is in a buffer that its contents may agree with, each once, in order.

    Of all of a rule's buffers there is one that may agree.

    `kinds`: buffers' numbers by the names that rules have for them.
    """
    buffers, every = tables.buffers, engine.every_buffer
    spoken, protocol = engine.spoken(tuple(protocols)), tables.transactions["protocol"]
    told: list[tuple[Numbers, Numbers]] = [(np.zeros(0, np.int64), np.zeros(0, np.int64))]
    by_kind = np.argsort(buffers["kind"], kind="stable")
    numbers = np.ascontiguousarray(buffers["kind"][by_kind])
    at, lengths = buffers["at"].astype(np.int64), buffers["length"].astype(np.int64)
    for kind, literals in engine.buffers.items():
        number = kinds.get(kind, -1)
        rows = by_kind[np.searchsorted(numbers, number) : np.searchsorted(numbers, number, "right")]
        if number >= 0 and len(rows):
            found, which = literals.scan(tables.arena, at[rows], lengths[rows])
            told.append((rows[found], which + every.begin[kind]))
    owners, literal = (np.concatenate([pair[i] for pair in told]) for i in (0, 1))
    place, which = spread(every.first[literal], every.first[literal + 1])
    orders, owners = every.rules[place], owners[which]
    transactions = buffers["transaction"][owners].astype(np.int64)
    there = spoken[orders, protocol[transactions]]
    orders, owners, transactions = orders[there], owners[there], transactions[there]
    may = engine.programs.verify(tables.arena, at[owners], lengths[owners], engine.literal_programs[orders])
    pairs = np.unique((orders << 32 | transactions)[may > 0])
    pairs = pairs[_agreeing(engine, tables, kinds, pairs >> 32, pairs & 0xFFFFFFFF)]
    return pairs >> 32, pairs & 0xFFFFFFFF


def _agreeing(
    engine: Engine, tables: Tables, kinds: Mapping[str, int], orders: Numbers, transactions: Numbers
) -> NDArray[np.bool_]:
    """Which pairs have, for each further part of the rule, a buffer of the transaction that may agree."""
    parts, buffers = engine.parts, tables.buffers
    part, pair = spread(parts.first[orders], parts.first[orders + 1])
    numbers = np.array([kinds.get(name, -1) for name in parts.names] or [-1], np.int64)
    keys = buffers["transaction"].astype(np.int64) << 16 | buffers["kind"]
    by_key = np.argsort(keys, kind="stable")
    wanted = transactions[pair] << 16 | numbers[parts.kinds[part]]
    place, which = spread(
        np.searchsorted(keys[by_key], wanted), np.searchsorted(keys[by_key], wanted, "right")
    )
    rows = by_key[place]
    may = engine.programs.verify(
        tables.arena, buffers["at"][rows].astype(np.int64), buffers["length"][rows].astype(np.int64),
        parts.programs[part[which]],
    )  # fmt: skip
    met = np.zeros(len(part), np.bool_)
    met[which[may > 0]] = True
    agrees = np.ones(len(orders), np.bool_)
    agrees[pair[~met]] = False
    return agrees


def verdicts(
    engine: Engine, tables: Tables, kinds: Mapping[str, int], pairs: Sequence[tuple[int, int]]
) -> dict[tuple[int, int], int]:
    """Of programs of pairs (rule, transaction), by program and row of a buffer: NO, YES or PERHAPS."""
    asked: set[tuple[int, int]] = set()
    for order, transaction in pairs:
        compiled = engine.rules[order]
        for check, program in zip(compiled.checks, engine.check_programs(compiled), strict=True):
            kind = kinds.get(check.demand.kind, -1)
            if program >= 0 and kind >= 0:
                asked.add((transaction << 16 | kind, program))
    wanted = np.array(sorted(asked), np.int64).reshape(-1, 2)
    buffers = tables.buffers
    keys = buffers["transaction"].astype(np.int64) << 16 | buffers["kind"]
    by_key = np.argsort(keys, kind="stable")
    keys = keys[by_key]
    place, which = spread(np.searchsorted(keys, wanted[:, 0]), np.searchsorted(keys, wanted[:, 0], "right"))
    rows, programs = by_key[place], wanted[which, 1]
    told = engine.programs.verify(
        tables.arena, buffers["at"][rows].astype(np.int64), buffers["length"][rows].astype(np.int64), programs
    )
    return dict(zip(zip(programs.tolist(), rows.tolist(), strict=True), told.tolist(), strict=True))


def spread(first: Numbers, last: Numbers) -> tuple[Numbers, Numbers]:
    """All numbers of ranges, one behind the other, and of which range each is."""
    many = last - first
    which = np.repeat(np.arange(len(first)), many)
    return np.arange(int(many.sum())) + np.repeat(first - np.cumsum(many) + many, many), which


class Loose:
    """The transactions of a scene, for rules that no literal says where to look."""

    def __init__(self, packets: Packets, kinds: Mapping[str, int]) -> None:
        self._engine = packets.engine
        self._packets = packets
        self._kinds = kinds
        self._tables = packets.scene.tables
        self._buffers: dict[int, tuple[Numbers, Numbers, Numbers]] = {}
        self._open_to: dict[tuple[int, tuple[int, ...]], NDArray[np.bool_]] = {}
        flows = np.asarray(self._tables.transactions["flow"], np.int64)
        self._ends = [_first_of(packets, flows, direction) for direction in (0, 1)]

    def maybe(self, compiled: Compiled, wanted: NDArray[np.bool_], directions: Sequence[int]) -> Numbers:
        """Transactions, of those wanted, whose endpoints and contents a rule may agree with."""
        there = self._on_ends(compiled.head, tuple(directions)) & wanted
        for check, program in zip(compiled.checks, self._engine.check_programs(compiled), strict=True):
            if program >= 0 and there.any():
                there &= self._agreeing(check.demand.kind, program, there)
        return np.flatnonzero(there)

    def _on_ends(self, head: int, directions: tuple[int, ...]) -> NDArray[np.bool_]:
        """Transactions whose endpoints in some direction a header may agree with."""
        found = self._open_to.get((head, directions))
        if found is None:
            heads = np.append(self._engine.gates.agree(head, self._packets.ends), True)  # -1: not known
            found = np.zeros(len(self._ends[0]), np.bool_)
            for direction in directions:
                found |= heads[self._ends[direction]]
            self._open_to[head, directions] = found
        return found

    def _agreeing(self, kind: str, program: int, among: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Transactions with a buffer of a kind that a program may agree with."""
        number = self._kinds.get(kind, -1)
        if number not in self._buffers:
            buffers = self._tables.buffers
            rows = np.flatnonzero(buffers["kind"] == number)
            owners, at, lengths = (
                buffers[name][rows].astype(np.int64) for name in ("transaction", "at", "length")
            )
            self._buffers[number] = owners, at, lengths
        owners, at, lengths = self._buffers[number]
        some = among[owners]
        owners = owners[some]
        may = self._engine.programs.verify(
            self._tables.arena, at[some], lengths[some], np.full(len(owners), program)
        )
        found = np.zeros(len(among), np.bool_)
        found[owners[may > 0]] = True
        return found


def _first_of(packets: Packets, flows: Numbers, direction: int) -> Numbers:
    """By flow the endpoints of one of its direction's packets; -1 where there is none."""
    known = np.full(int(max(flows.max(initial=-1), packets.flow.max(initial=-1))) + 1, -1, np.int64)
    rows = np.flatnonzero((packets.flow >= 0) & (packets.direction == direction))
    known[packets.flow[rows]] = packets.ends.of_row[rows]
    return known[flows]


def speaks(rules: Sequence[Compiled], protocols: Sequence[str]) -> NDArray[np.bool_]:
    """By rule and protocol whether the rule is about transactions of it."""
    known: dict[frozenset[str], NDArray[np.bool_]] = {}
    found = np.ones((len(rules), len(protocols)), np.bool_)
    for compiled in rules:
        if compiled.kind == TRANSACTION and compiled.applications:
            if compiled.applications not in known:
                known[compiled.applications] = np.array([name in compiled.applications for name in protocols])
            found[compiled.order] = known[compiled.applications]
    return found
