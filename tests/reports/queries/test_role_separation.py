from __future__ import annotations

from typing import Any

from reports.queries.role_separation import QUERY


def test_duties_by_role(inputs: Any):
    figure = QUERY.answer(inputs(accounts=(("administrator", "viewer"), ("analyst", "approver"))))
    assert dict(figure.rows) == {
        "administrator": 1,
        "analyst": 1,
        "approver": 1,
        "liaison": 0,
        "auditor": 0,
        "viewer": 1,
    }
    assert figure.values == {"lacking": ["auditor"], "both": 0}
    assert figure.reasons[0].code == "lacking_auditor"
    assert QUERY.answer(inputs(accounts=(("administrator", "auditor"),))).values["both"] == 1


def test_no_accounts(inputs: Any):
    assert QUERY.answer(inputs(accounts=())).reasons[0].code == "no_accounts"
