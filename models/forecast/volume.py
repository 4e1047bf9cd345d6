"""Alerts of the next 24 hours, by group, from hourly counts.

The forecast is a level, the exponentially weighted mean of daily totals, spread over the day as past days
were. Beside it the seasonal-naive one: what the same hour brought a week ago, or a day ago where there is
no week. Both are asked of days that are known (rolling origin), and the forecast is shown only where its
mean absolute error was the smaller (MASE below 1).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

HOUR_NS = 3_600_000_000_000
DAY, WEEK = 24, 168
#: Days of history that a forecast needs, and days that it is tried on at most.
LEAST_DAYS, TRIED_DAYS, LEAST_TRIED = 3, 14, 3
_ALPHA = 0.3
#: Alerts' worth of evenness that a day's shape begins with.
_PRIOR = 4.0
_Z80 = 1.2816
Counts = NDArray[np.float64]


class Backtest(msgspec.Struct, frozen=True):
    """How both did on days that are known: mean absolute error an hour; `mase` is ours over naive."""

    days: int
    ours: float
    naive: float
    mase: float | None
    shown: bool


class Forecast(msgspec.Struct, frozen=True):
    """Alerts expected in each of the next 24 hours with an 80 % interval, beside the seasonal-naive guess.

    `hours`, `low` and `high` are empty where the forecast was no better than that.
    """

    group: str
    begins: int  # ns
    history_days: int
    total: float | None
    naive_total: float
    hours: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]
    naive: tuple[float, ...]
    backtest: Backtest


def hourly(moments: Sequence[int], begins: int, until: int) -> Counts:
    """How many moments (ns) fall into each hour from `begins` to `until`, both at full hours."""
    hours = max((until - begins) // HOUR_NS, 0)
    at = (np.asarray(moments, np.int64) - begins) // HOUR_NS
    return np.bincount(at[(at >= 0) & (at < hours)], minlength=hours).astype(np.float64)


def ours(counts: Counts) -> Counts:
    """The next 24 hours after `counts`, whose last hour is the one before."""
    days = len(counts) // DAY
    table = counts[len(counts) - days * DAY :].reshape(days, DAY)
    level = table[0].sum()
    shape = np.full(DAY, _PRIOR / DAY)
    for day in table:
        total = day.sum()
        level += _ALPHA * (total - level)
        shape = (1 - _ALPHA / 2) * shape + day
    return np.asarray(level * shape / shape.sum())


def naive(counts: Counts) -> Counts:
    """The same hours a week ago, or a day ago where less than two weeks are known."""
    season = WEEK if len(counts) >= 2 * WEEK else DAY
    start = len(counts) - season
    return counts[start : start + DAY]


def backtest(counts: Counts) -> tuple[Backtest, float]:
    """Both asked of the last days, each knowing only what came before; and how overdispersed ours was."""
    tried = min(len(counts) // DAY - LEAST_DAYS, TRIED_DAYS)
    error_ours, error_naive, squares, means = 0.0, 0.0, 0.0, 0.0
    for back in range(tried, 0, -1):
        cut = len(counts) - back * DAY
        past, came = counts[:cut], counts[cut : cut + DAY]
        guess = ours(past)
        error_ours += float(np.abs(guess - came).sum())
        error_naive += float(np.abs(naive(past) - came).sum())
        squares += float(((guess - came) ** 2).sum())
        means += float(guess.sum())
    hours = max(tried, 1) * DAY
    shown = tried >= LEAST_TRIED and error_ours < error_naive
    mase = error_ours / error_naive if error_naive else None
    found = Backtest(max(tried, 0), error_ours / hours, error_naive / hours, mase, shown)
    return found, max(squares / means, 1.0) if means else 1.0


def forecast(group: str, counts: Counts, begins: int) -> Forecast | None:
    """The day that begins at `begins`; None where too little is known."""
    if len(counts) < LEAST_DAYS * DAY:
        return None
    tried, dispersion = backtest(counts)
    simple = naive(counts)
    if not tried.shown:
        guess = low = high = np.zeros(0)
    else:
        guess = ours(counts)
        spread = _Z80 * np.sqrt(dispersion * guess)
        low, high = np.maximum(guess - spread, 0.0), guess + spread
    return Forecast(
        group, begins, len(counts) // DAY, float(guess.sum()) if tried.shown else None, float(simple.sum()),
        _rounded(guess), _rounded(low), _rounded(high), _rounded(simple), tried,
    )  # fmt: skip


def by_group(groups: Mapping[str, Sequence[int]], until: int, days: int) -> list[Forecast]:
    """Forecasts of the 24 hours from the full hour after `until`, of every group of moments (ns), by name.

    All groups share the history from the first alert of any, at most `days`.
    """
    begins = -(-until // HOUR_NS) * HOUR_NS
    oldest = min((min(moments) for moments in groups.values() if len(moments)), default=begins)
    start = max(oldest // HOUR_NS * HOUR_NS, begins - days * DAY * HOUR_NS)
    found = (forecast(name, hourly(groups[name], start, begins), begins) for name in sorted(groups))
    return [one for one in found if one is not None]


def _rounded(values: Counts) -> tuple[float, ...]:
    return tuple(round(float(v), 3) for v in values)
