from __future__ import annotations

from typing import Any

from reports.queries.top_units import QUERY


def test_units_by_alerts(inputs: Any, fact: Any):
    figure = QUERY.answer(
        inputs(
            fact(), fact(2, severity=1), fact(3, unit="old", unit_name="旧局"), fact(4, unit="", unit_name="")
        )
    )
    assert figure.rows == ((["大数据局", "Data Bureau"], 2, 1), (["旧局", "旧局"], 1, 1))
    assert figure.reasons[0].values == {"count": 1}


def test_nobody_answers(inputs: Any, fact: Any):
    assert QUERY.answer(inputs()).reasons[0].code == "no_alerts"
    assert QUERY.answer(inputs(fact(unit=""))).reasons[0].code == "no_owner"
