"""What several evidence queries share."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Literal

from posture.facts import AlertFact
from reports.figures import Chart, Column, Figure, Said, absent
from reports.inputs import Inputs


def watching(inputs: Inputs) -> bool:
    """Whether anything was looked at in the day: without flows and alerts, no alert is not good news."""
    return bool(inputs.flows or inputs.alerts)


def foremost(
    inputs: Inputs, query: str, column: Literal["source", "target"], key: Callable[[AlertFact], str]
) -> Figure:
    """The commonest answers of `key` among alerts of the day; those with none are a reason.

    Beside each stands the unit that answers for that side, where the register knows one; of a network of
    several units the one that answers for the alerts.
    """
    begun = inputs.begun
    if not begun:
        return absent(query, "no_alerts")
    counts = Counter(key(a) for a in begun)
    several = counts.pop("", 0)
    high = Counter(key(a) for a in begun if a.severity >= 4)
    side = "origin" if column == "source" else "target"
    ordered = sorted(counts.items(), key=lambda kv: (-kv[1], kv[0]))[: inputs.top]
    units = {name: _answering([a for a in begun if key(a) == name], side) for name, _ in ordered}
    return Figure(
        query,
        "partial" if several else "observed",
        (Said(f"{column}_several", {"count": several}),) if several else (),
        {"alerts": len(begun), "shown": inputs.top},
        {"distinct": len(counts), "several": several},
        (Column(column), Column("unit", "name"), Column("alerts", "count"), Column("high", "count")),
        tuple(
            (name, inputs.unit_name(units[name]) if units[name] else None, n, high[name])
            for name, n in ordered
        ),
        Chart("bars", column, "alerts") if ordered else None,
    )


def _answering(alerts: Sequence[AlertFact], side: str) -> str:
    """The unit of one side of alerts; empty where there is none, or nobody can say which of several."""
    named = {t.unit for a in alerts for t in a.touched if t.side == side and t.unit}
    found = named if len(named) < 2 else named & {a.unit for a in alerts}
    return found.pop() if len(found) == 1 else ""
