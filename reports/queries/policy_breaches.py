"""Breaches of stated rules: contact outside from isolated networks, crossings past the exchange platform."""

from collections import Counter

from reports.figures import Column, Figure, Query, absent
from reports.inputs import Inputs

DETECTOR = "policy"
#: Grade of an alert that breaks a stated rule; what is only unusual is below it.
_BREACH = 4


def answer(inputs: Inputs) -> Figure:
    """What the detector of policy told in the day, by kind; `breaches` are of stated rules."""
    if DETECTOR not in {d.id for d in inputs.detectors}:
        return absent("policy_breaches", "no_egress_detector")
    if not inputs.flows and not inputs.alerts:
        return absent("policy_breaches", "nothing_seen")
    told = [a for a in inputs.begun if a.rule == DETECTOR]
    kinds = Counter((a.name_zh, a.name, a.severity) for a in told)
    rows = sorted(kinds.items(), key=lambda kv: (-kv[0][2], -kv[1], kv[0]))
    return Figure(
        "policy_breaches", "observed", (), {"alerts": len(told), "flows": inputs.flows},
        {"breaches": sum(a.severity >= _BREACH for a in told), "alerts": len(told)},
        (Column("detector", "name"), Column("severity", "severity"), Column("alerts", "count")),
        tuple(([zh, en], severity, count) for (zh, en, severity), count in rows),
    )  # fmt: skip


QUERY = Query("policy_breaches", "incidents", answer)
