"""Headers of a rule set as arrays, and what of a scene they are compared with."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from rules.language.addresses import MAPPED, Ranges, merge
from rules.match.compiled import ONCE, STREAM, TRANSACTION, Compiled
from rules.match.gates import kernels
from rules.match.reach import beginning

Numbers = NDArray[np.int64]
Pairs = tuple[Numbers, Numbers]
_MASK = (1 << 64) - 1
_TOP = MAPPED + (1 << 32) - 1
#: Pairs that a kernel may tell at once: more memory is dear to touch.
_ROOM = 1 << 13
_NO_MOST = (1 << 62) - 1
_NO_SIDES = np.zeros(0, np.int64)


class _Index(NamedTuple):
    """Rules by segments of the IPv4 addresses that one side of them names."""

    segments: Numbers
    first: Numbers
    orders: Numbers
    near: NDArray[np.bool_]  # by the first two bytes of an address
    others: Numbers  # rules that name addresses of IPv6, too
    wide: NDArray[np.uint64]  # all these addresses, as ranges


class Answers:
    """Room for what is known of headers and endpoints, used again for others without being cleared."""

    def __init__(self) -> None:
        self._room = np.zeros(0, np.uint8)
        self._stamp = 0

    def take(self, heads: int, ends: int) -> tuple[NDArray[np.uint8], int]:
        """Room in which nothing is known (u1[ends + 1, heads]), and the stamp of what will be."""
        heads = max(heads, 1)
        size = (ends + 1) * heads
        self._stamp += kernels.STEP
        if size > len(self._room):
            self._room = np.zeros(size + (size >> 1), np.uint8)
            self._stamp = kernels.STEP
        elif self._stamp > kernels.STAMP:
            self._room[:] = 0
            self._stamp = kernels.STEP
        memo = self._room[:size].reshape(ends + 1, heads)
        memo[ends, 0] = self._stamp
        return memo, self._stamp


class Ends:
    """Distinct endpoints of a scene: `of_row` says which a packet has."""

    def __init__(
        self,
        heads: int,
        addresses: NDArray[np.uint64],
        numbers: Numbers,
        of_row: Numbers,
        of_side: Numbers = _NO_SIDES,
        *,
        answers: Answers | None = None,
    ) -> None:
        """`of_side`: by twice the flow and the direction, -1 where it has none.

        `answers` is where what is known of each header is kept.
        """
        self.addresses = addresses
        self.numbers = numbers
        self.of_row = of_row
        self.of_side = of_side
        self.memo, self.stamp = (answers or Answers()).take(heads, addresses.shape[1])
        self.agreeing: dict[int, NDArray[np.bool_]] = {}  # by header, where it was asked of all


class Gates:
    """The headers of all rules of a set, each distinct one once; gives every rule its number of it."""

    def __init__(self, rules: Sequence[Compiled]) -> None:
        self._sets: dict[Ranges, int] = {}
        self._ports: dict[Ranges, int] = {}
        known: dict[tuple[object, ...], int] = {}
        rows: list[tuple[int, ...]] = []
        # what is asked of every packet lies together, so that little memory is looked at
        for compiled in sorted(rules, key=lambda c: bool(c.literal) or c.kind == ONCE):
            rule = compiled.rule
            version = int(rule.protocol[-1]) if rule.protocol in {"ipv4", "ip4", "ipv6", "ip6"} else 0
            key = (
                compiled.ip_protocol, version, self._set(rule.source), self._port_set(rule.source_ports),
                self._set(rule.target), self._port_set(rule.target_ports), int(rule.both_ways),
                int(rule.protocol == "pkthdr"),
            )  # fmt: skip
            if key not in known:
                known[key] = len(rows)
                rows.append(key)
            compiled.head = known[key]
        self._head = np.array(rows, np.int64).reshape(len(rows), 8)
        self._first, self._bounds = _ranges(self._sets)
        self._port_first, self._port_low, self._port_high = _port_ranges(self._ports)
        self.rules = np.array([_demands(compiled) for compiled in rules], np.int64).reshape(len(rules), 6)
        self._beginnings = (
            np.array([_beginning(compiled) for compiled in rules], np.uint64).reshape(-1, 2).T.copy()
        )
        self._heads_of = np.array([compiled.head for compiled in rules], np.int64)
        self._once, self.broad = _once([c for c in rules if c.kind == ONCE])

    def __len__(self) -> int:
        return len(self._head)

    def _set(self, ranges: Ranges) -> int:
        return self._sets.setdefault(ranges, len(self._sets))

    def _port_set(self, ranges: Ranges) -> int:
        return self._ports.setdefault(ranges, len(self._ports))

    @property
    def _tables(self) -> tuple[NDArray[np.int64] | NDArray[np.uint64], ...]:
        return self._head, self._first, self._bounds, self._port_first, self._port_low, self._port_high

    def agree(self, head: int, ends: Ends) -> NDArray[np.bool_]:
        """Which endpoints a header agrees with."""
        found = ends.agreeing.get(head)
        if found is None:
            found = ends.agreeing[head] = np.zeros(ends.addresses.shape[1], np.bool_)
            kernels.all_heads(head, *self._tables, ends.addresses, ends.numbers, ends.memo, found)
        return found

    def agree_with(self, head: int, rows: Numbers, ends: Ends) -> NDArray[np.bool_]:
        """Whether a header agrees with the endpoints of packets."""
        of_row = ends.of_row[rows]
        if head in ends.agreeing or len(rows) > ends.addresses.shape[1]:
            return self.agree(head, ends)[of_row]
        found = np.zeros(len(rows), np.bool_)
        kernels.some_heads(head, of_row, *self._tables, ends.addresses, ends.numbers, ends.memo, found)
        return found

    def agrees(self, head: int, end: int, ends: Ends) -> bool:
        """Whether a header agrees with endpoints."""
        known = int(ends.memo[end, head]) - ends.stamp
        if known in {kernels.AGREES, kernels.NOT}:
            return known == kernels.AGREES
        return bool(kernels.head_agrees(head, end, *self._tables, ends.addresses, ends.numbers, ends.memo))

    def open_to(self, orders: Numbers, flows: Numbers, ways: Numbers, ends: Ends) -> NDArray[np.bool_]:
        """Whether rules' headers agree with flows in one of the directions in which each is looked at.

        `ways`: by rule, see `kernels.open_to`. What is not known of a flow may agree.
        """
        found = np.empty(len(orders), np.bool_)
        kernels.open_to(
            orders, flows, ways, ends.of_side, self._heads_of, *self._tables, ends.addresses, ends.numbers,
            ends.memo, found,
        )  # fmt: skip
        return found

    def once(self, which: Numbers, ends: Ends) -> Pairs:
        """(endpoints, rule) of rules about addresses alone that agree with some of the endpoints."""
        told: list[Pairs] = []
        for side, index in enumerate(self._once):
            begin = 0
            room = max(_ROOM, len(index.orders), len(index.others))
            while begin < len(which) and (len(index.segments) or len(index.others)):
                found, orders = np.empty(room, np.int64), np.empty(room, np.int64)
                n, begin = kernels.look_up(
                    which, side, index.near, index.others, index.wide, index.segments, index.first,
                    index.orders, self._heads_of, *self._tables, ends.addresses, ends.numbers, ends.memo,
                    begin, found, orders,
                )  # fmt: skip
                told.append((found[:n].copy(), orders[:n].copy()))
        return _joined(told)

    def alone(
        self, packets: NDArray[np.void], begin: int, columns: Sequence[NDArray[Any]],
        groups: Sequence[Numbers], ends: Ends,
    ) -> Pairs:  # fmt: skip
        """(row, rule) of rules without a literal, from a row on: see `kernels.alone`.

        `columns`: of packets, from `flow` to `payload_at`; `groups`: from `of_protocol` to `orders`.
        """
        told: list[Pairs] = []
        _, _, sections, _, first, _ = groups
        most = int(np.diff(first[sections]).max(initial=0))
        room = max(_ROOM, most)
        while begin < len(packets):
            found, which = np.empty(room, np.int64), np.empty(room, np.int64)
            n, begin = kernels.alone(
                packets, begin, *columns, *groups, most, self._beginnings, self.rules, *self._tables,
                ends.addresses, ends.numbers, ends.memo, found, which,
            )  # fmt: skip
            told.append((found[:n].copy(), which[:n].copy()))
        return _joined(told)

    def pass_pairs(
        self, items: Numbers, literals: Numbers, index: Pairs, columns: Columns, ends: Ends, *, streams: bool
    ) -> Pairs:
        """(item, rule) of (item, literal): see `kernels.gate`. `index`: rules by literal."""
        told: list[Pairs] = []
        begin = 0
        while begin < len(items):
            room = max(_ROOM, int(np.diff(index[0]).max(initial=0)))
            found, orders = np.empty(room, np.int64), np.empty(room, np.int64)
            n, begin = kernels.gate(
                items, literals, begin, *index, *columns, ends.of_row, self.rules, streams, *self._tables,
                ends.addresses, ends.numbers, ends.memo, found, orders,
            )  # fmt: skip
            told.append((found[:n].copy(), orders[:n].copy()))
        return _joined(told)


class Columns(NamedTuple):
    """Of items their packets; of packets what is compared."""

    of_packet: Numbers
    direction: Numbers
    established: Numbers
    streamed: NDArray[np.bool_]
    sizes: Numbers


def _joined(told: list[Pairs]) -> Pairs:
    if not told:
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    return np.concatenate([a for a, _ in told]), np.concatenate([b for _, b in told])


def _demands(compiled: Compiled) -> tuple[int, ...]:
    rule = compiled.rule
    established = -1 if rule.flow.established is None else int(rule.flow.established)
    where = kernels.ON_PACKETS
    if compiled.kind in {STREAM, TRANSACTION}:
        where = kernels.ON_LOOSE if compiled.both else kernels.ON_STREAMS
        if rule.flow.only_stream:
            where = kernels.STREAMS_ALONE
    low, high = 0, _NO_MOST
    for number in rule.numbers:
        if number.name == "dsize" and not number.negated:
            low, high = max(low, number.low), min(high, number.high)
    return compiled.head, rule.flow.direction, established, where, low, high


def _beginning(compiled: Compiled) -> tuple[int, int]:
    """What a rule without a literal wants of the first bytes of a packet's payload: see `kernels.alone`."""
    if compiled.payload is None or compiled.payload_literal or compiled.payload.demand.transforms:
        return 0, 0
    return beginning(compiled.payload.ops.ops)


