"""Whether three duties are apart in Citywall's own accounts (三员分立; GB/T 22239-2019 8.1.5.1 to .3)."""

from collections import Counter

from citywall.permissions import ADMINISTRATOR, APPROVER, AUDITOR, ROLES
from reports.figures import Column, Figure, Query, Said, absent
from reports.inputs import Inputs

_DUTIES = (ADMINISTRATOR, APPROVER, AUDITOR)


def answer(inputs: Inputs) -> Figure:
    """Active accounts by role; a duty that nobody has is named."""
    if not inputs.accounts:
        return absent("role_separation", "no_accounts")
    counts = Counter(role for roles in inputs.accounts for role in roles)
    both = sum(len({*roles} & {*_DUTIES}) > 1 for roles in inputs.accounts)
    lacking = [role for role in _DUTIES if not counts[role]]
    return Figure(
        "role_separation", "observed", tuple(Said(f"lacking_{role}") for role in lacking),
        {"accounts": len(inputs.accounts)}, {"lacking": lacking, "both": both},
        (Column("role", "role"), Column("accounts", "count")),
        tuple((role, counts[role]) for role in ROLES),
    )  # fmt: skip


QUERY = Query("role_separation", "trust", answer)
