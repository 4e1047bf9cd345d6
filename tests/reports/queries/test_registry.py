from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from citywall.i18n import catalogue
from reports.queries.registry import QUERIES

FOLDER = Path(__file__).parents[3] / "reports" / "queries"


def test_one_file_one_line():
    files = {p.stem for p in FOLDER.glob("*.py")} - {"__init__", "registry", "shared"}
    assert files == set(QUERIES)


@pytest.mark.parametrize("query", QUERIES.values(), ids=lambda q: q.id)
def test_figures_are_well_formed_and_everything_has_words(query: Any, inputs: Any, blind: Any, fact: Any):
    for facts in (inputs(fact()), inputs(), blind):
        figure = query.answer(facts)
        assert figure.query == query.id
        assert all(len(row) == len(figure.columns) for row in figure.rows)
        assert figure == query.answer(facts)
        said = [f"report_query.{query.id}", *(f"report_reason.{r.code}" for r in figure.reasons)]
        said += [f"report_column.{c.id}" for c in figure.columns] + [
            f"report_input.{k}" for k in figure.inputs
        ]
        assert [key for key in said if key not in catalogue()] == []
        if figure.state == "not_observable":
            assert figure.reasons
