"""Alerts of the day by class and sub-class of GB/T 20986-2023."""

from collections import Counter

from reports.figures import Chart, Column, Figure, Query, absent
from reports.inputs import Inputs
from reports.queries.shared import watching


def answer(inputs: Inputs) -> Figure:
    """How many began, by class and sub-class, most first; false alarms beside them."""
    if not watching(inputs):
        return absent("alerts_by_class", "nothing_seen")
    begun = inputs.begun
    counts = Counter((a.gb_class, a.gb_subclass) for a in begun)
    false = Counter((a.gb_class, a.gb_subclass) for a in begun if a.status == "false_alarm")
    ordered = sorted(counts.items(), key=lambda kv: (-kv[1], kv[0]))
    return Figure(
        "alerts_by_class", "observed", (),
        {"alerts": len(begun), "continued": len(inputs.alerts) - len(begun)},
        {"alerts": len(begun), "classes": len({c for c, _ in counts})},
        (Column("class", "class"), Column("subclass", "subclass"), Column("alerts", "count"),
         Column("false_alarms", "count")),
        tuple((*key, n, false[key]) for key, n in ordered),
        Chart("bars", "subclass", "alerts") if ordered else None,
    )  # fmt: skip


QUERY = Query("alerts_by_class", "incidents", answer)
