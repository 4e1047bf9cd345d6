from __future__ import annotations

from typing import Any

from reports.inputs import Stream
from reports.queries.log_retention import QUERY


def test_days_from_the_oldest_record(inputs: Any):
    streams = (
        Stream("alerts", ("2023-10-01", "2024-04-30", "2024-05-01"), 10, 5, 190, "2024-05-01"),
        Stream("flows", ("2024-04-20", "2024-05-01"), 10, None, 100, "2024-05-01"),
        Stream("audit", ("2024-04-30", "2024-05-01"), 10, 3, 730, "2024-05-01"),
    )
    figure = QUERY.answer(inputs(streams=streams))
    assert [(*row[:2], *row[3:6]) for row in figure.rows] == [
        ("alerts", "2023-10-01", 214, 211, 190),
        ("flows", "2024-04-20", 12, 10, 100),
        ("audit", "2024-04-30", 2, 0, 730),
    ]
    assert (figure.values["short"], figure.values["young"], figure.values["least"]) == (
        ["flows"],
        ["flows", "audit"],
        2,
    )
    assert [r.code for r in figure.reasons] == ["retention_short", "retention_young"]
    assert QUERY.answer(inputs(streams=streams[:1])).state == "observed"


def test_nothing_kept(inputs: Any, blind: Any):
    assert QUERY.answer(blind).reasons[0].code == "no_logs"
    assert QUERY.answer(inputs(streams=(Stream("alerts", (), 0, 0, 190, "2024-05-01"),))).rows[0][1:5] == (
        None,
        "2024-05-01",
        0,
        0,
    )
