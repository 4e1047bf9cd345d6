from __future__ import annotations

from typing import Any

from posture.facts import Touched
from reports.queries.posture_systems import QUERY


def test_lowest_first_and_hosts_of_no_system(inputs: Any, fact: Any):
    figure = QUERY.answer(inputs(fact(), fact(2, severity=5, touched=(Touched("origin", "", "civil"),))))
    assert [row[0] for row in figure.rows] == [
        ["民政局其他主机", "Civil Bureau: other hosts"],
        ["门户", "Portal"],
        ["协同办公", "Office"],
    ]
    assert figure.rows[0][2] == 625
    assert len(QUERY.answer(inputs(fact(), top=1)).rows) == 1


def test_nothing_to_say(inputs: Any, blind: Any):
    assert QUERY.answer(blind).state == "not_observable"
    assert QUERY.answer(inputs(seen=frozenset())).reasons[0].code == "systems_unseen"
