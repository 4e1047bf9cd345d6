"""Candidates on packets: contents first where that is cheap, then all that is left, rule by rule."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from rules.match import events
from rules.match.compiled import TRANSACTION, Check, Compiled
from rules.match.found import Numbers, by_rule, columns
from rules.match.inspect import Inspection
from rules.match.transform import changed
from rules.match.verify.kernels import YES

if TYPE_CHECKING:
    from rules.match.candidates import Packets

Mask = NDArray[np.bool_]


def decide(packets: Packets, rows: Numbers, orders: Numbers) -> Iterator[Numbers]:
    """Candidates of (packet, rule) whose headers agree: contents first where that is cheap, then the rest."""
    if not len(rows):
        return
    engine = packets.engine
    told = engine.programs.verify(
        packets.scene.buffer, packets.payload_at[rows], packets.scene.available[rows],
        engine.payload_programs[orders],
    )  # fmt: skip
    left = np.flatnonzero(told)
    rows, orders, told = rows[left], orders[left], told[left]
    for order, places in by_rule(orders):
        compiled = engine.rules[order]
        some = places[packets.rest(compiled, rows[places])]
        if compiled.rule.happenings and len(some):
            some = some[events.happened(packets, compiled.rule)[rows[some]]]
        mine, surely = rows[some], told[some] == YES
        if compiled.kind == TRANSACTION:
            _met(packets, compiled, mine, surely)
        else:
            yield columns(packets.scene, mine[_sure(packets, compiled, mine, surely)], order)


def _sure(packets: Packets, compiled: Compiled, rows: Numbers, surely: Mask) -> Mask:
    """Which packets, of those whose compiled contents may agree, agree in all that is left."""
    slow = packets.is_slow(compiled.rule)
    if not slow and not compiled.checks and (surely.all() or compiled.payload is None):
        return np.ones(len(rows), np.bool_)
    found = [
        (not slow or packets.slow(compiled.rule, row))
        and ((sure and not compiled.checks) or _contents(packets, compiled, row))
        for row, sure in zip(rows.tolist(), surely.tolist(), strict=True)
    ]
    return np.array(found, np.bool_)


def _met(packets: Packets, compiled: Compiled, rows: Numbers, surely: Mask) -> None:
    """The payload part of a rule on transactions, on packets."""
    assert compiled.payload is not None
    for row, sure in zip(rows.tolist(), surely.tolist(), strict=True):
        flow = int(packets.flow[row])
        if flow < 0 or not packets.slow(compiled.rule, row):
            continue
        if sure or Inspection().holds(compiled.payload.ops, packets.scene.payload(row)):
            packets.met(flow, int(packets.direction[row]), compiled.order, int(packets.scene.frames[row]))


def _contents(packets: Packets, compiled: Compiled, row: int) -> bool:
    """Whether a packet's bytes agree: payload and header buffers."""
    inspection = Inspection()
    if compiled.payload is not None and not inspection.holds(
        compiled.payload.ops, packets.scene.payload(row)
    ):
        return False
    return all(header_holds(packets, check, row, inspection) for check in compiled.checks)


def header_holds(packets: Packets, check: Check, row: int, inspection: Inspection) -> bool:
    """Whether what is demanded of a header of a packet as a buffer is so."""
    data = events.header_bytes(packets.scene, check.demand.kind, row)
    if data is None:
        return False
    return inspection.holds(check.ops, changed(data, check.demand.transforms))
