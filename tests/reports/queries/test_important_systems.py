from __future__ import annotations

from typing import Any

from posture.facts import Touched
from posture.records import Register
from reports.queries.important_systems import QUERY


def test_important_systems_concerned(inputs: Any, fact: Any):
    office = Touched("target", "oa", "data", 3)
    figure = QUERY.answer(
        inputs(
            fact(),
            fact(2),
            fact(3, touched=(office,)),
            fact(4, touched=(Touched("origin", "oa", "data", 5),)),
        )
    )
    assert figure.rows == ((["门户", "Portal"], "target", 2), (["协同办公", "Office"], "origin", 1))
    assert figure.values == {"alerts": 3, "systems": 2}


def test_nothing_to_say(inputs: Any, blind: Any):
    assert QUERY.answer(blind).reasons[0].code == "no_register"
    assert QUERY.answer(inputs(register=Register())).reasons[0].code == "none_important"
