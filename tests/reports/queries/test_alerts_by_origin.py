from __future__ import annotations

from typing import Any

from reports.queries.alerts_by_origin import QUERY


def test_origins(inputs: Any, fact: Any):
    figure = QUERY.answer(
        inputs(fact(), fact(2, inside=True, severity=1), fact(3, inside=None), fact(4, inside=None))
    )
    assert figure.rows == (("outside", 1, 1), ("inside", 1, 0), ("several", 2, 2))


def test_nothing_seen(blind: Any):
    assert QUERY.answer(blind).state == "not_observable"
