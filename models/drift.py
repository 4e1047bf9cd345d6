"""Whether what a model sees is still what it learned from.

Population stability (PSI) of every feature and of the score against the spread in the model's file; change
of the score's mean within a stretch of it (after ADWIN: Bifet and Gavaldà 2007); and age.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

#: The usual reading of PSI: below 0.1 the same, above 0.25 another population.
SHIFTED, DRIFTING = 0.1, 0.25
_LEAST = 1e-4
#: The age of a model that does not say when it was made.
NEVER = 1 << 31
#: Fewer rows say nothing.
ENOUGH = 200
_CONFIDENCE = 0.002
_BLOCKS = 64


def psi(expected: NDArray[np.float64], counts: NDArray[np.float64]) -> float:
    """Population stability of counts by bin against the shares expected of them."""
    share = np.maximum(counts / max(counts.sum(), 1.0), _LEAST)
    usual = np.maximum(expected, _LEAST)
    return float(((share - usual) * np.log(share / usual)).sum())


def changes(scores: NDArray[np.float64]) -> list[int]:
    """Where the mean of a sequence of scores in [0, 1] changes: indices, ascending.

    The sequence is cut into blocks; a cut between blocks is a change where the means on both sides are
    further apart than chance allows (Hoeffding's bound, as ADWIN has it). What lies before a change is then
    forgotten.
    """
    found: list[int] = []
    size = max(len(scores) // _BLOCKS, 1)
    sums: list[float] = []
    ends: list[int] = []
    start = 0
    for end in range(size, len(scores) + 1, size):
        sums.append(float(scores[end - size : end].sum()))
        ends.append(end)
        cut = _cut(np.array(sums), size, len(scores))
        if cut:
            start = ends[cut - 1]
            found.append(start)
            sums, ends = sums[cut:], ends[cut:]
    return found


def _cut(sums: NDArray[np.float64], size: int, whole: int) -> int:
    """After how many blocks the change is; 0 for none."""
    n = len(sums)
    if n < 2:
        return 0
    before = np.cumsum(sums)[:-1]
    left = np.arange(1, n) * size
    right = n * size - left
    apart = np.abs(before / left - (sums.sum() - before) / right)
    harmonic = 1.0 / (1.0 / left + 1.0 / right)
    bound = np.sqrt(np.log(4.0 * whole / _CONFIDENCE) / (2.0 * harmonic))
    over = apart - bound
    at = int(over.argmax())
    return at + 1 if over[at] > 0 else 0


def spread(
    names: tuple[str, ...], edges: NDArray[np.float64], shares: NDArray[np.float64],
    rows: NDArray[np.float32], scores: NDArray[np.float64],
) -> dict[str, Any]:  # fmt: skip
    """PSI of every feature and of the score, the worst first, and what they mean together."""
    told: dict[str, float] = {}
    for j, name in enumerate((*names, "score")):
        column = scores if j == len(names) else rows[:, j].astype(np.float64)
        counts = np.bincount(np.searchsorted(edges[j], column, side="left"), minlength=edges.shape[1] + 1)
        told[name] = round(psi(shares[j], counts.astype(np.float64)), 6)
    worst = dict(sorted(told.items(), key=lambda item: -item[1]))
    enough = len(rows) >= ENOUGH
    return {
        "rows": len(rows),
        "enough": enough,
        "psi": worst,
        "score_changes": changes(np.clip(scores, 0.0, 1.0)) if enough else [],
        "drifting": enough
        and (told["score"] > DRIFTING or sum(v > DRIFTING for v in told.values()) > len(told) / 3),
    }


def age_days(created: str, now: int) -> int:
    """Whole days from a UTC time (ISO 8601) to `now` (ns); NEVER where it cannot be read."""
    try:
        moment = datetime.fromisoformat(created)
    except ValueError:
        return NEVER
    if moment.tzinfo is None:
        return NEVER
    return max((now // 1_000_000_000 - int(moment.timestamp())) // 86_400, 0)
