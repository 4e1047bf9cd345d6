from __future__ import annotations

from typing import Any

from reports.queries.alert_fields import QUERY


def test_share_of_whole_records(inputs: Any, fact: Any):
    figure = QUERY.answer(inputs(fact(), fact(2), fact(3, rule="flood", complete=False)))
    assert figure.rows == (("flood", 1, 0), ("scan", 2, 2))
    assert figure.values == {"alerts": 3, "complete": 2, "permille": 666}


def test_no_alerts(inputs: Any):
    assert QUERY.answer(inputs()).reasons[0].code == "no_alerts"
