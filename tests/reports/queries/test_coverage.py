from __future__ import annotations

from typing import Any

from reports.queries.coverage import QUERY


def test_systems_seen_by_unit(inputs: Any):
    figure = QUERY.answer(inputs())
    assert figure.rows == ((["大数据局", "Data Bureau"], 2, 2),)
    assert (figure.state, figure.values["unheld"]) == ("observed", 0)
    half = QUERY.answer(inputs(seen=frozenset({("oa", "data"), ("", "civil")})))
    assert (half.state, half.values) == ("partial", {"systems": 2, "seen": 1, "unheld": 0})


def test_nothing_to_say(inputs: Any, blind: Any):
    assert QUERY.answer(blind).reasons[0].code == "no_register"
    assert QUERY.answer(inputs(flows=0)).reasons[0].code == "nothing_seen"
