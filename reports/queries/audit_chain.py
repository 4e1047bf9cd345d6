"""The audit log: whether its chain is sound, and what was recorded in the day."""

from reports.figures import Column, Figure, Query, Said, absent
from reports.inputs import Inputs


def answer(inputs: Inputs) -> Figure:
    """Records of the day by action, and the head of the chain at its end, to be compared later."""
    audit = inputs.audit
    if audit is None:
        return absent("audit_chain", "no_audit")
    reasons = () if audit.sound else (Said("chain_broken", {"problem": audit.problem}),)
    return Figure(
        "audit_chain", "observed", reasons, {"records": audit.records, "head": audit.head},
        {"sound": audit.sound, "records": audit.records, "refused": audit.refused},
        (Column("action"), Column("records", "count")),
        tuple(sorted(audit.actions.items(), key=lambda kv: (-kv[1], kv[0]))),
    )  # fmt: skip


QUERY = Query("audit_chain", "logs", answer)
