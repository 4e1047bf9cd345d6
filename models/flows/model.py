"""Two models over flow records: a classifier of single flows, and a forest of strange host minutes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from citywall.errors import ModelError, ModelRefused
from models import making
from models.flows import features, hosts
from models.judging import budget, measures
from models.judging.honesty import best_stump
from models.modelfile import Card, Model, require
from models.trees.compiling import compile_forest
from models.trees.forest import Forest

FLOW, HOST = "flow", "host"
FEATURES = {FLOW: features.NAMES, HOST: hosts.NAMES}
TREES, ISOLATION_ROWS = 100, 1024
#: Alerts a day that analysts are asked to look at.
ALERTS_A_DAY = 20.0
#: What a forest of each kind gives: its link, and how many values.
_SHAPES = {FLOW: {("mean", 2), ("logistic", 1)}, HOST: {("isolation", 1)}}
_BINS = 10
_LEAST = 50


@dataclass(frozen=True)
class FlowModel:
    """A forest, its threshold, and how features and scores were spread where it learned."""

    kind: str
    id: str
    forest: Forest
    threshold: float
    edges: NDArray[np.float64]  # (features + 1, _BINS - 1): the last row is of the score
    shares: NDArray[np.float64]  # (features + 1, _BINS)
    calibration: tuple[NDArray[np.float64], NDArray[np.float64]]

    def score(self, rows: NDArray[np.float32]) -> NDArray[np.float64]:
        """More is worse: the probability of an attack, or how strange a host's minute is."""
        found = self.forest.score(rows)
        return found[:, 1] if self.kind == FLOW else -found[:, 0]

    def reasons(self, rows: NDArray[np.float32], top: int = 3) -> list[list[tuple[str, float]]]:
        """For each row the features that moved its score up most, with their share of what moved it up."""
        moved = self.forest.reasons(rows, len(self.forest.base) - 1)
        moved = moved if self.kind == FLOW else -moved
        names, up = FEATURES[self.kind], np.maximum(moved, 0.0)
        whole = np.maximum(up.sum(axis=1, keepdims=True), 1e-12)
        order = np.argsort(-up, axis=1, kind="stable")[:, :top]
        return [
            [(names[j], float(up[i, j] / whole[i, 0])) for j in chosen if up[i, j] > 0]
            for i, chosen in enumerate(order)
        ]


def train_flow(
    flows: features.Columns, attack: NDArray[np.bool_], digest: str, seed: int, now: str
) -> tuple[Card, making.Arrays]:
    """Learn single flows, in order of time: the first 70 % are learned from, the rest judged.

    Then all are learned from. Raises ModelError.
    """
    rows = features.features(flows)
    cut = int(0.7 * len(rows))
    if min(attack[:cut].sum(), (~attack[:cut]).sum()) < _LEAST:
        raise ModelError("cannot_learn", place=FLOW, reason="too few attacks or too few other flows")
    method, tried = _chosen(rows[:cut], attack[:cut], seed)

    def fitted(upto: int, labels: NDArray[np.bool_]) -> Forest:
        return compile_forest(_METHODS[method](seed).fit(rows[:upto], labels[:upto]))

    past = fitted(cut, attack)
    score, true = past.score(rows[cut:])[:, 1], attack[cut:]
    last = np.asarray(flows["last"]).astype(np.int64)
    threshold = _clear_of(score, _budgeted(score[~true], (int(last[-1]) - int(last[cut])) / 1e9))
    stump = best_stump(rows[:cut], attack[:cut])
    said = score > threshold
    shuffled = fitted(cut, np.random.default_rng(seed).permutation(attack[:cut]))
    metrics = {
        "time_ordered": {"rows": len(true), "roc_auc": measures.auc_told(score, true),
                         **measures.two_sides(said, true),
                         "accuracy": measures.accuracy(said, true)},
        "method": {"chosen": method, "roc_auc": tried},
        "stump": {"feature": features.NAMES[stump.feature],
                  **measures.two_sides(stump.say(rows[cut:]), true)},
        "shuffled": {"roc_auc": measures.auc_told(shuffled.score(rows[cut:])[:, 1], true)},
    }  # fmt: skip
    edges, values = budget.calibrate(score, true)
    whole = fitted(len(rows), attack)
    return _made(
        FLOW, whole, rows, whole.score(rows)[:, 1], now, threshold=threshold, seed=seed, metrics=metrics,
        data={"sha256": digest, "rows": len(rows), "attacks": int(attack.sum())},
        calibration=(edges, values),
    )  # fmt: skip


def _random_forest(seed: int) -> Any:
    from sklearn.ensemble import RandomForestClassifier

    return RandomForestClassifier(
        TREES, min_samples_leaf=5, class_weight="balanced", random_state=seed, n_jobs=1
    )


def _boosted(seed: int) -> Any:
    from sklearn.ensemble import HistGradientBoostingClassifier

    return HistGradientBoostingClassifier(
        max_iter=TREES, class_weight="balanced", early_stopping=False, random_state=seed
    )


