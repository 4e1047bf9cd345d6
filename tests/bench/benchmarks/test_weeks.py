"""The benchmark of weeks, on weeks of a single job."""

from __future__ import annotations

import msgspec
import numpy as np

from bench import results
from bench.benchmarks import weeks
from bench.benchmarks.detection import BEGUN
from bench.benchmarks.weeks import WeeksBenchmark
from bench.registry import BENCHMARKS
from drills.traffic.rows import SECOND, Flows, address
from drills.traffic.weeks import Wrong

SOURCE, TARGET = address("10.1.0.9"), address("10.1.0.7")
WRONG = Wrong("missed", "jobs", "missed", "10.1.0.9>10.1.0.7:10000", 5, 1)


def nightly(self, level):
    """A backup each night, up to the fifth where things go wrong; a connection every minute."""
    flows = Flows(self.begun)
    nights = np.arange(6 if level is None else 5)
    flows.add(
        nights * 86_400.0 + 3600, SOURCE, TARGET, 10_000, lasts=60, payload=(9e8, 1e5), packets=(7e5, 3e5)
    )
    flows.add(np.arange(0, 6 * 86_400.0, 60.0), SOURCE + 5, TARGET, 443)
    yield flows.rows()


def test_what_is_missed_is_found_and_timed(context, monkeypatch):
    monkeypatch.setattr(weeks, "WRONGS", (WRONG,))
    monkeypatch.setattr(weeks.Weeks, "hours", nightly)
    result = WeeksBenchmark().run(context)
    assert result["ours"] == {
        "recall low": 1.0, "recall middle": 1.0, "recall high": 1.0, "benign alerts": 0.0, "benign hints": 0.0
    }  # fmt: skip
    assert 4 * 3600 <= result["seconds_to_detect"]["missed"]["low"] <= 6 * 3600
    assert weeks.Weeks(1, 1, BEGUN).began(WRONG) == BEGUN + (5 * 86_400 + 3600) * SECOND
    assert "missed" in results.readable(result)
    msgspec.json.encode(result)


def test_it_runs_only_where_it_is_named():
    assert BENCHMARKS["weeks"].named
