"""The units (委办局) that answer for most of what alerts of the day are about."""

from collections import Counter

from reports.figures import Chart, Column, Figure, Query, Said, absent
from reports.inputs import Inputs


def answer(inputs: Inputs) -> Figure:
    """Units by alerts, most first; alerts about nobody's hosts are a reason."""
    begun = inputs.begun
    if not begun:
        return absent("top_units", "no_alerts")
    counts = Counter(a.unit for a in begun if a.unit)
    names = {a.unit: a.unit_name for a in begun}
    high = Counter(a.unit for a in begun if a.severity >= 4)
    nobody = sum(not a.unit for a in begun)
    if not counts:
        return absent("top_units", "no_owner", count=nobody)

    def name(unit: str) -> list[str]:
        known = inputs.unit_name(unit)
        return known if known[0] != unit else [names[unit], names[unit]]

    ordered = sorted(counts.items(), key=lambda kv: (-kv[1], kv[0]))
    return Figure(
        "top_units",
        "partial" if nobody else "observed",
        (Said("no_owner", {"count": nobody}),) if nobody else (),
        {"alerts": len(begun), "shown": inputs.top},
        {"units": len(counts), "nobody": nobody},
        (Column("unit", "name"), Column("alerts", "count"), Column("high", "count")),
        tuple((name(unit), n, high[unit]) for unit, n in ordered[: inputs.top]),
        Chart("bars", "unit", "alerts"),
    )


QUERY = Query("top_units", "foremost", answer)