#: How single flows may be learned.
_METHODS: dict[str, Callable[[int], Any]] = {"forest": _random_forest, "boosted": _boosted}


def _chosen(
    rows: NDArray[np.float32], attack: NDArray[np.bool_], seed: int
) -> tuple[str, dict[str, float | None]]:
    """The method whose scores order the last two sevenths of these rows best, and what each reached there.

    The first where they are alike, or where one side is missing.
    """
    cut = 5 * len(rows) // 7
    past, later = attack[:cut], attack[cut:]
    if past.all() or not past.any() or later.all() or not later.any():
        return next(iter(_METHODS)), {}
    reached: dict[str, float | None] = {
        name: measures.auc_told(
            compile_forest(make(seed).fit(rows[:cut], past)).score(rows[cut:])[:, 1], later
        )
        for name, make in _METHODS.items()
    }
    return max(reached, key=lambda name: reached[name] or 0.0), reached


def train_host(flows: features.Columns, digest: str, seed: int, now: str) -> tuple[Card, making.Arrays]:
    """Learn host minutes without labels; the threshold is the alert budget's on the last 30 %."""
    from sklearn.ensemble import IsolationForest

    found = hosts.host_windows(flows)
    rows = found.rows
    if len(rows) < _LEAST:
        raise ModelError("cannot_learn", place=HOST, reason=f"{len(rows)} host minutes are too few")
    cut = int(0.7 * len(rows))

    def fitted(upto: int) -> Forest:
        return compile_forest(
            IsolationForest(n_estimators=TREES, max_samples=min(ISOLATION_ROWS, upto), random_state=seed).fit(
                rows[:upto]
            )
        )

    later = -fitted(cut).score(rows[cut:])[:, 0]
    seconds = (int(found.began[-1]) - int(found.began[cut]) + hosts.WINDOW_NS) / 1e9
    threshold = _budgeted(later, seconds)
    whole = fitted(len(rows))
    nothing = np.zeros(0), np.zeros(0)
    return _made(
        HOST, whole, rows, -whole.score(rows)[:, 0], now, threshold=threshold, seed=seed, calibration=nothing,
        metrics={"time_ordered": {"rows": len(later), "over_threshold": int((later > threshold).sum())}},
        data={"sha256": digest, "rows": len(rows)},
    )  # fmt: skip


def _clear_of(scores: NDArray[np.float64], threshold: float) -> float:
    """Half way to the next score above: a model that is learned anew says nearly the same, not the same."""
    above = scores[scores > threshold]
    return (threshold + float(above.min())) / 2 if len(above) else threshold


def _budgeted(scores: NDArray[np.float64], seconds: float) -> float:
    return budget.threshold_for(scores, max(seconds, 1.0), ALERTS_A_DAY)


def _made(
    kind: str, forest: Forest, rows: NDArray[np.float32], score: NDArray[np.float64], now: str, *,
    calibration: tuple[NDArray[np.float64], NDArray[np.float64]], **told: Any,
) -> tuple[Card, making.Arrays]:  # fmt: skip
    columns = np.concatenate([rows.astype(np.float64), score[:, None]], axis=1)
    edges = np.quantile(columns, np.linspace(0, 1, _BINS + 1)[1:-1], axis=0).T.copy()
    shares = np.stack([histogram(columns[:, j], edges[j]) for j in range(columns.shape[1])]) / len(rows)
    card = making.card(
        kind, now, features=FEATURES[kind], labels=("normal", "attack"), parts={"forest": forest.facts()},
        parameters={"alerts_a_day": ALERTS_A_DAY}, **told,
    )  # fmt: skip
    arrays = {**forest.arrays("forest"), "edges": edges, "shares": shares,
              "calibration_edges": calibration[0], "calibration_values": calibration[1]}  # fmt: skip
    return card, arrays


def histogram(values: NDArray[np.float64], edges: NDArray[np.float64]) -> NDArray[np.float64]:
    """How many values are in each of the bins that `edges` divide."""
    at = np.searchsorted(edges, values, side="left")
    return np.bincount(at, minlength=len(edges) + 1).astype(np.float64)


def of(model: Model, kind: str, place: str) -> FlowModel:
    """The model of a file; raises ModelRefused."""
    names = FEATURES[kind]
    require(model, kind, names, place)
    arrays = model.arrays
    try:
        if model.card.features != names:
            raise ValueError("its features are in another order")
        edges, shares = arrays["edges"], arrays["shares"]
        if edges.shape != (len(names) + 1, _BINS - 1) or shares.shape != (len(names) + 1, _BINS):
            raise ValueError("it does not say how its features were spread")
        forest = Forest.of("forest", arrays, model.card.parts["forest"])
        if forest.features != len(names) or (forest.link, len(forest.base)) not in _SHAPES[kind]:
            raise ValueError("its forest is of another kind")
        calibration = arrays["calibration_edges"], arrays["calibration_values"]
    except (KeyError, ValueError) as e:
        raise ModelRefused("damaged", place=place, reason=str(e)) from None
    return FlowModel(kind, model.id, forest, model.card.threshold, edges, shares, calibration)
