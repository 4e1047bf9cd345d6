"""The benchmark of all detectors, with few flows."""

from __future__ import annotations

import dataclasses

from bench.benchmarks.detectors import Detectors
from bench.peers import pandas_features
from bench.registry import BENCHMARKS


def test_few_and_many_sources_beside_a_peer(context, monkeypatch):
    monkeypatch.setattr(Detectors, "sources", (100, 2_000))
    monkeypatch.setattr(Detectors, "flows", 3_000)
    monkeypatch.setattr(pandas_features, "installed", lambda: "0")
    monkeypatch.setattr(pandas_features, "measure", lambda _: 1e-5)
    result = Detectors().run(dataclasses.replace(context, repeats=1))
    assert set(result["ours"]) == {"100", "2k"}
    assert result["growth"] > 0
    assert result["ratios"]["pandas"]["2k"] > 0
    assert "MiB reserved" in result["notes"][0]


def test_an_absent_peer_is_named(context, monkeypatch):
    monkeypatch.setattr(Detectors, "sources", (50,))
    monkeypatch.setattr(Detectors, "flows", 200)
    monkeypatch.setattr(pandas_features, "installed", lambda: None)
    result = Detectors().run(dataclasses.replace(context, repeats=1))
    assert result["absent"] == {"pandas": pandas_features.OBTAIN}
    assert BENCHMARKS["detectors"].named
