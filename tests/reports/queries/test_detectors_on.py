from __future__ import annotations

from typing import Any

from reports.queries.detectors_on import QUERY


def test_axes_that_nothing_watches_are_named(inputs: Any, fact: Any):
    figure = QUERY.answer(inputs(fact()))
    assert figure.rows == (
        (["洪泛", "Flood"], 1, "paralysis", "attack", 0),
        (["扫描", "Scan"], 1, "attack", "attack", 1),
    )
    assert figure.values["unwatched"] == ["malware", "tamper", "leak"]
    assert [r.code for r in figure.reasons] == ["unwatched_malware", "unwatched_tamper", "unwatched_leak"]


def test_none_on(blind: Any):
    assert QUERY.answer(blind).reasons[0].code == "no_detectors"