def _ranges(sets: dict[Ranges, int]) -> tuple[Numbers, NDArray[np.uint64]]:
    first = np.cumsum([0, *(len(ranges) for ranges in sets)]).astype(np.int64)
    return first, _words([pair for ranges in sets for pair in ranges])


def _words(ranges: Sequence[tuple[int, int]]) -> NDArray[np.uint64]:
    words = [[low >> 64, low & _MASK, high >> 64, high & _MASK] for low, high in ranges]
    return np.ascontiguousarray(np.array(words, np.uint64).reshape(len(words), 4).T)


def _port_ranges(sets: dict[Ranges, int]) -> tuple[Numbers, Numbers, Numbers]:
    first = np.cumsum([0, *(len(ranges) for ranges in sets)]).astype(np.int64)
    flat = np.array([pair for ranges in sets for pair in ranges], np.int64).reshape(-1, 2)
    return first, np.ascontiguousarray(flat[:, 0]), np.ascontiguousarray(flat[:, 1])


def _four(ranges: Ranges) -> list[tuple[int, int]]:
    """What of a list is IPv4 addresses."""
    return [(max(low, MAPPED), min(high, _TOP)) for low, high in ranges if low <= _TOP and high >= MAPPED]


def _not_four(ranges: Ranges) -> list[tuple[int, int]]:
    """What of a list reaches beyond IPv4 addresses."""
    return [(low, high) for low, high in ranges if low < MAPPED or high > _TOP]


