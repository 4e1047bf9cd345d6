"""The benchmark of compiled forests, small."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from bench import results, table
from bench.benchmarks import models
from bench.errors import BenchError


@pytest.fixture
def small(context, monkeypatch):
    for name, value in (("ROWS", (1, 40)), ("TRAIN", 600), ("TREES", 8), ("_LEAST_S", 0.0)):
        monkeypatch.setattr(models, name, value)
    monkeypatch.setattr(models, "TARGETS", {1: 1e9, 40: 1e-9})
    return dataclasses.replace(context, repeats=1)


def test_ours_beside_scikit_learn(small, tmp_path, monkeypatch):
    for peer in (models.Treelite, models.OnnxRuntime):
        monkeypatch.setattr(peer, "version", lambda self: None)
    result = models.Models().run(small)
    assert result["peers"].keys() == {"scikit-learn"}
    assert result["absent"].keys() == {"treelite", "onnxruntime"}
    assert result["ours"].keys() == {"1", "40"}
    ratio = result["peers"]["scikit-learn"]["40"] / result["ours"]["40"]
    assert result["ratios"]["scikit-learn"]["40"] == pytest.approx(ratio, rel=1e-3)
    (missed,) = result["missed"]
    assert missed.startswith("1 rows:")
    assert "scikit-learn" in results.readable(result)
    results.save(result, tmp_path)
    assert "forest" in table.render(results.load(["models"], tmp_path))


def test_a_forest_that_says_something_else_is_noticed(small, monkeypatch):
    monkeypatch.setattr(models.Ours, "ready", lambda self, fitted, one: lambda rows: np.zeros((len(rows), 4)))
    with pytest.raises(BenchError, match="does not say what"):
        models.Models().run(small)
