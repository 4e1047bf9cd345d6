from __future__ import annotations

from typing import Any

from reports.nightly import build
from reports.queries.portals import QUERY
from reports.rooms import PortalFact

FINE = PortalFact("b", ("乙", "B"), "http://b/", 48)
DRIFTS = PortalFact("c", ("丙", "C"), "http://c/", 48, 2, 5, ("hidden", "words"))
LEFT = PortalFact("a", ("甲", "A"), "http://a/", 0)


def test_pages_that_drift_come_first(inputs: Any) -> None:
    assert QUERY.answer(inputs()).reasons[0].code == "portal_none"
    assert QUERY.answer(inputs(portals=(LEFT,))).reasons[0].code == "portal_unvisited"
    figure = QUERY.answer(inputs(portals=(LEFT, FINE, DRIFTS)))
    assert (figure.state, figure.values) == ("partial", {"pages": 3, "visited": 2, "drifting": 1})
    assert figure.inputs == {"pages": 3, "visits": 96}
    assert [row[1] for row in figure.rows] == ["http://c/", "http://a/", "http://b/"]
    assert figure.rows[0] == (["丙", "C"], "http://c/", 48, 2, 5, "hidden words")


def test_what_it_means_for_the_clause(inputs: Any) -> None:
    def verdict(*pages: PortalFact) -> tuple[str, str]:
        judged = build(inputs(portals=pages)).judgements["8.1.4.7.b"]
        return judged.verdict, judged.reasons[0].code

    assert verdict() == ("not_observable", "portal_none")
    assert verdict(FINE) == ("evidence_partial", "pages_as_known")
    assert verdict(FINE, DRIFTS) == ("gap_found", "pages_drift")
