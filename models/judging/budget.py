"""Thresholds by what analysts can look at, and scores that mean a probability."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_DAY_S = 86_400.0


def threshold_for(scores: NDArray[np.float64], seconds: float, alerts_a_day: float) -> float:
    """The least threshold that so many alerts a day go over, on past data that took `seconds`.

    Where the data are too short for even one alert: the highest score seen.
    """
    if not len(scores) or seconds <= 0 or alerts_a_day < 0:
        raise ValueError("a budget needs scores and the time they took")
    allowed = int(alerts_a_day * seconds / _DAY_S)
    ordered = np.sort(scores)[::-1]
    return float(ordered[min(allowed, len(ordered) - 1)])


def calibrate(
    scores: NDArray[np.float64], true: NDArray[np.bool_]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Isotonic calibration by pooling adjacent violators: scores, and the share of attacks at or below each.

    (Ayer and others 1955.) `probability` reads it.
    """
    order = np.argsort(scores, kind="stable")
    values, weights, edges = [], [], []
    for score, yes in zip(scores[order].tolist(), true[order].tolist(), strict=True):
        values.append(float(yes))
        weights.append(1.0)
        edges.append(score)
        while len(values) > 1 and values[-2] >= values[-1]:
            total = weights[-2] + weights[-1]
            values[-2] = (values[-2] * weights[-2] + values[-1] * weights[-1]) / total
            weights[-2], edges[-2] = total, edges[-1]
            del values[-1], weights[-1], edges[-1]
    return np.array(edges), np.array(values)


def probability(
    scores: NDArray[np.float64], edges: NDArray[np.float64], values: NDArray[np.float64]
) -> NDArray[np.float64]:
    """The calibrated probability of each score."""
    at = np.minimum(np.searchsorted(edges, scores, side="left"), len(values) - 1)
    return np.asarray(values[at])
