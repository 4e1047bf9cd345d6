"""Rules on protocol units (`frame:`): each unit that agrees is told by itself."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from rules.match.compiled import UNIT, Compiled, without_application
from rules.match.inspect import Inspection
from rules.match.transform import changed

if TYPE_CHECKING:
    from rules.match.candidates import Packets
    from rules.match.found import Candidate


def match(packets: Packets) -> Iterator[Candidate]:
    """Units that agree with rules, as seen at the packet that completed each."""
    rules = packets.engine.of(UNIT, literal=False) + packets.engine.of(UNIT, literal=True)
    scene = packets.scene
    kinds = {f"frame:{name}": kind for kind, name in enumerate(scene.names.units)}
    for compiled in rules:
        wanted = kinds.get(_demanded(compiled))
        if wanted is None:
            continue
        agreed = packets.agree(without_application(compiled))
        for item in np.flatnonzero(scene.tables.units["kind"] == wanted).tolist():
            unit = scene.tables.units[item]
            row = packets.row_of(int(unit["flow"]), int(unit["direction"]), int(unit["frame"]))
            if row < 0 or not agreed[row] or not packets.slow(compiled.rule, row):
                continue
            start = int(unit["at"])
            data = scene.tables.arena[start : start + int(unit["length"])].tobytes()
            if _holds(compiled, data, int(unit["start"])):
                yield packets.candidate(row, compiled.order, 1, item, int(unit["frame"]))


def _demanded(compiled: Compiled) -> str:
    """The unit that a rule looks into; of several, which never are one, none."""
    kinds = {check.demand.kind for check in compiled.checks}
    return kinds.pop() if len(kinds) == 1 else ""


def _holds(compiled: Compiled, data: bytes, start: int) -> bool:
    inspection = Inspection()
    return all(
        inspection.holds(check.ops, changed(data, check.demand.transforms), start=start)
        for check in compiled.checks
    )
