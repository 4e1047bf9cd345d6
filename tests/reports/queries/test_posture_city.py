from __future__ import annotations

from typing import Any

from posture.facts import Touched
from reports.queries.posture_city import QUERY


def test_each_axis_says_what_it_rests_on(inputs: Any, fact: Any):
    figure = QUERY.answer(
        inputs(fact(), fact(2, axis="paralysis", severity=5, touched=(Touched("origin", "oa", "data"),)))
    )
    rows = {row[0]: row for row in figure.rows}
    # 15 points leave 870 tenths of the portal (importance 5), nothing is taken from the other (3).
    assert rows["attack"] == ("attack", 919, "observed", 2, 2, 1, ["门户", "Portal"])
    # 60 points leave 625 of the office.
    assert rows["paralysis"][1:3] == (859, "observed")
    assert rows["leak"] == ("leak", None, "not_observed", 0, 2, 0, None)
    assert figure.state == "partial"
    assert figure.values["malware"] is None


def test_without_a_register(blind: Any):
    assert QUERY.answer(blind).reasons[0].code == "no_register"


def test_nothing_observed_is_no_hundred(inputs: Any):
    figure = QUERY.answer(inputs(seen=frozenset()))
    assert figure.state == "not_observable"
    assert set(figure.values.values()) == {None}
