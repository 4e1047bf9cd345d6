"""The backbone benchmark, on the tests' Kafka and a small capture."""

from __future__ import annotations

import dataclasses
from contextlib import contextmanager

import pytest

from bench import results, table
from bench.benchmarks import backbone
from bench.errors import BenchError
from bench.ours.backbone import EMBEDDED


class Small:
    """The captures of the tests, whatever is asked for."""

    def __init__(self, captures):
        self._captures = captures

    def get(self, packets, profile="extranet"):
        return self._captures[packets == 3_000]


@pytest.fixture
def small(context, captures, kafka_url, monkeypatch):
    class Running:
        url = kafka_url
        bootstrap = kafka_url.removeprefix("kafka://")

    @contextmanager
    def server():
        yield Running

    monkeypatch.setattr(backbone, "_server", server)
    return dataclasses.replace(context, sizes=(3_000,), captures=Small(captures))


@pytest.mark.slow
def test_kafka_beside_the_embedded_log(small, tmp_path, monkeypatch):
    # A small capture's slope is noise, which the least of several runs would have to settle.
    monkeypatch.setattr("bench.subjects._slope", lambda seconds, share: (max(map(max, seconds)), 1.0))
    result = backbone.Backbone().run(small)
    assert result["unit"] == "wall seconds per packet"
    assert set(result["peers"]) == set(result["ratios"]) == {EMBEDDED}
    assert result["ours"] == result["wall"]["ours"]
    assert set(result["checkpoints"]) == {
        f"{where}, {what}" for where in (EMBEDDED, "Kafka") for what in ("3k packets", "a million live flows")
    }
    for told in result["checkpoints"].values():
        assert told["run_s"] > 0
        assert told["without_s"] > 0
        assert told["busy_s"] > 0
        spent = max(told["run_s"] - told["without_s"], 0)
        assert told["share"] == pytest.approx(spent / told["run_s"], rel=0.02, abs=1e-3)
    assert set(result["inline"]["ratios"]) == {"aiokafka"}
    readable = results.readable(result)
    assert "of the embedded log's throughput" in readable
    assert "of the plain client's speed" in readable
    results.save(result, tmp_path)
    assert "over Kafka, wall clock" in table.render(results.load(["backbone"], tmp_path))


def test_wall_seconds_go_in_front():
    wall = {"relative": 0.5}
    both = {"cpu": {"relative": 0.1}, "wall": wall}
    result = {
        "ours": {"1k": 1.0}, "peers": {"p": {"1k": 2.0}}, "ratios": {"p": {"1k": 2.0}}, "unit": "x",
        "wall": {"ours": {"1k": 4.0}, "peers": {"p": {"1k": 3.0}}, "ratios": {"p": {"1k": 0.75}}},
        "spread": {"ours": {"1k": both}, "peers": {"p": {"1k": both}}},
    }  # fmt: skip
    turned = backbone.by_the_wall(result)
    assert turned["ratios"] == {"p": {"1k": 0.75}}
    assert turned["processor"]["ratios"] == {"p": {"1k": 2.0}}
    assert turned["spread"]["ours"]["1k"] == {"cpu": wall, "wall": wall}
    result["wall"]["peers"]["p"]["1k"] = -0.1
    with pytest.raises(BenchError, match="too busy"):
        backbone.by_the_wall(result)
