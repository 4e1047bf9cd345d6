"""The index benchmark, on a server of the tests and with few alerts."""

from __future__ import annotations

import dataclasses
from contextlib import contextmanager

import pytest

from bench import results, table
from bench.benchmarks import index
from bench.errors import BenchError


@pytest.fixture
def small(context, elasticsearch_url, monkeypatch):
    @contextmanager
    def server():
        yield elasticsearch_url, "9.2.0"

    monkeypatch.setattr(index, "_server", server)
    return dataclasses.replace(context, alerts=300, repeats=2)


def test_ours_beside_the_helpers(small, tmp_path):
    result = index.Index().run(small)
    assert set(result["peers"]) == set(result["ratios"]) == {"helpers.bulk", "helpers.parallel_bulk"}
    assert result["ours"].keys() == {"300"}
    ratio = result["peers"]["helpers.bulk"]["300"] / result["ours"]["300"]
    assert result["ratios"]["helpers.bulk"]["300"] == pytest.approx(ratio, rel=1e-3)
    assert result["rate"]["ours"]["300"] == pytest.approx(1 / result["ours"]["300"], rel=1e-2)
    assert "helpers.bulk" in results.readable(result)
    results.save(result, tmp_path)
    assert "alerts into Elasticsearch" in table.render(results.load(["index"], tmp_path))


def test_alerts_that_are_missing_are_noticed(small, monkeypatch):
    monkeypatch.setattr(index.Ours, "write", lambda _, store, count: store.upsert([]))
    with pytest.raises(BenchError, match="citywall wrote 1 of 300 alerts"):
        index.Index().run(small)
