"""The benchmark of the console, with few alerts."""

from __future__ import annotations

import dataclasses

from bench.benchmarks import console
from bench.registry import BENCHMARKS
from bench.results import readable


def test_a_large_store_beside_a_small_one(context, monkeypatch):
    monkeypatch.setattr(console, "SMALL", 100)
    result = console.ConsoleBenchmark().run(dataclasses.replace(context, alerts=700, repeats=1))
    assert result["alerts"] == 700
    assert result["rows_held"] == 500  # a window, whatever there is
    ratio = result["peers"]["100 alerts"]["open"] / result["ours"]["open"]
    assert abs(result["ratios"]["100 alerts"]["open"] / ratio - 1) < 0.01
    assert all(value > 0 for value in (*result["ours"].values(), *result["walls"].values()))
    assert "700 alerts: the list opens in" in readable(result)


def test_it_runs_only_where_it_is_named():
    assert BENCHMARKS["console"].named
