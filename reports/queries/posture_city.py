"""Posture of the city on five axes."""

from reports.figures import Chart, Column, Figure, Query, Said, State, absent
from reports.inputs import Inputs


def answer(inputs: Inputs) -> Figure:
    """The city's index by axis, and its lowest system."""
    if inputs.posture is None:
        return absent("posture_city", "no_register")
    axes = inputs.posture.city.axes
    observed = [a for a in axes if a.index is not None]
    state: State = "not_observable" if not observed else "observed"
    if observed and any(a.observation != "observed" for a in axes):
        state = "partial"
    reasons = tuple(Said(f"axis_{r}") for r in dict.fromkeys(r for a in axes for r in a.reasons))
    return Figure(
        "posture_city", state, reasons,
        {"formula": inputs.posture.formula, "systems": len(inputs.posture.systems),
         "alerts": len(inputs.alerts), "hosts": inputs.hosts},
        {a.axis: a.index for a in axes},
        (Column("axis", "axis"), Column("index", "index"), Column("observation", "observation"),
         Column("observed", "count"), Column("systems", "count"), Column("alerts", "count"),
         Column("worst", "name")),
        tuple(
            (a.axis, a.index, a.observation, a.observed, a.systems, a.alerts,
             inputs.system_name(*a.worst) if a.index is not None else None)
            for a in axes
        ),
        Chart("axes", "axis", "index"),
    )  # fmt: skip


QUERY = Query("posture_city", "posture", answer)
