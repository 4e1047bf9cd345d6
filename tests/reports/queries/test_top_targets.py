from __future__ import annotations

from typing import Any

from posture.facts import Touched
from reports.queries.top_targets import QUERY


def test_foremost_with_the_unit_of_that_side(inputs: Any, fact: Any):
    side = Touched("target", "", "civil")
    figure = QUERY.answer(
        inputs(
            fact(target="10.0.0.9", touched=(side,)),
            fact(2, target="10.0.0.9", severity=1, touched=()),
            fact(3, target="a"),
            fact(4, target=""),
        )
    )
    assert figure.rows[0] == ("10.0.0.9", ["民政局", "Civil Bureau"], 2, 1)
    assert [row[0] for row in figure.rows] == ["10.0.0.9", "a"]
    assert (figure.state, figure.values) == ("partial", {"distinct": 2, "several": 1})


def test_no_alerts(inputs: Any):
    assert QUERY.answer(inputs()).state == "not_observable"
