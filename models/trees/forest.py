"""A forest: trees as flat arrays, what becomes of their sums, and who is asked for reasons."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from citywall.rows import read_only
from models.trees import kernels

#: A node of a forest whose features are f4, and of one whose features are f8.
NODE4 = np.dtype([("threshold", "f4"), ("word", "u4")])
NODE8 = np.dtype([("threshold", "f8"), ("word", "u8")])
#: What becomes of a row's sums: the mean vote, an Isolation Forest's score, a probability from log-odds.
LINKS = ("mean", "isolation", "logistic", "softmax")
MAX_FEATURES = kernels.FEATURE_MASK + 1
MAX_TREE_NODES = 1 << (32 - kernels.LEFT_SHIFT)

Matrix = NDArray[np.float64]


@dataclass(frozen=True)
class Forest:
    """Trees over `features` columns. `base` is what sums begin with; `scale` divides them.

    Raises ValueError where the arrays do not make sound trees: scoring trusts them.
    """

    nodes: NDArray[np.void]  # NODE4 or NODE8
    values: NDArray[np.float64]  # (nodes, k): what a leaf adds to k columns
    roots: NDArray[np.int32]
    columns: NDArray[np.int32]
    base: NDArray[np.float64]
    features: int
    link: str
    scale: float
    depths: NDArray[np.int32] = field(init=False)

    def __post_init__(self) -> None:
        if self.nodes.dtype not in (NODE4, NODE8) or self.link not in LINKS:
            raise ValueError("these are no nodes of trees")
        if not 0 < self.features <= MAX_FEATURES or not np.isfinite(self.scale) or self.scale <= 0:
            raise ValueError("a forest of that many features, or of that scale, cannot be")
        if self.values.ndim != 2 or len(self.values) != len(self.nodes) or not np.isfinite(self.values).all():
            raise ValueError("every node has values, and they are finite")
        if len(self.roots) != len(self.columns) or not len(self.roots):
            raise ValueError("every tree has a root and a column")
        if self.columns.min() < 0 or self.columns.max() + self.values.shape[1] > len(self.base):
            raise ValueError("a tree's values go beyond the columns there are")
        for name in ("nodes", "values", "roots", "columns"):
            object.__setattr__(self, name, read_only(getattr(self, name)))
        depths = np.zeros(len(self.roots), np.int32)
        if (astray := kernels.checked(self.nodes, self.roots, self.features, depths)) >= 0:
            raise ValueError(f"node {astray} of the trees leads astray")
        object.__setattr__(self, "depths", read_only(depths))

    @property
    def dtype(self) -> np.dtype[Any]:
        """What rows are turned into before they are asked."""
        return np.dtype("f4") if self.nodes.dtype == NODE4 else np.dtype("f8")

    def sums(self, rows: NDArray[Any]) -> Matrix:
        """What the trees add up to for each row, before the link; raises ValueError for other rows."""
        asked = np.ascontiguousarray(rows, self.dtype)
        if asked.ndim != 2 or asked.shape[1] != self.features:
            raise ValueError(f"rows of {self.features} features are needed, not of shape {asked.shape}")
        out = np.empty((len(asked), len(self.base)))
        out[:] = self.base
        kernels.score(asked, self.nodes, self.values, self.roots, self.depths, self.columns, out)
        return out

    def score(self, rows: NDArray[Any]) -> Matrix:
        """What scikit-learn says of `rows`: `predict_proba`, or `score_samples` of an Isolation Forest."""
        out = self.sums(rows)
        if self.link == "mean":
            out /= self.scale
            return out
        if self.link == "isolation":
            return np.asarray(2.0 ** -(out / self.scale)) * -1.0
        if self.link == "logistic":
            likely = _logistic(out[:, 0])
            return np.stack([1.0 - likely, likely], axis=1)
        out -= out.max(axis=1, keepdims=True)
        np.exp(out, out=out)
        out /= out.sum(axis=1, keepdims=True)
        return out

    def reasons(self, rows: NDArray[Any], column: int) -> Matrix:
        """How much each feature moved each row's value of `column`, summed over the trees."""
        asked = np.ascontiguousarray(rows, self.dtype)
        if asked.ndim != 2 or asked.shape[1] != self.features:
            raise ValueError(f"rows of {self.features} features are needed, not of shape {asked.shape}")
        out = np.zeros(asked.shape)
        at = np.flatnonzero(self.columns == column) if self.values.shape[1] == 1 else slice(None)
        value = 0 if self.values.shape[1] == 1 else column
        kernels.explain(asked, self.nodes, self.values, self.roots[at], self.depths[at], value, out)
        return out

    def arrays(self, prefix: str) -> dict[str, NDArray[Any]]:
        """The arrays of a model file."""
        return {
            f"{prefix}/thresholds": np.ascontiguousarray(self.nodes["threshold"]),
            f"{prefix}/words": self.nodes["word"].astype(np.uint32),
            f"{prefix}/values": self.values,
            f"{prefix}/roots": self.roots,
            f"{prefix}/columns": self.columns,
            f"{prefix}/base": self.base,
        }

    def facts(self) -> dict[str, Any]:
        """What a model file says beside the arrays."""
        return {"features": self.features, "link": self.link, "scale": self.scale}

    @classmethod
    def of(cls, prefix: str, arrays: Mapping[str, NDArray[Any]], facts: Mapping[str, Any]) -> Forest:
        """The forest in a model file; raises ValueError or KeyError where it is none."""
        thresholds, words = arrays[f"{prefix}/thresholds"], arrays[f"{prefix}/words"]
        if thresholds.ndim != 1 or thresholds.shape != words.shape or words.dtype != np.uint32:
            raise ValueError("every node has a threshold and a word")
        nodes = np.zeros(len(words), NODE4 if thresholds.dtype == np.float32 else NODE8)
        nodes["threshold"], nodes["word"] = thresholds, words
        values, base = arrays[f"{prefix}/values"], arrays[f"{prefix}/base"]
        roots, columns = arrays[f"{prefix}/roots"], arrays[f"{prefix}/columns"]
        if values.dtype != np.float64 or base.dtype != np.float64 or base.ndim != 1:
            raise ValueError("values of trees are f8")
        if roots.dtype != np.int32 or columns.dtype != np.int32 or roots.ndim != 1 or columns.ndim != 1:
            raise ValueError("places of trees are i4")
        return cls(
            nodes, values, roots, columns, base,
            int(facts["features"]), str(facts["link"]), float(facts["scale"]),
        )  # fmt: skip


def _logistic(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """1 / (1 + e^-x), of whatever size."""
    small = np.exp(-np.abs(x))
    return np.where(x >= 0, 1.0, small) / (1.0 + small)


def compile_scoring() -> None:
    """Compile what scores rows of either kind: a forest of one leaf answers."""
    for node in (NODE4, NODE8):
        leaf = np.zeros(1, node)
        leaf["threshold"], leaf["word"] = np.inf, 1 << kernels.MISSING_SHIFT  # its own left child, always
        one = np.zeros(1, np.int32)
        Forest(leaf, np.ones((1, 1)), one, one, np.zeros(1), 1, "mean", 1.0).score(np.zeros((1, 1)))
