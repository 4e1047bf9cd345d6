"""The meter benchmark: what it adds to the comparison."""

from __future__ import annotations

import pytest

from bench.benchmarks import meter
from bench.captures import MILLION_PACKETS
from bench.harness import Context
from bench.process import Usage


def test_the_meter_tells_how_cost_grows_and_what_a_million_flows_weigh(context, compared, monkeypatch):
    asked = []

    def run(argv, **_):
        asked.append(argv)
        return Usage(1, 1, 1, 'noise\n{"flows": 1000000, "above_idle": 500}\n')

    monkeypatch.setattr(meter, "compare", compared)
    monkeypatch.setattr(meter.process, "run", run)
    result = meter.Meter().run(context)
    assert result["ours"]["20M/2M"] == pytest.approx(10)
    assert result["ours"]["memory"] == 500
    assert result["memory"]["flows"] == 1_000_000
    assert set(result["units"]) == {"20M/2M", "memory"}
    assert set(result["peers"]) == {"nfstream", "softflowd"}
    assert asked[0][-3:-1] == ["ours.memory", f"million-{MILLION_PACKETS}.pcap"]


def test_one_size_alone_says_nothing_about_scale(context, compared, monkeypatch):
    monkeypatch.setattr(meter, "compare", compared)
    monkeypatch.setattr(
        meter.process, "run", lambda *_, **__: Usage(1, 1, 1, '{"flows": 1, "above_idle": 5}')
    )
    alone = Context((2_000_000,), 1, context.captures, context.say)
    assert set(meter.Meter().run(alone)["units"]) == {"memory"}
