"""Alerts of the day by the hour in which they began."""

from collections import Counter

from reports.figures import Chart, Column, Figure, Query, absent
from reports.inputs import Inputs
from reports.queries.shared import watching


def answer(inputs: Inputs) -> Figure:
    """A row an hour of the report day, from its beginning, as its zone's clocks show it."""
    if not watching(inputs):
        return absent("alerts_by_hour", "nothing_seen")
    day, begun = inputs.day, inputs.begun
    counts = Counter(day.hour(a.time) for a in begun)
    high = Counter(day.hour(a.time) for a in begun if a.severity >= 4)
    starts = [day.local(day.since + hour * 3_600_000_000_000)[11:13] for hour in range(day.hours)]
    return Figure(
        "alerts_by_hour", "observed", (),
        {"alerts": len(begun), "zone": day.zone},
        {"busiest": max(counts.values(), default=0)},
        (Column("hour"), Column("alerts", "count"), Column("high", "count")),
        tuple((start, counts[hour], high[hour]) for hour, start in enumerate(starts)),
        Chart("columns", "hour", "alerts"),
    )  # fmt: skip


QUERY = Query("alerts_by_hour", "incidents", answer)
