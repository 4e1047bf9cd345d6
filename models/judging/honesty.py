"""What belongs beside every figure: a one-feature stump, shuffled labels, a split by time.

Arp and others, "Dos and Don'ts of Machine Learning in Computer Security" (USENIX Security 2022); Flood and
others, "Bad Design Smells in Benchmark NIDS Datasets" (EuroS&P 2024). A table that a single question answers
measures nothing; a method that learns from shuffled labels has seen the answers.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from models.judging.measures import Yes, accuracy

#: How far above always saying the commonest a method with shuffled labels may come: luck.
LUCK = 0.05
#: A stump this close to the model has reached it.
CLOSE = 0.01


class Stump(msgspec.Struct, frozen=True):
    """One question: is `feature` above `threshold`? `above` is what a yes means."""

    feature: int
    threshold: float
    above: bool

    def say(self, rows: NDArray[Any]) -> Yes:
        """The answer for every row."""
        return np.asarray((rows[:, self.feature] > self.threshold) == self.above)


def best_stump(rows: NDArray[Any], true: Yes) -> Stump:
    """The stump that is most often right of `rows`."""
    best, found = -1.0, Stump(0, -np.inf, above=bool(true.mean() >= 0.5))
    n, attacks = len(rows), int(true.sum())
    for j in range(rows.shape[1]):
        order = np.argsort(rows[:, j], kind="stable")
        values = rows[order, j]
        below = np.cumsum(true[order])  # attacks at or below each place
        last = np.flatnonzero(np.append(values[1:] > values[:-1], True))
        count = last + 1
        right = (count - below[last]) + (attacks - below[last])  # normal below, attacks above
        for above, hits in ((True, right), (False, n - right)):
            at = int(hits.argmax())
            if hits[at] > best:
                best, found = float(hits[at]), Stump(j, float(values[last[at]]), above)
    return found


def stump_beside(
    train: NDArray[Any], trained: Yes, test: NDArray[Any], tested: Yes, *, names: Sequence[str], ours: float
) -> dict[str, Any]:
    """What the best stump of the training rows reaches on the test rows, and whether that is as good."""
    stump = best_stump(train, trained)
    reached = accuracy(stump.say(test), tested)
    return {
        "feature": names[stump.feature], "threshold": stump.threshold, "above": stump.above,
        "accuracy": reached, "reached": reached >= ours - CLOSE,
    }  # fmt: skip


def shuffled_beside(
    fit_and_say: Callable[[Yes], Yes], trained: Yes, tested: Yes, seed: int, rounds: int = 1
) -> dict[str, Any]:
    """What the same method reaches when its labels are shuffled: no more than luck, or it cheats.

    `fit_and_say` trains on the labels it is given and says of every test row whether it is an attack. Judged
    by balanced accuracy, which is a half for whoever knows nothing, whatever they prefer to say. Methods that
    take a side by luck (a plane laid anywhere splits two clouds well, or the wrong way round) need `rounds`.
    """
    rng = np.random.default_rng(seed)
    balanced = []
    for _ in range(rounds):
        said = fit_and_say(rng.permutation(trained))
        balanced.append(
            (accuracy(said[tested], tested[tested]) + accuracy(said[~tested], tested[~tested])) / 2
        )
    mean, error = float(np.mean(balanced)), float(np.std(balanced)) / rounds**0.5
    return {
        "balanced_accuracy": mean, "rounds": rounds, "standard_error": error,
        "suspicious": mean > 0.5 + LUCK + 3 * error,
    }  # fmt: skip
