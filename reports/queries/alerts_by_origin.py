"""Alerts of the day by where the attack came from: outside, or from within (GB/T 22239-2019 8.1.3.3 a, b)."""

from reports.figures import Column, Figure, Query, absent
from reports.inputs import Inputs
from reports.queries.shared import watching

_ORIGINS = (("outside", False), ("inside", True), ("several", None))


def answer(inputs: Inputs) -> Figure:
    """Alerts by origin; `several`: many sources, or one that has no address."""
    if not watching(inputs):
        return absent("alerts_by_origin", "nothing_seen")
    rows = []
    for name, inside in _ORIGINS:
        found = [a for a in inputs.begun if a.inside is inside]
        rows.append((name, len(found), sum(a.severity >= 4 for a in found)))
    return Figure(
        "alerts_by_origin", "observed", (), {"alerts": len(inputs.begun)},
        {name: count for name, count, _ in rows},
        (Column("origin", "side"), Column("alerts", "count"), Column("high", "count")), tuple(rows),
    )  # fmt: skip


QUERY = Query("alerts_by_origin", "incidents", answer)
