"""The NSL-KDD model: trained, kept in a file, read back, asked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import msgspec
import numpy as np
from numpy.typing import NDArray

from citywall.errors import ModelError, ModelRefused
from models import making
from models.modelfile import Card, Model, require
from models.outliers.neighbours import Neighbours, Tail
from models.tables import training
from models.tables.encoding import COLUMNS, Encoding
from models.tables.kdd import Table
from models.trees.forest import Forest

KIND = "nsl-kdd"


@dataclass(frozen=True)
class Classifier:
    """Voices and a threshold."""

    voices: training.Voices
    threshold: float

    def rows(self, table: Table) -> NDArray[np.float32]:
        """The table as the model reads it."""
        return self.voices.encoding.encode(table)

    def judge(self, rows: NDArray[np.float32]) -> Judged:
        """What it says of encoded rows."""
        likely = self.voices.forest.score(rows)[:, 1]
        outlying = self.voices.outlying(rows)
        score = training.joined(likely, outlying)
        return Judged(score > self.threshold, score, outlying)


@dataclass(frozen=True)
class Judged:
    """Whether each row is an attack, by what score, and how strange it is by the voice that saw no attack."""

    attack: NDArray[np.bool_]
    score: NDArray[np.float64]
    outlying: NDArray[np.float64]


def train(table: Table, seed: int, say: Callable[[str], None], now: str) -> tuple[Card, making.Arrays]:
    """Choose the threshold by imitations of the shift, then fit on all rows; raises ModelError."""
    try:
        voices = training.fit(table, seed)
        folds = []
        for fold in training.imitations(table, seed):
            folds.append(fold)
            say(fold.name)
        threshold, found = training.choose(folds)
    except ValueError as e:
        raise ModelError("cannot_learn", place=table.path, reason=str(e)) from None
    arrays: making.Arrays = {
        **voices.forest.arrays("forest"),
        **voices.isolation.arrays("isolation"),
        **voices.neighbours.arrays("neighbours"),
        "isolation_tail": voices.isolation_tail.known,
        "neighbours_tail": voices.neighbours_tail.known,
    }
    card = making.card(
        KIND, now,
        features=COLUMNS, labels=("normal", "attack"), threshold=threshold, seed=seed,
        data={"path": table.path, "sha256": table.sha256, "rows": len(table),
              "attacks": int(table.attack.sum()), "types": sorted(set(table.labels.tolist()))},
        metrics={"imitations": found},
        parameters={"encoding": msgspec.to_builtins(voices.encoding),
                    "outlier_weight": training.OUTLIER_WEIGHT},
        parts={"forest": voices.forest.facts(), "isolation": voices.isolation.facts()},
    )  # fmt: skip
    return card, arrays


def of(model: Model, place: str) -> Classifier:
    """The classifier of a model file; raises ModelRefused."""
    require(model, KIND, COLUMNS, place)
    if model.card.features != COLUMNS:
        raise ModelRefused("damaged", place=place, reason="its features are in another order")
    arrays, card = model.arrays, model.card
    try:
        voices = training.Voices(
            msgspec.convert(card.parameters["encoding"], Encoding),
            Forest.of("forest", arrays, card.parts["forest"]),
            Forest.of("isolation", arrays, card.parts["isolation"]),
            Neighbours.of("neighbours", arrays, len(COLUMNS)),
            Tail.of(arrays["isolation_tail"]),
            Tail.of(arrays["neighbours_tail"]),
        )
    except (ValueError, KeyError) as e:
        raise ModelRefused("damaged", place=place, reason=str(e)) from None
    return Classifier(voices, card.threshold)
