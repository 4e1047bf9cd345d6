"""Live traffic, little of it: what came in was seen or dropped, and is found again in what was kept."""

from __future__ import annotations

import pytest

from bench.benchmarks import live
from bench.registry import BENCHMARKS


def test_what_came_in_is_accounted_for(context, wires, monkeypatch):
    monkeypatch.setattr(live, "_MINUTES", 2)
    monkeypatch.setattr(live, "RATE", 8000)
    monkeypatch.setattr(live, "TIMES", 1)
    result = live.Live().run(context)
    for told in (result["even"], result["overload"]):
        assert told["arrived"] > 5000
        assert told["missing"] == 0
    assert result["even"]["dropped"] == 0
    assert result["ours"]["alerts"] > 0
    assert result["failed"] in {"", "the overload was none"}


@pytest.mark.parametrize(
    ("again", "told"),
    [
        ([("flood 4 a > b", 10, "x")], ([], 0)),
        ([("flood 4 a > b", 2_000_000_010, "y")], ([2.0], 1)),
        ([("flood 3 a > b", 10, "x")], None),
        ([], None),
    ],
)
def test_alerts_are_compared_by_what_they_say_of_whom(again, told):
    assert live._moved([("flood 4 a > b", 10, "x")], again) == told


def test_it_runs_only_where_it_is_named():
    assert BENCHMARKS["live"].named
