"""Hosts' minutes judged without labels and without training: half-space trees that learn while they judge.

Hosts are dealt to a fixed number of learners by their hash, whatever partition a learner works in, so that
partitions change nothing as long as no learner is torn apart.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from citywall.state import Parts, array_of
from models.flows import hosts, kernels
from models.outliers.halfspace import WINDOW, HalfSpaceTrees

#: Learners. A number of partitions must divide it.
SHARES = 8
#: Findings a day that analysts are asked to glance at, of all hosts together.
FINDINGS_A_DAY = 20.0
#: Host minutes that a learner sees before it says anything.
LEAST = 8 * WINDOW
#: A score is how many times thinner the place of a minute is than that of one in `SHARE` minutes so far;
#: from THIN on it may be told.
THIN, SHARE = 2.0, 100
SEED = 7
#: How strange a minute is comes in steps: `STEPS` for each doubling of the mass around it.
STEPS, DOUBLINGS = 32, 24
_DAY_NS = 86_400_000_000_000
#: What features are divided by, after `_SHIFT` was added, to lie between 0 and 1 as a rule.
_SCALE = np.array([12, 12, 12, 12, 1, 28, 28, 2, 22, 9, 1, 1, 1, 1], np.float64)
_SHIFT = np.array([0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0], np.float64)
#: Sums are kept as integers, so that the order of adding changes nothing.
_FINE = float(1 << 20)
_STATE = np.dtype([("rows", "i8"), ("began", "i8")])


class Judged(NamedTuple):
    """Of each row: its score, and whether it is to be told."""

    score: NDArray[np.float64]
    told: NDArray[np.bool_]


class _Learner:
    """Trees, the ranks of what they said, and what is usual of each feature."""

    def __init__(self) -> None:
        self.trees = HalfSpaceTrees(len(hosts.NAMES), SEED, WINDOW)
        self.ranks = np.zeros(STEPS * DOUBLINGS, np.int64)
        self.sums = np.zeros((2, len(hosts.NAMES)), np.int64)
        self.state = np.zeros(1, _STATE)

    def judge(self, rows: NDArray[np.float64], began: NDArray[np.int64]) -> Judged:
        """Score rows, oldest first, each before it is learned."""
        state = self.state[0]
        if not state["rows"]:
            state["began"] = began[0]
        before = int(state["rows"])
        score = self.trees.score_and_learn(rows)
        # At most so many as strange as this before it: the budget of the time gone by.
        elapsed = (began - int(state["began"]) + hosts.WINDOW_NS) / _DAY_NS
        allowed = np.floor(elapsed * FINDINGS_A_DAY / SHARES).astype(np.int64)
        mass = -np.log2(np.maximum(score, 1e-300))
        step = np.clip((np.log2(mass + 2.0**-12) + 12) * STEPS, 0, len(self.ranks) - 1).astype(np.int64)
        first, below = np.zeros(len(rows), np.bool_), np.zeros(len(rows), np.int64)
        kernels.rank(step, allowed, before, SHARE, self.ranks, first, below)
        thinner = np.exp2(below / STEPS)
        state["rows"] += len(rows)
        ready = before + np.arange(len(rows)) >= LEAST
        return Judged(thinner, ready & first & (thinner >= THIN))

    def learn(self, rows: NDArray[np.float64]) -> None:
        """Count what is usual."""
        fine = np.rint(rows * _FINE).astype(np.int64)
        self.sums[0] += fine.sum(axis=0)
        self.sums[1] += np.rint(rows * rows * _FINE).astype(np.int64).sum(axis=0)

    def usual(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Mean and standard deviation of each feature so far."""
        n = max(int(self.state[0]["rows"]), 1)
        mean, square = self.sums[0] / _FINE / n, self.sums[1] / _FINE / n
        return mean, np.sqrt(np.maximum(square - mean * mean, 1e-6))


class OnlineHosts:
    """Judges the host minutes of one session; minutes come in order."""

    def __init__(self) -> None:
        self._learners: dict[int, _Learner] = {}

    def judge(
        self, found: hosts.Hosts, share: NDArray[np.uint8]
    ) -> tuple[Judged, list[list[tuple[str, float]]]]:
        """Score `found`; `share` deals each row to a learner. Also why, for those that are told.

        Reasons are features by how far they are from what was usual until the minute before, with their part
        in the sum of these distances.
        """
        n = len(found.rows)
        judged = Judged(np.zeros(n), np.zeros(n, np.bool_))
        why: dict[int, list[tuple[str, float]]] = {}
        rows = np.clip((found.rows.astype(np.float64) + _SHIFT) / _SCALE, 0.0, 1.0)
        for which in np.unique(share).tolist():
            learner = self._learners.setdefault(which, _Learner())
            mine = np.flatnonzero(share == which)
            for minute in np.unique(found.began[mine]).tolist():
                at = mine[found.began[mine] == minute]
                mean, spread = learner.usual()
                judged.score[at], judged.told[at] = learner.judge(rows[at], found.began[at])
                learner.learn(rows[at])
                for i in at[judged.told[at]].tolist():
                    why[i] = _reasons((rows[i] - mean) / spread)
        return judged, [why[i] for i in np.flatnonzero(judged.told).tolist()]

    def snapshot(self) -> Parts:
        """Everything that was learned."""
        parts: Parts = {}
        for which, learner in self._learners.items():
            parts |= {f"{which}/trees/{name}": part for name, part in learner.trees.snapshot().items()}
            parts |= {
                f"{which}/ranks": learner.ranks,
                f"{which}/sums": learner.sums,
                f"{which}/state": learner.state,
            }
        return parts

    def restore(self, parts: Parts) -> None:
        """Take over a snapshot; raises ValueError where it is none."""
        self._learners = {}
        for which in sorted({int(name.split("/")[0]) for name in parts}):
            learner = self._learners[which] = _Learner()
            head = f"{which}/trees/"
            learner.trees.restore({n[len(head) :]: p for n, p in parts.items() if n.startswith(head)})
            learner.ranks = array_of(parts, f"{which}/ranks", np.dtype(np.int64)).copy()
            learner.sums = array_of(parts, f"{which}/sums", np.dtype(np.int64)).copy()
            learner.state = array_of(parts, f"{which}/state", _STATE).copy()
            shapes = learner.ranks.shape, learner.sums.shape, learner.state.shape
            if shapes != ((STEPS * DOUBLINGS,), (2, len(hosts.NAMES)), (1,)):
                raise ValueError("the checkpoint is of an online model of another shape")


def _reasons(away: NDArray[Any], top: int = 3) -> list[tuple[str, float]]:
    far = np.abs(away)
    whole = max(float(far.sum()), 1e-12)
    return [(hosts.NAMES[j], float(far[j] / whole)) for j in np.argsort(-far, kind="stable")[:top].tolist()]
