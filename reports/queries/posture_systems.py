"""Posture of the systems: the lowest of the observed ones."""

from posture.index import AXES
from reports.figures import Column, Figure, Query, Said, absent
from reports.inputs import Inputs


def answer(inputs: Inputs) -> Figure:
    """The lowest systems, a row each; hosts of no system go under their unit."""
    if inputs.posture is None:
        return absent("posture_systems", "no_register")
    rows = [
        (min(a.index for a in row.axes if a.index is not None), row)
        for row in inputs.posture.systems
        if any(a.index is not None for a in row.axes)
    ]
    rows.sort(key=lambda pair: (pair[0], pair[1].id, pair[1].unit))
    unseen = len(inputs.posture.systems) - len(rows)
    if not rows:
        return absent("posture_systems", "systems_unseen", count=unseen)
    return Figure(
        "posture_systems",
        "partial" if unseen else "observed",
        (Said("systems_unseen", {"count": unseen}),) if unseen else (),
        {"formula": inputs.posture.formula, "systems": len(inputs.posture.systems), "shown": inputs.top},
        {"unseen": unseen, "lowest": rows[0][0]},
        (Column("system", "name"), Column("unit", "name"), *(Column(axis, "index") for axis in AXES)),
        tuple(
            (inputs.system_name(row.id, row.unit), inputs.unit_name(row.unit) if row.unit else None,
             *(a.index for a in row.axes))
            for _, row in rows[: inputs.top]
        ),
    )  # fmt: skip


QUERY = Query("posture_systems", "posture", answer)
