from __future__ import annotations

from typing import Any

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
