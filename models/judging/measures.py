"""Measures of a classifier, without a library, so that they can be read."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

Yes = NDArray[np.bool_]


def accuracy(said: Yes, true: Yes) -> float:
    """The share that was said right."""
    return float((said == true).mean())


def wilson(right: int, n: int, z: float = 1.959964) -> tuple[float, float]:
    """The 95 % interval of a share (Wilson 1927)."""
    if n == 0:
        return 0.0, 1.0
    p, zz = right / n, z * z / n
    middle, half = p + zz / 2, z * math.sqrt(p * (1 - p) / n + zz / (4 * n))
    low = 0.0 if right == 0 else (middle - half) / (1 + zz)
    return low, 1.0 if right == n else (middle + half) / (1 + zz)


def confusion(said: Yes, true: Yes) -> dict[str, dict[str, int]]:
    """`{truth: {said: rows}}`."""
    return {
        name: {"normal": int((~said & side).sum()), "attack": int((said & side).sum())}
        for name, side in (("normal", ~true), ("attack", true))
    }


def roc_auc(score: NDArray[np.float64], true: Yes) -> float:
    """How often an attack scores above a normal row, ties half; NaN where one of them is not there."""
    attacks, normals = np.sort(score[true]), np.sort(score[~true])
    if not len(attacks) or not len(normals):
        return math.nan
    below = np.searchsorted(normals, attacks, side="left").sum(dtype=np.float64)
    upto = np.searchsorted(normals, attacks, side="right").sum(dtype=np.float64)
    return float((below + upto) / 2 / len(attacks) / len(normals))


def recall_at(score: NDArray[np.float64], true: Yes, false_rate: float) -> tuple[float, float]:
    """The share of attacks above the least threshold that `false_rate` of normal rows exceed, and it."""
    normals = np.sort(score[~true])[::-1]
    allowed = math.floor(false_rate * len(normals))
    threshold = float(normals[allowed]) if allowed < len(normals) else -math.inf
    return float((score[true] > threshold).mean()), threshold


def per_class(said: Yes, classes: NDArray[np.str_], normal: str) -> dict[str, dict[str, Any]]:
    """Of each class: rows, how many were said right, and that share with its interval."""
    out: dict[str, dict[str, Any]] = {}
    for name in sorted(set(classes.tolist()), key=lambda c: (c != normal, c)):
        of = classes == name
        right = int((~said & of).sum() if name == normal else (said & of).sum())
        n = int(of.sum())
        low, high = wilson(right, n)
        out[name] = {"rows": n, "right": right, "recall": right / n, "interval": [low, high]}
    return out


def two_sides(said: Yes, true: Yes) -> dict[str, float]:
    """Precision, recall and F1 of attacks, and the share of normal rows called attacks."""
    hit = int((said & true).sum())
    precision = hit / max(int(said.sum()), 1)
    recall = hit / max(int(true.sum()), 1)
    return {
        "precision": precision,
        "recall": recall,
        "f1": 2 * precision * recall / max(precision + recall, 1e-12),
        "false_positive_rate": int((said & ~true).sum()) / max(int((~true).sum()), 1),
    }
