from __future__ import annotations

from reports.clauses import catalogue
from reports.verdicts import RULES


def test_the_catalogue():
    clauses = catalogue()
    assert len(clauses) == len({c.id for c in clauses}) == 22
    for clause in clauses:
        assert clause.id.startswith("8.1.")
        assert set(clause.levels) <= {1, 2, 3, 4}
        assert set(clause.text) == set(clause.control) == {"zh", "en"}
    assert {c.rule for c in clauses} == set(RULES)
