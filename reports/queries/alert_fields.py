"""Whether alerts record attack source, type, target and time (GB/T 22239-2019 8.1.3.3 d)."""

from reports.figures import Column, Figure, Query, absent
from reports.inputs import Inputs


def answer(inputs: Inputs) -> Figure:
    """Alerts of the day with all four fields, by detector."""
    begun = inputs.begun
    if not begun:
        return absent("alert_fields", "no_alerts")
    whole = sum(a.complete for a in begun)
    rules = sorted({a.rule for a in begun})
    return Figure(
        "alert_fields", "observed", (), {"alerts": len(begun)},
        {"alerts": len(begun), "complete": whole, "permille": 1000 * whole // len(begun)},
        (Column("detector"), Column("alerts", "count"), Column("complete", "count")),
        tuple(
            (rule, sum(a.rule == rule for a in begun), sum(a.rule == rule and a.complete for a in begun))
            for rule in rules
        ),
    )  # fmt: skip


QUERY = Query("alert_fields", "incidents", answer)
