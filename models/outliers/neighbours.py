"""How far a row is from what is normal: the distance to its k-th nearest normal row.

Ramaswamy, Rastogi and Shim, "Efficient algorithms for mining outliers" (SIGMOD 2000). Features are scaled to
the span they have in normal rows, and what is far outside counts no more than one span.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

#: Normal rows that are kept: a seeded choice where there are more.
KEPT = 8192
NEAREST = 5
_CHUNK = 512
_LEAST_SPAN = 1e-3


@dataclass(frozen=True)
class Neighbours:
    """Normal rows, scaled."""

    low: NDArray[np.float64]
    span: NDArray[np.float64]
    kept: NDArray[np.float64]

    @classmethod
    def fit(cls, normal: NDArray[np.float32], seed: int) -> Neighbours:
        """Keep normal rows; raises ValueError where there are too few."""
        if len(normal) <= NEAREST:
            raise ValueError(f"{len(normal)} normal rows are too few")
        rows = normal.astype(np.float64)
        low = rows.min(axis=0)
        span = np.maximum(rows.max(axis=0) - low, _LEAST_SPAN)
        chosen = np.random.default_rng(seed).permutation(len(rows))[:KEPT]
        return cls(low, span, np.clip((rows[chosen] - low) / span, -1.0, 2.0))

    def score(self, rows: NDArray[np.float32]) -> NDArray[np.float64]:
        """The distance of each row."""
        out = np.empty(len(rows))
        square = (self.kept**2).sum(axis=1)
        for at in range(0, len(rows), _CHUNK):
            near = np.clip((rows[at : at + _CHUNK] - self.low) / self.span, -1.0, 2.0)
            apart = (near**2).sum(axis=1)[:, None] + square - 2.0 * (near @ self.kept.T)
            nearest = np.partition(apart, NEAREST - 1, axis=1)[:, NEAREST - 1]
            out[at : at + _CHUNK] = np.sqrt(np.maximum(nearest, 0.0))
        return out

    def arrays(self, prefix: str) -> dict[str, NDArray[Any]]:
        """The arrays of a model file."""
        return {f"{prefix}/low": self.low, f"{prefix}/span": self.span, f"{prefix}/kept": self.kept}

    @classmethod
    def of(cls, prefix: str, arrays: Mapping[str, NDArray[Any]], features: int) -> Neighbours:
        """From a model file; raises ValueError or KeyError."""
        low, span, kept = (arrays[f"{prefix}/{name}"] for name in ("low", "span", "kept"))
        shapes = (low.shape, span.shape, kept.shape[1:]) == ((features,),) * 3
        if not shapes or len(kept) < NEAREST or not (span > 0).all():
            raise ValueError("these are no neighbours")
        return cls(low, span, kept)


@dataclass(frozen=True)
class Tail:
    """How rare a score is among those of normal rows that were held out: -ln(share at or above it)."""

    known: NDArray[np.float64]  # ascending

    @classmethod
    def of(cls, scores: NDArray[np.float64]) -> Tail:
        """From scores of normal rows."""
        return cls(np.sort(scores))

    def rarity(self, scores: NDArray[np.float64]) -> NDArray[np.float64]:
        """0 for the most usual, ln(n + 1) beyond all."""
        above = len(self.known) - np.searchsorted(self.known, scores, side="left")
        found: NDArray[np.float64] = np.log(len(self.known) + 1.0) - np.log(above + 1.0)
        return found
