"""Detectors that were on, their versions and axes; axes that nothing watches are named."""

from posture.index import AXES
from reports.figures import Column, Figure, Query, Said, absent
from reports.inputs import Inputs


def answer(inputs: Inputs) -> Figure:
    """A row a detector with its alerts of the day, as the settings at hand switch them."""
    if not inputs.detectors:
        return absent("detectors_on", "no_detectors")
    axes = {d.axis for d in inputs.detectors}
    without = [axis for axis in AXES if axis not in axes]
    return Figure(
        "detectors_on",
        "partial" if without else "observed",
        tuple(Said(f"unwatched_{axis}") for axis in without),
        {"detectors": len(inputs.detectors), "flows": inputs.flows},
        {"detectors": len(inputs.detectors), "unwatched": without},
        (Column("detector", "name"), Column("version", "count"), Column("axis", "axis"),
         Column("class", "class"), Column("alerts", "count")),
        tuple(
            ([d.name_zh, d.name], d.version, d.axis, d.gb_class, sum(a.rule == d.id for a in inputs.begun))
            for d in inputs.detectors
        ),
    )  # fmt: skip


QUERY = Query("detectors_on", "watch", answer)
