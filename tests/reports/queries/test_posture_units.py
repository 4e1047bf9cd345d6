from __future__ import annotations

from typing import Any

from reports.queries.posture_units import QUERY


def test_units_with_anything_observed(inputs: Any, fact: Any):
    figure = QUERY.answer(inputs(fact()))
    assert figure.rows == ((["大数据局", "Data Bureau"], 919, None, None, None, 1000, 1),)
    assert (figure.state, figure.values) == ("partial", {"unseen": 1, "lowest": 919})


def test_nothing_to_say(inputs: Any, blind: Any):
    assert QUERY.answer(blind).state == "not_observable"
    assert QUERY.answer(inputs(seen=frozenset())).reasons[0].values == {"count": 2}
