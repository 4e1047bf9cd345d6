"""What people made of the alerts of the day, and how long it took until somebody acted."""

from collections import Counter

from alerts.workflow import STATUSES
from reports.figures import Column, Figure, Query, absent
from reports.inputs import Inputs

_SECOND = 1_000_000_000


def answer(inputs: Inputs) -> Figure:
    """Alerts by status; time to acknowledge runs from receipt (wall clock), as people's time does."""
    begun = inputs.begun
    if not begun:
        return absent("alert_handling", "no_alerts")
    counts = Counter(a.status for a in begun)
    waits = sorted(
        max(a.acknowledged - a.received, 0) // _SECOND for a in begun if a.acknowledged is not None
    )
    open_high = sum(a.severity >= 4 and a.acknowledged is None for a in begun)
    return Figure(
        "alert_handling", "observed", (), {"alerts": len(begun)},
        {"acknowledged": len(waits), "open_high": open_high,
         "owners": len({a.owner for a in begun if a.owner}),
         "median_seconds": waits[(len(waits) - 1) // 2] if waits else None},
        (Column("status", "status"), Column("alerts", "count")),
        tuple((status, counts[status]) for status in STATUSES),
    )  # fmt: skip


QUERY = Query("alert_handling", "response", answer)
