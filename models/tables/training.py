"""A classifier for tables whose test set holds attacks that the training set lacks.

Two voices, joined: a random forest in which every attack *type* weighs the same (ten rows of password
guessing as much as eight thousand of one flood), and the rarity of a row among normal ones, by an Isolation
Forest and by its nearest normal neighbours, which need not have seen an attack at all.

The threshold is chosen on the training set alone, by folds that imitate the shift: whole attack types, then
whole classes of attacks, are left out of training and asked for.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.outliers.neighbours import Neighbours, Tail
from models.tables.encoding import COLUMNS, Encoding
from models.tables.kdd import CLASSES, NORMAL, Table
from models.trees.compiling import compile_forest
from models.trees.forest import Forest

TREES = 100
ISOLATION_TREES = 100
#: Large: a rare kind of normal row must not look like an attack.
ISOLATION_ROWS = 4096
#: Normal rows kept back to learn how rare a score is.
CALIBRATION = 0.2
#: What the rarities weigh beside the logarithm of the forest's probability; chosen by the same folds.
OUTLIER_WEIGHT = 0.3
_FLOOR = 0.01
FOLDS = 4
#: Share of rows by class in the test set as its makers published it: what an attack missed there costs.
#: The makers also say that a third of its attacks are of types the training set lacks.
MAKE_UP = {"normal": 0.4308, "dos": 0.3308, "probe": 0.1074, "r2l": 0.1221, "u2r": 0.0089, "other": 0.0}


@dataclass(frozen=True)
class Voices:
    """A fitted classifier before its threshold."""

    encoding: Encoding
    forest: Forest
    isolation: Forest
    neighbours: Neighbours
    isolation_tail: Tail
    neighbours_tail: Tail

    def outlying(self, rows: NDArray[np.float32]) -> NDArray[np.float64]:
        """How strange rows are among normal ones; nothing in it has seen an attack."""
        return self.isolation_tail.rarity(-self.isolation.score(rows)[:, 0]) + self.neighbours_tail.rarity(
            self.neighbours.score(rows)
        )

    def score(self, rows: NDArray[np.float32]) -> NDArray[np.float64]:
        """Both voices; more is worse."""
        return joined(self.forest.score(rows)[:, 1], self.outlying(rows))


def joined(likely: NDArray[np.float64], outlying: NDArray[np.float64]) -> NDArray[np.float64]:
    """The forest's probability and the rarities as one score."""
    return np.asarray(np.log(likely + _FLOOR) + OUTLIER_WEIGHT * outlying)


def fit(table: Table, seed: int) -> Voices:
    """Fit both voices; raises ValueError where a table has no normal rows or no attacks."""
    normal = ~table.attack
    if normal.sum() < 50 or not table.attack.any():
        raise ValueError(
            f"{normal.sum()} normal rows and {table.attack.sum()} attacks cannot be learned from"
        )
    encoding = Encoding.of(table.take(normal))
    rows = encoding.encode(table)
    return Voices(encoding, fit_forest(rows, table.labels, seed), *_outliers(rows[normal], seed))


def fit_forest(rows: NDArray[np.float32], labels: NDArray[np.str_], seed: int) -> Forest:
    """The random forest alone; `labels` are types."""
    from sklearn.ensemble import RandomForestClassifier

    made = RandomForestClassifier(TREES, min_samples_leaf=2, random_state=seed, n_jobs=1)
    made.fit(rows, labels != NORMAL, sample_weight=type_weights(labels))
    return compile_forest(made)


def type_weights(labels: NDArray[np.str_]) -> NDArray[np.float64]:
    """Normal rows weigh 1; all attacks together as much as they, every type the same."""
    names, which, counts = np.unique(labels, return_inverse=True, return_counts=True)
    normal = names == NORMAL
    types = max(int((~normal).sum()), 1)
    weights = np.where(normal, 1.0, counts[normal].sum() / types / counts)
    return np.asarray(weights[which])


