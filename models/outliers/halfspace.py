"""An online detector for streams without labels: half-space trees that learn while they judge."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from citywall.state import Parts, array_of
from models.outliers import kernels

TREES, DEPTH, WINDOW = 25, 10, 256
#: Share of a window's rows below which a place is thin enough to stop at.
_THIN = 0.1


class HalfSpaceTrees:
    """Trees over features whose usual range is [0, 1]; values beyond it are taken for its ends.

    Rows are scored in the order given, each before it is learned; how they are cut into calls changes
    nothing. Memory is fixed: `2 * TREES * 2^(DEPTH + 1)` counters.
    """

    def __init__(self, features: int, seed: int, window: int = WINDOW) -> None:
        if features < 1 or window < 1:
            raise ValueError("half-space trees need a feature, and a window of a row or more")
        self.features, self._window = features, window
        self._feature, self._split = _planted(features, seed)
        inner = self._feature.shape[1]
        shape = (TREES, 2 * inner + 1)
        self._latest, self._reference = np.zeros(shape, np.int64), np.zeros(shape, np.int64)
        self._state = np.zeros(2, np.int64)

    def score_and_learn(self, rows: NDArray[Any]) -> NDArray[np.float64]:
        """A score from 0 (usual) to 1 (nobody was near) for each row; 0 until the first window is full."""
        told = np.clip(np.ascontiguousarray(rows, np.float64), 0.0, 1.0)
        if told.ndim != 2 or told.shape[1] != self.features:
            raise ValueError(f"rows of {self.features} features are needed, not of shape {told.shape}")
        mass = np.empty(len(told))
        before = int(self._state[1]) * self._window + int(self._state[0])
        kernels.score_and_learn(
            told, self._feature, self._split, DEPTH, self._window, max(_THIN * self._window, 1.0),
            self._latest, self._reference, self._state, mass,
        )  # fmt: skip
        found = np.exp2(-mass / self._window)
        found[: max(self._window - before, 0)] = 0.0
        return found

    def snapshot(self) -> Parts:
        """Everything that was learned."""
        return {"latest": self._latest, "reference": self._reference, "state": self._state}

    def restore(self, parts: Parts) -> None:
        """Take over a snapshot of trees of the same seed and shape; raises ValueError."""
        found = [array_of(parts, name, np.dtype(np.int64)) for name in ("latest", "reference", "state")]
        if [a.shape for a in found] != [self._latest.shape, self._reference.shape, (2,)]:
            raise ValueError("the checkpoint is of half-space trees of another shape")
        self._latest, self._reference, self._state = (a.copy() for a in found)


@lru_cache(4)
def _planted(features: int, seed: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """The feature that each node of each tree asks for, and where it splits."""
    rng = np.random.default_rng(seed)
    inner = (1 << DEPTH) - 1
    feature, split = np.empty((TREES, inner), np.int64), np.empty((TREES, inner))
    for t in range(TREES):
        _plant(rng, feature[t], split[t], features)
    return feature, split


def _plant(
    rng: np.random.Generator, feature: NDArray[np.int64], split: NDArray[np.float64], features: int
) -> None:
    """Choose features and halves: the range of each feature is laid around a point drawn by chance."""
    middle = rng.random(features)
    reach = 2 * np.maximum(middle, 1 - middle)
    low, high = {0: middle - reach}, {0: middle + reach}
    for node in range(len(feature)):
        chosen = int(rng.integers(features))
        lows, highs = low.pop(node), high.pop(node)
        half = (lows[chosen] + highs[chosen]) / 2
        feature[node], split[node] = chosen, half
        low[2 * node + 1], high[2 * node + 1] = lows, _changed(highs, chosen, half)
        low[2 * node + 2], high[2 * node + 2] = _changed(lows, chosen, half), highs


def _changed(values: NDArray[np.float64], at: int, to: float) -> NDArray[np.float64]:
    out = values.copy()
    out[at] = to
    return out
