from __future__ import annotations

from typing import Any

import pytest

from reports.nightly import build
from reports.queries.registry import QUERIES
from reports.view import view


@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_figure_and_clause_is_shown_with_its_query(inputs: Any, fact: Any, blind: Any, language: str):
    for facts in (inputs(fact(), fact(2, source="")), blind):
        shown = view(build(facts), language)
        figures = [figure for part in shown.parts for figure in part.figures]
        assert sorted(f.id for f in figures) == sorted(QUERIES)
        assert all(f.id in f.source for f in figures)
        assert len(shown.rows) == 22
        assert all(row.reasons for row in shown.rows)


def test_words_and_numbers(inputs: Any, fact: Any):
    chinese, english = (view(build(inputs(fact())), language) for language in ("zh", "en"))
    tables = {f.id: f.table for part in chinese.parts for f in part.figures}
    assert tables["posture_city"].rows[0][:3] == ("防攻击", "91.9", "已观测")
    assert tables["posture_city"].rows[1][:3] == ("防病毒", "–", "未观测")
    assert tables["alerts_by_hour"] is None  # the drawing tells all of it
    told = {f.id: f.table for part in english.parts for f in part.figures}
    assert told["alerts_by_class"].rows == (("network attack", "network scanning", "1", "0"),)
    assert told["log_retention"].rows[0] == (
        "alerts",
        "2024-04-30",
        "2024-05-01",
        "2",
        "0",
        "190",
        "5",
        "2.0 KiB",
    )


def test_gaps_come_first(inputs: Any, fact: Any):
    rows = view(build(inputs(fact(complete=False))), "en").rows
    assert (rows[0].verdict, rows[-1].verdict) == ("gap_found", "not_observable")


def test_a_blind_day_does_not_boast_of_no_alerts(blind: Any):
    assert view(build(blind), "en").summary[0] == ("alerts", "not observable")
