from __future__ import annotations

from typing import Any

from reports.queries.models import QUERY
from reports.rooms import ModelFact


def test_what_ails_models_is_said(inputs: Any):
    facts = (
        ModelFact("flow", "a1", "drifting", 3, 900, (("src_bytes", 1234), ("score", 300))),
        ModelFact("host", "b2", "fine", 4),
        ModelFact("dga", "c3", "stale", 400),
    )
    figure = QUERY.answer(inputs(models=facts))
    assert [(r.code, r.values["id"]) for r in figure.reasons] == [
        ("model_drifting", "a1"), ("model_stale", "c3"),
    ]  # fmt: skip
    assert figure.rows[0] == ("a1", "flow", 3, 900, "src_bytes", 1234)
    assert figure.rows[1] == ("b2", "host", 4, 0, "", None)
    assert figure.state == "partial"
    assert figure.values["ill"] == ["a1", "c3"]


def test_none_in_use(inputs: Any):
    assert QUERY.answer(inputs()).reasons[0].code == "model_none"
    fine = QUERY.answer(inputs(models=(ModelFact("flow", "a1", "fine", 3),)))
    assert fine.state == "observed"
