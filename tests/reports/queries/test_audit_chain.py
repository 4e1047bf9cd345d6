from __future__ import annotations

from typing import Any

from reports.inputs import Audit
from reports.queries.audit_chain import QUERY


def test_records_of_the_day(inputs: Any):
    audit = Audit(sound=True, records=3, head="9:ff", actions={"a": 1, "b": 2}, refused=1)
    figure = QUERY.answer(inputs(audit=audit))
    assert figure.rows == (("b", 2), ("a", 1))
    assert (figure.values, figure.reasons) == ({"sound": True, "records": 3, "refused": 1}, ())
    assert figure.inputs["head"] == "9:ff"


def test_a_broken_chain_is_told(inputs: Any, blind: Any):
    figure = QUERY.answer(inputs(audit=Audit(sound=False, problem="altered audit-1:3")))
    assert figure.reasons[0].values == {"problem": "altered audit-1:3"}
    assert QUERY.answer(blind).reasons[0].code == "no_audit"
