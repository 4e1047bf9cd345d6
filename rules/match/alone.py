"""Rules that no literal says where to look for, asked of all packets at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from rules.language.model import TO_SERVER, Flags, Number
from rules.match import events, header
from rules.match.compiled import ONCE, PACKET, Compiled
from rules.match.found import Numbers, by_rule
from rules.match.gates import kernels

if TYPE_CHECKING:
    from rules.match.candidates import Packets
    from rules.match.gates.tables import Gates

Pairs = tuple[Numbers, Numbers]
#: Sets of flags that have a bit of their own, at most.
_MOST_FLAGS = 32
_BYTES = 256
_ICMP, _ICMP6 = 1, 58


class Alone:
    """Rules on packets without a literal, by what of a packet they need.

    Rules are grouped by IP protocol and by bits that a packet must have; of a group's rules header and size
    of the payload are asked by a kernel, what else they demand of the packets that are left.
    """

    def __init__(self, rules: Sequence[Compiled], gates: Gates) -> None:
        self._gates = gates
        #: Rules about protocols alone, asked where it becomes known what a flow speaks.
        self.decided = [c for c in rules if c.decided]
        self._happening = [c for c in rules if c.rule.happenings]
        asked = [c for c in rules if not c.decided and not c.rule.happenings]
        self._further = {c.order: c for c in asked if _is_further(c)}
        self._is_further = np.zeros(1 + max((c.order for c in rules), default=-1), np.bool_)
        self._is_further[list(self._further)] = True
        self._flags: dict[tuple[int, str, int], int] = {}
        groups: dict[tuple[int, int], list[int]] = {}
        for compiled in asked:
            groups.setdefault((_protocol(compiled), self._needs(compiled)), []).append(compiled.order)
        self._flag_bits = self._bits_of_flags()
        self._of_protocol, self._sections, which = _sections([protocol for protocol, _ in groups])
        needs, orders = [n for _, n in groups], list(groups.values())
        self._needs_of = np.array([needs[g] for g in which], np.int64)
        self._first = np.cumsum([0, *(len(orders[g]) for g in which)]).astype(np.int64)
        self._orders = np.array([order for g in which for order in orders[g]], np.int64)

    def _needs(self, compiled: Compiled) -> int:
        """Bits of a packet that a rule needs."""
        rule, flow = compiled.rule, compiled.rule.flow
        needs = kernels.FULL if compiled.payload is not None else 0
        if compiled.kind == ONCE:
            needs |= kernels.FIRST
        elif compiled.kind != PACKET and not compiled.both:
            needs |= kernels.LOOSE
        if flow.direction:
            needs |= kernels.SERVERWARD if flow.direction == TO_SERVER else kernels.CLIENTWARD
        if flow.established is not None:
            needs |= kernels.STANDS if flow.established else kernels.STANDS_NOT
        for flags in rule.flags:
            wanted = flags.wanted, flags.mode, flags.ignored
            if _is_plain(flags) and (wanted in self._flags or len(self._flags) < _MOST_FLAGS):
                needs |= 1 << kernels.FLAGS + self._flags.setdefault(wanted, len(self._flags))
        return needs

    def _bits_of_flags(self) -> Numbers:
        """By flags of TCP the bits of what is demanded of them and is so."""
        values, there = np.arange(_BYTES), np.ones(_BYTES, np.bool_)
        found = np.zeros(_BYTES, np.int64)
        for wanted, bit in self._flags.items():
            agree = header.flags(lambda _name: (values, there), Flags("tcp.flags", *wanted))
            found |= agree.astype(np.int64) << kernels.FLAGS + bit
        return found

    def ask(self, packets: Packets, streamed: NDArray[np.bool_]) -> Pairs:
        """(packet, rule) that header, flow and header fields agree for, of packets not matched before.

        `streamed`: packets whose payloads went into a stream, which rules on streams do not look at alone.
        """
        told = [self._broadly(packets, streamed)]
        told += [
            (rows, np.full(len(rows), compiled.order))
            for compiled, rows in (*self._decided(packets), *self._happened(packets))
        ]
        rows, orders = (np.concatenate([pair[i] for pair in told]) for i in (0, 1))
        return rows, orders

    def _broadly(self, packets: Packets, streamed: NDArray[np.bool_]) -> Pairs:
        if not len(self._orders):
            return np.zeros(0, np.int64), np.zeros(0, np.int64)
        rows, orders = self._gates.alone(
            packets.scene.packets, packets.scene.carried,
            (packets.flow, packets.direction, packets.established, packets.first, streamed,
             packets.scene.available, packets.ends.of_row, packets.scene.view, packets.payload_at),
            (self._of_protocol, self._flag_bits, self._sections, self._needs_of, self._first, self._orders),
            packets.ends,
        )  # fmt: skip
        keep = ~self._is_further[orders]
        asked = np.flatnonzero(~keep)
        for order, places in by_rule(orders[asked]):
            some = asked[places]
            keep[some] = packets.rest(self._further[order], rows[some])
        return rows[keep], orders[keep]

    def _decided(self, packets: Packets) -> Iterator[tuple[Compiled, Numbers]]:
        if self.decided:
            rows = np.flatnonzero(packets.decided())
            for compiled in self.decided:
                yield compiled, rows[packets.fits(compiled, rows)]

    def _happened(self, packets: Packets) -> Iterator[tuple[Compiled, Numbers]]:
        """Rules about what happened to packets, which is seldom."""
        for compiled in self._happening:
            rows = np.flatnonzero(events.happened(packets, compiled.rule) & packets.fresh)
            if compiled.payload is not None:
                rows = rows[packets.scene.available[rows] > 0]
            if len(rows):
                yield compiled, rows[packets.fits(compiled, rows)]


def _is_plain(flags: Flags) -> bool:
    return flags.name == "tcp.flags"


def _number_is_asked(number: Number) -> bool:
    """Whether the kernel asks a number of a header."""
    return (number.name == "dsize" and not number.negated and not number.mask) or _is_protocol(number)


def _is_protocol(number: Number) -> bool:
    exact = number.low == number.high and not number.negated and not number.mask
    return number.name == "ip.proto" and exact and 0 <= number.low < _BYTES


def _is_further(compiled: Compiled) -> bool:
    """Whether a rule demands more of headers and flows than the kernel asks."""
    rule = compiled.rule
    return bool(
        compiled.applications or rule.applications or rule.flow.fragment is not None
        or rule.hook == "flow_start" or not all(map(_is_plain, rule.flags))
        or not all(map(_number_is_asked, rule.numbers))
    )  # fmt: skip


def _protocol(compiled: Compiled) -> int:
    """The IP protocol that packets of a rule have; 0 for any."""
    named = [number.low for number in compiled.rule.numbers if _is_protocol(number)]
    return compiled.ip_protocol or (named[0] if named else 0)


def _sections(protocols: Sequence[int]) -> tuple[Numbers, Numbers, list[int]]:
    """By protocol of a packet its section, where each begins, and the groups of all, one behind the other.

    `protocols`: by group, 0 for any.
    """
    known: dict[tuple[int, ...], int] = {}
    section_of = np.zeros(_BYTES, np.int64)
    for spoken in range(_BYTES):
        also = {0, spoken, _ICMP} if spoken == _ICMP6 else {0, spoken}
        mine = tuple(g for g, protocol in enumerate(protocols) if protocol in also)
        section_of[spoken] = known.setdefault(mine, len(known))
    first = np.cumsum([0, *(len(groups) for groups in known)]).astype(np.int64)
    return section_of, first, [g for groups in known for g in groups]
