"""Measures beside scikit-learn's, and beside figures from books."""

from __future__ import annotations

import math

import numpy as np
import pytest
from sklearn.metrics import f1_score, precision_score, recall_score, roc_auc_score

from models.judging import measures


@pytest.fixture(scope="module")
def said():
    rng = np.random.default_rng(0)
    true = rng.random(500) < 0.3
    return np.round(rng.normal(size=500) + true, 1), true


def test_beside_scikit_learn(said):
    score, true = said
    assert measures.roc_auc(score, true) == pytest.approx(roc_auc_score(true, score), abs=1e-12)
    yes = score > 0.5
    told = measures.two_sides(yes, true)
    assert told["precision"] == pytest.approx(precision_score(true, yes))
    assert told["recall"] == pytest.approx(recall_score(true, yes))
    assert told["f1"] == pytest.approx(f1_score(true, yes))
    assert told["false_positive_rate"] == pytest.approx(yes[~true].mean())
    table = measures.confusion(yes, true)
    assert table["attack"]["attack"] + table["normal"]["normal"] == measures.accuracy(yes, true) * 500


def test_interval():
    low, high = measures.wilson(81, 263)  # Newcombe 1998, table I
    assert (round(low, 4), round(high, 4)) == (0.2553, 0.3662)
    assert measures.wilson(0, 0) == (0.0, 1.0)
    assert measures.wilson(7, 7)[1] == 1.0


def test_recall_at_a_rate_never_goes_over_it(said):
    score, true = said
    for rate in (0.0, 0.01, 0.1, 1.0):
        recall, threshold = measures.recall_at(score, true, rate)
        assert (score[~true] > threshold).mean() <= rate
        assert recall == (score[true] > threshold).mean()
    assert measures.recall_at(score, true, 1.0)[0] == 1.0


def test_one_side_only():
    assert math.isnan(measures.roc_auc(np.ones(3), np.ones(3, bool)))


def test_per_class():
    told = measures.per_class(np.array([True, False, True]), np.array(["dos", "dos", "normal"]), "normal")
    assert list(told) == ["normal", "dos"]
    assert told["normal"]["right"] == 0
    assert told["dos"]["recall"] == 0.5
