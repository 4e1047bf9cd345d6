"""Forecasts: shown only where they beat what the same hour brought before."""

from __future__ import annotations

import numpy as np
import pytest

from models.forecast import volume
from models.forecast.volume import DAY, HOUR_NS, WEEK


def seasonal(days: int, seed: int = 0) -> np.ndarray:
    """Counts with a shape of the day and chance: an average beats yesterday."""
    rng = np.random.default_rng(seed)
    shape = 6 + 5 * np.sin(np.arange(DAY) / DAY * 2 * np.pi)
    return rng.poisson(np.tile(shape, days)).astype(float)


def test_hours_are_counted():
    moments = [0, 5, HOUR_NS - 1, HOUR_NS, 3 * HOUR_NS, -1, 4 * HOUR_NS]
    assert volume.hourly(moments, 0, 4 * HOUR_NS).tolist() == [3, 1, 0, 1]
    assert volume.hourly([], 0, 0).tolist() == []


def test_naive_is_a_week_ago_or_a_day_ago():
    counts = np.arange(2 * WEEK, dtype=float)
    assert volume.naive(counts).tolist() == list(range(WEEK, WEEK + DAY))
    assert volume.naive(counts[: 2 * WEEK - 1]).tolist() == list(range(2 * WEEK - 1 - DAY, 2 * WEEK - 1))


def test_what_is_learned_beats_chance_repeated():
    found = volume.forecast("all", seasonal(30), 0)
    assert found.backtest.shown
    assert found.backtest.days == 14
    assert found.backtest.mase < 0.9
    assert len(found.hours) == len(found.low) == len(found.high) == 24
    assert found.total == pytest.approx(144, rel=0.15)
    came = seasonal(31)[-24:]
    inside = [low <= c <= high for low, c, high in zip(found.low, came, found.high, strict=True)]
    assert sum(inside) >= 15


def test_what_is_no_better_is_hidden():
    # The same day again and again: yesterday says it exactly.
    found = volume.forecast("all", np.tile(np.arange(24.0), 10), 0)
    assert not found.backtest.shown
    assert found.backtest.naive == 0
    assert found.backtest.mase is None
    assert found.total is None
    assert found.hours == ()
    assert found.naive == tuple(map(float, range(24)))


def test_a_backtest_never_sees_what_came():
    counts = seasonal(20)
    changed = counts.copy()
    changed[-DAY:] = 500
    before, _ = volume.backtest(counts)
    after, _ = volume.backtest(changed)
    # The last day's counts change only how the last day was missed.
    assert after.ours - before.ours == pytest.approx((500 * 24 - counts[-DAY:].sum()) / (14 * 24), rel=0.2)


def test_groups_share_their_history():
    day = 24 * HOUR_NS
    groups = {"all": [day * d + h * HOUR_NS for d in range(5) for h in range(24)], "unit:a": [day * 4]}
    found = volume.by_group(groups, 5 * day, 56)
    assert [f.group for f in found] == ["all", "unit:a"]
    assert {f.history_days for f in found} == {5}
    assert all(f.begins == 5 * day for f in found)
    assert volume.by_group({"all": []}, 5 * day, 56) == []
    assert volume.by_group({"all": [4 * day]}, 5 * day, 56) == []
