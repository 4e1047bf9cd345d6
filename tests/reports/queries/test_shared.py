from __future__ import annotations

from typing import Any

from posture.facts import Touched
from reports.queries.shared import foremost, watching


def test_watching(inputs: Any, blind: Any, fact: Any):
    assert watching(inputs())
    assert not watching(blind)
    assert watching(inputs(fact(), flows=0))


def test_ties_are_in_order_of_names(inputs: Any, fact: Any):
    figure = foremost(
        inputs(fact(source="b"), fact(2, source="a")), "top_sources", "source", lambda a: a.source
    )
    assert [row[0] for row in figure.rows] == ["a", "b"]


def test_of_a_network_of_several_units_the_one_that_answers_is_named(inputs: Any, fact: Any):
    def units(*alerts: Any) -> list[Any]:
        told = foremost(inputs(*alerts), "top_targets", "target", lambda a: a.target)
        return [row[1] and row[1][1] for row in told.rows]

    several = tuple(Touched("target", "", unit, 3) for unit in ("data", "civil"))
    assert units(fact(touched=several)) == ["Data Bureau"]  # the alert is the data bureau's
    assert units(fact(touched=several), fact(2, unit="civil", touched=several)) == [None]
    assert units(fact(touched=several[1:])) == ["Civil Bureau"]
    assert units(fact(touched=())) == [None]
