from __future__ import annotations

from typing import Any

from reports.inputs import DetectorFact
from reports.queries.policy_breaches import QUERY

POLICY = (DetectorFact("policy", 1, "Policy violation", "策略违规", "leak", "violation"),)


def test_breaches_stand_before_what_is_only_unusual(inputs: Any, fact: Any):
    told = (
        fact(1, rule="policy", name="Outreach", name_zh="违规外联"),
        fact(2, rule="policy", name="Remote", name_zh="远控", severity=1),
        fact(3, rule="policy", name="Remote", name_zh="远控", severity=1),
        fact(4),
        fact(5, hour=-1, rule="policy"),  # began the day before
    )
    figure = QUERY.answer(inputs(*told, detectors=POLICY))
    assert figure.rows == ((["违规外联", "Outreach"], 4, 1), (["远控", "Remote"], 1, 2))
    assert figure.values == {"breaches": 1, "alerts": 3}


def test_nobody_looked(inputs: Any, blind: Any):
    assert QUERY.answer(inputs()).reasons[0].code == "no_egress_detector"
    nothing = QUERY.answer(inputs(detectors=POLICY, flows=0))
    assert nothing.reasons[0].code == "nothing_seen"
    assert QUERY.answer(blind).state == "not_observable"
