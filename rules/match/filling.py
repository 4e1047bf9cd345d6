"""Data sets that rules change, asked for the buffers that a match rests on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from rules.keywords.sticky import BUFFERS
from rules.language.model import TO_SERVER, Listed, Rule
from rules.match.compiled import SAME, TRANSACTION, UNIT, Check, Compiled, is_head
from rules.match.datasets import Sets
from rules.match.events import header_bytes
from rules.match.inspect import Inspection
from rules.match.scene import Scene
from rules.match.transform import changed

if TYPE_CHECKING:
    from rules.match.found import Candidate


def live(compiled: Compiled) -> list[tuple[Check, list[Listed]]]:
    """The buffers of a rule that ask or change live sets, and how."""
    found = []
    for check in compiled.checks:
        ops = [op for op in check.demand.ops if isinstance(op, Listed) and op.live]
        if ops:
            found.append((check, ops))
    return found


def agrees(
    asked: list[tuple[Check, list[Listed]]],
    compiled: Compiled,
    candidate: Candidate,
    scene: Scene,
    sets: Sets,
) -> bool:
    """Whether the sets agree with a match, and what changes them did."""
    return all(
        any(sets.take(ops, data) for data in _buffers(check, compiled, candidate, scene))
        for check, ops in asked
    )


def side_of(check: Check, rule: Rule, direction: int) -> int:
    """The direction whose buffers a check looks into, where a rule is looked at in a direction."""
    if check.demand.side:
        return 0 if check.demand.side == TO_SERVER else 1
    if rule.transactional:
        fixed = BUFFERS[check.demand.kind].side if check.demand.kind in BUFFERS else 3
        return {1: 0, 2: 1}.get(fixed, 0)
    return direction


def _buffers(check: Check, compiled: Compiled, candidate: Candidate, scene: Scene) -> Iterator[bytes]:
    """What of a match the other demands on a buffer agree with."""
    inspection = Inspection()
    for raw in _raw(check, compiled, candidate, scene):
        data = changed(raw, check.demand.transforms)
        if inspection.holds(check.ops, data):
            yield data


def _raw(check: Check, compiled: Compiled, candidate: Candidate, scene: Scene) -> Iterator[bytes]:
    kind, tables = check.demand.kind, scene.tables
    if is_head(check):
        head = header_bytes(scene, kind, candidate.row)
        if head is not None:
            yield head
    elif compiled.kind == UNIT:
        unit = tables.units[candidate.item]
        yield tables.arena[int(unit["at"]) : int(unit["at"]) + int(unit["length"])].tobytes()
    elif compiled.kind == TRANSACTION and SAME.get(kind, kind) in scene.names.kinds:
        flow = np.flatnonzero(scene.numbers == candidate.item >> 24)
        mine = np.isin(tables.transactions["flow"], flow)
        mine &= tables.transactions["number"] == candidate.item & 0xFFFFFF
        rows = tables.buffers
        rows = rows[np.isin(rows["transaction"], np.flatnonzero(mine))]
        rows = rows[rows["kind"] == scene.names.kinds.index(SAME.get(kind, kind))]
        rows = rows[rows["direction"] == side_of(check, compiled.rule, int(scene.side[candidate.row]))]
        for row in rows[rows["frame"] <= candidate.known]:
            yield tables.arena[int(row["at"]) : int(row["at"]) + int(row["length"])].tobytes()