def _named(ranges: Ranges) -> bool:
    """Whether a list names few of all IPv4 addresses there are."""
    return sum(high - low + 1 for low, high in _four(ranges)) < 1 << 28


def _once(rules: Sequence[Compiled]) -> tuple[tuple[_Index, _Index], list[Compiled]]:
    """Rules about addresses by the side that names some; those that name none are looked at every time."""
    sides: tuple[list[tuple[Ranges, int]], list[tuple[Ranges, int]]] = ([], [])
    broad: list[Compiled] = []
    for compiled in rules:
        source, target = compiled.rule.source, compiled.rule.target
        if compiled.rule.both_ways or compiled.payload is not None or not (_named(source) or _named(target)):
            broad.append(compiled)
        elif _named(source):
            sides[0].append((source, compiled.order))
        else:
            sides[1].append((target, compiled.order))
    return (_segments(sides[0]), _segments(sides[1])), broad


def _segments(named: list[tuple[Ranges, int]]) -> _Index:
    flat = np.array(
        [(low - MAPPED, high - MAPPED + 1, order) for ranges, order in named for low, high in _four(ranges)],
        np.int64,
    ).reshape(-1, 3)
    segments = np.unique(flat[:, :2])
    begin = np.searchsorted(segments, flat[:, 0])
    lengths = np.searchsorted(segments, flat[:, 1]) - begin
    owners = np.repeat(begin - np.cumsum(lengths) + lengths, lengths) + np.arange(int(lengths.sum()))
    orders = np.repeat(flat[:, 2], lengths)
    by_segment = np.lexsort((orders, owners))
    first = np.searchsorted(owners[by_segment], np.arange(len(segments) + 1)).astype(np.int64)
    asked = np.flatnonzero(np.diff(first)[: max(0, len(segments) - 1)] > 0)
    steps = np.zeros((1 << 16) + 1, np.int64)
    np.add.at(steps, segments[asked] >> 16, 1)
    np.add.at(steps, (segments[asked + 1] - 1 >> 16) + 1, -1)
    near = np.cumsum(steps)[:-1] > 0
    wide = [(_not_four(ranges), order) for ranges, order in named]
    others = np.array([order for some, order in wide if some], np.int64)
    return _Index(
        segments, first, orders[by_segment], near, others,
        _words(merge([pair for some, _ in wide for pair in some])),
    )  # fmt: skip
