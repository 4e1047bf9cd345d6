"""The model of domain names: a linear one over what a name looks like.

Linear on purpose: trees fit the families they see and miss those they do not (measured: at one false alarm
in a thousand a forest found none of a family whose like it had not seen, this one 62 to 100 %).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from citywall.errors import ModelError, ModelRefused
from models import making
from models.modelfile import Card, Model, require
from models.names import lexicon, synth
from models.names.features import NAMES, Lexicon

KIND = "dga"
#: Benign names in a thousand that may be taken for made ones.
FALSE_RATE = 1e-3
#: What Citywall synthesises to learn from, and to find the threshold with.
BENIGN, CALIBRATION, A_FAMILY = 40_000, 20_000, 3_000
#: Sounds like names that people make: to learn from it would cost benign names.
NOT_LEARNED = ("spoken",)
ENGLISH = 3_000
#: Names in other scripts travel encoded, which looks made; they are not judged.
_ENCODED = "xn--"


@dataclass(frozen=True)
class NameModel:
    """Weights over standardised features."""

    lexicon: Lexicon
    weights: NDArray[np.float64]
    bias: float
    threshold: float

    def score(self, names: Sequence[str]) -> NDArray[np.float64]:
        """The log-odds that an algorithm made each name, in training's balance; -inf for encoded ones."""
        found = self.of(self.lexicon.features(names))
        found[[_ENCODED in name.lower() for name in names]] = -np.inf
        return found

    def of(self, rows: NDArray[np.float32]) -> NDArray[np.float64]:
        """The same of features. Summed one by one, so that a name's score does not depend on its company."""
        out = np.full(len(rows), self.bias)
        for j, weight in enumerate(self.weights):
            out += weight * rows[:, j].astype(np.float64)
        return out

    def reasons(self, name: str, top: int = 3) -> list[tuple[str, float]]:
        """The features that moved a name's score most from a benign name's, with how far."""
        rows = self.lexicon.features([name, *_PLAIN])
        moved = self.weights * (rows[0] - rows[1:].mean(axis=0))
        return [(NAMES[j], float(moved[j])) for j in np.argsort(-np.abs(moved))[:top]]


_PLAIN = ("taiyuan.gov.cn", "onlineshop.com", "xinhuanet.com", "weather.com")


def train(
    families: Mapping[str, Sequence[str]], benign: Sequence[str], seed: int, now: str
) -> tuple[Card, making.Arrays]:
    """Learn from families and benign names that are given, and from those that are synthesised."""
    made = synth.benign(BENIGN, seed)
    known = lexicon.learn(
        made, [*lexicon.WEB, *lexicon.FOREIGN, *lexicon.CHINESE, *lexicon.english()[:ENGLISH]]
    )
    learned: dict[str, Sequence[str]] = {
        f: synth.malicious(f, A_FAMILY, seed) for f in synth.FAMILIES if f not in NOT_LEARNED
    }
    learned |= dict(families)
    good = np.concatenate([known.features(made), *([known.features(benign)] * 4 if benign else [])])
    bad = np.concatenate([known.features(names) for names in learned.values()])
    weights, bias = fit(np.concatenate([good, bad]), np.arange(len(good) + len(bad)) >= len(good))
    model = NameModel(known, weights, bias, 0.0)
    held = np.sort(model.score(synth.benign(CALIBRATION, seed + 1)))[::-1]
    threshold = float(held[int(FALSE_RATE * CALIBRATION)])
    card = making.card(
        KIND, now,
        features=NAMES, labels=("benign", "made"), threshold=threshold, seed=seed,
        data={"sha256": synth.hashed([*made, *benign, *(n for f in learned.values() for n in f)]),
              "rows": len(made) + len(benign) + sum(map(len, learned.values())),
              "families": {name: len(names) for name, names in learned.items()}, "benign_given": len(benign)},
        metrics={"false_rate": FALSE_RATE, "calibrated_on": CALIBRATION},
        parameters={"bias": bias},
    )  # fmt: skip
    arrays: making.Arrays = {
        "likely": known.likely, "syllables": known.syllables, "words": known.words, "weights": weights
    }  # fmt: skip
    return card, arrays


def fit(rows: NDArray[np.float32], made: NDArray[np.bool_]) -> tuple[NDArray[np.float64], float]:
    """Weights and bias of a logistic regression in which both sides weigh the same."""
    from sklearn.linear_model import LogisticRegression

    middle, spread = rows.mean(axis=0, dtype=np.float64), rows.std(axis=0, dtype=np.float64)
    spread[spread == 0] = 1.0
    if made.all() or not made.any():
        raise ModelError("cannot_learn", place=KIND, reason="one of the two sides has no names")
    fitted = LogisticRegression(max_iter=500, class_weight="balanced").fit((rows - middle) / spread, made)
    weights = np.asarray(fitted.coef_[0] / spread, np.float64)
    return weights, float(fitted.intercept_[0] - (weights * middle).sum())


def of(model: Model, place: str) -> NameModel:
    """The model of a file; raises ModelRefused."""
    require(model, KIND, NAMES, place)
    try:
        known = Lexicon(*(model.arrays[name] for name in ("likely", "syllables", "words")))
        weights, bias = model.arrays["weights"], float(model.card.parameters["bias"])
        if model.card.features != NAMES or weights.shape != (len(NAMES),) or not np.isfinite(weights).all():
            raise ValueError("its weights fit no features")
    except (KeyError, ValueError, TypeError) as e:
        raise ModelRefused("damaged", place=place, reason=str(e)) from None
    return NameModel(known, weights, bias, model.card.threshold)
