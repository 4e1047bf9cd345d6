"""Alerts of the day by level of GB/T 20986-2023 where somebody graded them, and by severity."""

from collections import Counter

from reports.figures import Chart, Column, Figure, Query, Said, absent
from reports.inputs import Inputs
from reports.queries.shared import watching


def answer(inputs: Inputs) -> Figure:
    """A row a severity, worst first; how many have no level is a reason, not a guess."""
    if not watching(inputs):
        return absent("alerts_by_level", "nothing_seen")
    begun = inputs.begun
    ungraded = sum(a.gb_level is None for a in begun)
    counts = Counter(a.severity for a in begun)
    graded = Counter(a.severity for a in begun if a.gb_level is not None)
    levels = Counter(a.gb_level for a in begun if a.gb_level is not None)
    return Figure(
        "alerts_by_level",
        "partial" if ungraded else "observed",
        (Said("ungraded", {"count": ungraded, "all": len(begun)}),) if ungraded else (),
        {"alerts": len(begun)},
        {"ungraded": ungraded, "levels": dict(sorted(levels.items()))},
        (Column("severity", "severity"), Column("alerts", "count"), Column("graded", "count")),
        tuple((severity, counts[severity], graded[severity]) for severity in (5, 4, 3, 2, 1)),
        Chart("bars", "severity", "alerts"),
    )


QUERY = Query("alerts_by_level", "incidents", answer)
