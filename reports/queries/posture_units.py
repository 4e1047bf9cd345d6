"""Posture of the units (委办局): the observed ones, lowest first."""

from posture.index import AXES
from reports.figures import Column, Figure, Query, Said, absent
from reports.inputs import Inputs


def answer(inputs: Inputs) -> Figure:
    """A row a unit with anything observed; how many have nothing stands in the reasons."""
    if inputs.posture is None:
        return absent("posture_units", "no_register")
    rows = [
        (min(a.index for a in row.axes if a.index is not None), row)
        for row in inputs.posture.units
        if any(a.index is not None for a in row.axes)
    ]
    rows.sort(key=lambda pair: (pair[0], pair[1].id))
    unseen = len(inputs.posture.units) - len(rows)
    if not rows:
        return absent("posture_units", "units_unseen", count=unseen)
    return Figure(
        "posture_units",
        "partial" if unseen else "observed",
        (Said("units_unseen", {"count": unseen}),) if unseen else (),
        {"formula": inputs.posture.formula, "units": len(inputs.posture.units)},
        {"unseen": unseen, "lowest": rows[0][0]},
        (Column("unit", "name"), *(Column(axis, "index") for axis in AXES), Column("alerts", "count")),
        tuple(
            (inputs.unit_name(row.id), *(a.index for a in row.axes), sum(a.alerts for a in row.axes))
            for _, row in rows
        ),
    )


QUERY = Query("posture_units", "posture", answer)
