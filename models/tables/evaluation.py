"""The report of an evaluation on a test file: figures, and what belongs beside them."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np

from models.judging import measures
from models.judging.honesty import shuffled_beside, stump_beside
from models.judging.measures import Yes
from models.tables import training
from models.tables.encoding import COLUMNS
from models.tables.kdd import NORMAL, Table
from models.tables.model import Classifier

METHOD = (
    "random forest with every attack type weighing the same, joined with the rarity among normal rows "
    "(Isolation Forest, distance to the 5th nearest); threshold chosen on the training set by folds that "
    "leave out whole attack types and whole classes; the test file is asked once"
)


def evaluate(
    classifier: Classifier, test: Table, train: Table | None, seed: int, say: Callable[[str], None]
) -> dict[str, Any]:
    """Judge a model on `test`. Without the training table there is no stump and no shuffling to report."""
    started = time.perf_counter()
    rows, attack = classifier.rows(test), test.attack
    judged = classifier.judge(rows)
    seconds = time.perf_counter() - started
    right = int((judged.attack == attack).sum())
    result: dict[str, Any] = {
        "table": "nsl-kdd",
        "test": {"path": test.path, "sha256": test.sha256, "rows": len(test),
                 "bad_lines": test.bad, "first_bad": test.first_bad},
        "accuracy": right / len(test),
        "interval": list(measures.wilson(right, len(test))),
        "confusion": measures.confusion(judged.attack, attack),
        **measures.two_sides(judged.attack, attack),
        "by_class": measures.per_class(judged.attack, test.classes, NORMAL),
        "by_type": measures.per_class(judged.attack, test.labels, NORMAL),
        "roc_auc": measures.roc_auc(judged.score, attack),
        "unsupervised": _unsupervised(classifier, rows, judged.outlying, attack),
        "threshold": classifier.threshold,
        "method": METHOD,
        "score_seconds": seconds,
        "time_ordered": {"accuracy": None, "reason": "the rows of this table have no times"},
    }  # fmt: skip
    if train is not None:
        say("stump")
        trained = classifier.rows(train)
        unseen = attack & ~np.isin(test.labels, np.unique(train.labels))
        result["unseen_types"] = {
            "rows": int(unseen.sum()), "recall": float(judged.attack[unseen].mean()) if unseen.any() else None
        }  # fmt: skip
        result["stump"] = stump_beside(
            trained, train.attack, rows, attack, names=COLUMNS, ours=result["accuracy"]
        )
        say("shuffled labels")
        result["shuffled"] = _shuffled(trained, train, rows, attack, seed)
        result["flags"] = flags(result)
    return result


def _unsupervised(classifier: Classifier, rows: Any, outlying: Any, attack: Yes) -> dict[str, float]:
    """ROC AUC of scores fitted on normal rows only: both joined, and each alone."""
    voices = classifier.voices
    return {
        "roc_auc": measures.roc_auc(outlying, attack),
        "isolation_forest": measures.roc_auc(-voices.isolation.score(rows)[:, 0], attack),
        "neighbours": measures.roc_auc(voices.neighbours.score(rows), attack),
    }


def _shuffled(trained: Any, train: Table, rows: Any, attack: Yes, seed: int) -> dict[str, Any]:
    """The forest alone, for only it reads labels: which rows are strange is known without any."""

    def fit_and_say(labels: Yes) -> Yes:
        words = np.where(labels, "attack", NORMAL)
        return np.asarray(training.fit_forest(trained, words, seed).score(rows)[:, 1] > 0.5)

    return shuffled_beside(fit_and_say, train.attack, attack, seed)


def flags(result: dict[str, Any]) -> list[str]:
    """What a reader must know before believing the figures; keys of the catalogue's section `model_flag`."""
    found = []
    if result["stump"]["reached"]:
        found.append("stump_reaches")
    if result["shuffled"]["suspicious"]:
        found.append("shuffled_learns")
    return found
