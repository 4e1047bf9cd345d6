"""The benchmark of flow exports, with few records."""

from __future__ import annotations

import dataclasses

import pytest

from bench import results
from bench.benchmarks import netflow
from bench.errors import BenchError
from bench.harness import Context


@pytest.fixture
def context():
    return Context((300,), 1, None, lambda _: None)  # type: ignore[arg-type]  (it needs no captures)


def test_ours_beside_whoever_is_there(context, monkeypatch):
    monkeypatch.setattr(netflow, "CASES", {"v9": 9})
    result = netflow.Netflow(records=2400, share=480).run(context)
    assert set(result["ours"]) == {
        f"{case}{what}" for case in ("v9",) for what in ("", "-flows", "-udp", "-together")
    }
    for peer, ratios in result["ratios"].items():
        for case, ratio in ratios.items():
            assert ratio == pytest.approx(result["peers"][peer][case] / result["ours"][case], rel=1e-3)
    assert "v9-flows" in results.readable(result)


def test_records_that_are_missing_are_noticed(context, monkeypatch):
    monkeypatch.setattr(netflow.ours, "decode", lambda _: (1, 1.0))
    with pytest.raises(BenchError, match="citywall read 1 of 480 records of v9"):
        netflow.Netflow(records=480, share=480).run(dataclasses.replace(context, repeats=1))
