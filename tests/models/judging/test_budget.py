"""Budgets, and scores that mean a probability."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.isotonic import IsotonicRegression

from models.judging import budget


def test_a_budget_is_kept():
    scores = np.arange(1000.0)
    threshold = budget.threshold_for(scores, 86_400 / 2, 20)
    assert (scores > threshold).sum() == 10
    assert budget.threshold_for(scores, 60, 20) == 999.0
    with pytest.raises(ValueError, match="needs scores"):
        budget.threshold_for(scores[:0], 1, 1)


def test_calibration_is_isotonic_regression():
    rng = np.random.default_rng(0)
    scores = rng.random(300)
    true = rng.random(300) < scores
    edges, values = budget.calibrate(scores, true)
    assert (np.diff(values) > 0).all()
    want = IsotonicRegression().fit(scores, true).predict(scores)
    np.testing.assert_allclose(budget.probability(scores, edges, values), want, atol=1e-12)
    assert budget.probability(np.array([9.0]), edges, values)[0] == values[-1]
