from __future__ import annotations

from reports.figures import SECTIONS, Said, absent
from reports.queries.registry import QUERIES


def test_what_is_absent_says_why():
    figure = absent("cases", "room_absent", room="cases")
    assert (figure.query, figure.state) == ("cases", "not_observable")
    assert figure.reasons == (Said("room_absent", {"room": "cases"}),)


def test_every_section_has_a_query():
    assert {q.section for q in QUERIES.values()} == set(SECTIONS)