def _outliers(normal: NDArray[np.float32], seed: int) -> tuple[Forest, Neighbours, Tail, Tail]:
    from sklearn.ensemble import IsolationForest

    order = np.random.default_rng(seed).permutation(len(normal))
    back = int(CALIBRATION * len(normal))
    held, fitted = normal[order[:back]], normal[order[back:]]
    made = IsolationForest(
        n_estimators=ISOLATION_TREES, max_samples=min(ISOLATION_ROWS, len(fitted)), random_state=seed
    ).fit(fitted)
    isolation, neighbours = compile_forest(made), Neighbours.fit(fitted, seed)
    return (
        isolation, neighbours, Tail.of(-isolation.score(held)[:, 0]), Tail.of(neighbours.score(held))
    )  # fmt: skip


@dataclass(frozen=True)
class Fold:
    """One imitation: what is left out, as judged by a classifier that never saw it."""

    name: str
    score: NDArray[np.float64]
    attack: NDArray[np.bool_]
    weight: NDArray[np.float64]

    def accuracy(self, threshold: float) -> float:
        """The weighted share that is said right."""
        right = (self.score > threshold) == self.attack
        return float(self.weight[right].sum() / self.weight.sum())

    def false_rate(self, threshold: float) -> float:
        """The share of held-out normal rows above the threshold."""
        return float((self.score[~self.attack] > threshold).mean())


def imitations(table: Table, seed: int) -> Iterator[Fold]:
    """Folds that leave out attack types (each with a share of normal rows), then classes of attacks."""
    part = np.random.default_rng(seed + 1).integers(0, FOLDS, len(table))
    classes = table.classes
    for k, types in enumerate(_type_folds(table)):
        yield _fold(f"types {k + 1}", table, np.isin(table.labels, types), part == k, seed)
    for k, name in enumerate(c for c in CLASSES if c != NORMAL and (classes == c).any()):
        if (table.attack & (classes != name)).any():
            yield _fold(f"class {name}", table, classes == name, part == k % FOLDS, seed)


def _type_folds(table: Table) -> list[list[str]]:
    """Types of every class dealt out from the commonest to the rarest."""
    folds: list[list[str]] = [[] for _ in range(FOLDS)]
    classes = table.classes
    for name in CLASSES[1:]:
        names, counts = np.unique(table.labels[classes == name], return_counts=True)
        for i, at in enumerate(np.lexsort((names, -counts))):
            folds[i % FOLDS].append(str(names[at]))
    return [fold for fold in folds if fold]


def _fold(name: str, table: Table, left_out: NDArray[np.bool_], held: NDArray[np.bool_], seed: int) -> Fold:
    """Train without the rows left out or held, and ask for them.

    Types that the classifier knows are asked too, on held rows. Every type of a class weighs the same, and
    classes as in MAKE_UP.
    """
    voices = fit(table.take(~left_out & ~held), seed)
    asked = left_out | held
    score = voices.score(voices.encoding.encode(table.take(asked)))
    labels, classes = table.labels[asked], table.classes[asked]
    weight = np.zeros(len(labels))
    for kind in set(classes.tolist()):
        of = classes == kind
        names, which, counts = np.unique(labels[of], return_inverse=True, return_counts=True)
        weight[of] = MAKE_UP[kind] / len(names) / counts[which]
    return Fold(name, score, labels != NORMAL, weight)


def choose(folds: list[Fold]) -> tuple[float, dict[str, Any]]:
    """The threshold that is right most often over all imitations, and what it reached in each."""
    grid = np.unique(
        np.round(np.quantile(np.concatenate([f.score for f in folds]), np.linspace(0, 1, 801)), 4)
    )
    mean = np.array([np.mean([f.accuracy(t) for f in folds]) for t in grid])
    # The best is a plateau: its middle is the safest place.
    top = np.flatnonzero(mean >= mean.max() - 0.001)
    threshold = float(grid[top[len(top) // 2]])
    return threshold, {
        "accuracy": float(np.mean([f.accuracy(threshold) for f in folds])),
        "false_positive_rate": float(np.mean([f.false_rate(threshold) for f in folds])),
        "folds": {f.name: {"accuracy": f.accuracy(threshold)} for f in folds},
    }


def feature_names() -> tuple[str, ...]:
    """What the model reads."""
    return COLUMNS
