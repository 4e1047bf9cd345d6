"""The same population is called the same; another is noticed, and when it began."""

from __future__ import annotations

import math

import numpy as np
import pytest

from models import drift


def test_population_stability():
    share = np.array([0.5, 0.3, 0.2])
    assert drift.psi(share, np.array([50.0, 30.0, 20.0])) == pytest.approx(0)
    want = sum((a - b) * math.log(a / b) for a, b in zip((0.2, 0.3, 0.5), share, strict=True))
    assert drift.psi(share, np.array([20.0, 30.0, 50.0])) == pytest.approx(want)
    assert drift.psi(share, np.array([0.0, 0.0, 9.0])) > 1


def test_changes_are_found_where_they_are():
    rng = np.random.default_rng(1)
    quiet = np.clip(rng.normal(0.3, 0.05, 4000), 0, 1)
    assert drift.changes(quiet) == []
    moved = np.concatenate([quiet[:2500], np.clip(rng.normal(0.7, 0.05, 1500), 0, 1)])
    (at,) = drift.changes(moved)
    assert abs(at - 2500) <= 70
    assert drift.changes(np.zeros(0)) == []


def test_the_spread_of_features():
    rng = np.random.default_rng(2)
    names = ("a", "b")
    edges = np.quantile(rng.normal(size=5000), np.linspace(0, 1, 11)[1:-1])
    edges = np.stack([edges, edges, np.linspace(0.1, 0.9, 9)])
    shares = np.full((3, 10), 0.1)
    same = rng.normal(size=(3000, 2)).astype(np.float32)
    told = drift.spread(names, edges, shares, same, rng.random(3000))
    assert not told["drifting"]
    assert max(told["psi"].values()) < 0.05
    other = drift.spread(names, edges, shares, same + 2, rng.random(3000) ** 4)
    assert other["drifting"]
    assert list(other["psi"])[-1] == "score" or other["psi"]["score"] > 0.25
    few = drift.spread(names, edges, shares, same[:20] + 2, rng.random(20))
    assert (few["enough"], few["drifting"]) == (False, False)


def test_age():
    now = 1_772_539_200 * 1_000_000_000  # 2026-03-03T12:00:00Z
    assert drift.age_days("2026-03-01T00:00:00Z", now) == 2
    assert drift.age_days("2027-03-01T00:00:00Z", now) == 0
    for wrong in ("yesterday", "2026-03-01T00:00:00", ""):
        assert drift.age_days(wrong, now) == drift.NEVER
