"""The report on families that a model of names has not seen."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from citywall.errors import InputError
from models import modelfile
from models.judging import measures
from models.judging.honesty import CLOSE, shuffled_beside
from models.judging.measures import Yes
from models.names import model, synth
from models.names.features import NAMES
from models.names.model import FALSE_RATE, NameModel

#: Pinyin names that every report is judged on, beside those given; of another seed than any training.
PINYIN, PINYIN_SEED = 9_000, 1 << 30
MAX_BYTES = 1 << 28


def read(path: Path) -> list[str]:
    """Names, one a line; empty lines and comments are nothing. Raises InputError."""
    try:
        if path.stat().st_size > MAX_BYTES:
            raise InputError(str(path), f"is larger than {MAX_BYTES >> 20} MiB")
        lines = path.read_text("utf-8", errors="replace").splitlines()
    except OSError as e:
        raise InputError(str(path), e.strerror or str(e)) from None
    names = [line.strip()[:253] for line in lines if line.strip() and not line.startswith("#")]
    if not names:
        raise InputError(str(path), "holds no names")
    return names


def evaluate(
    found: NameModel, families: Mapping[str, Sequence[str]], benign: Sequence[str]
) -> dict[str, Any]:
    """Judge on families and benign names, pinyin among them."""
    sides = {"benign": list(benign), "pinyin": synth.pinyin_names(PINYIN, PINYIN_SEED)}
    groups = [(name, names) for name, names in [*sides.items(), *families.items()] if len(names)]
    names = [n for _, some in groups for n in some]
    classes = np.array([group for group, some in groups for _ in some], dtype=np.str_)
    true = ~np.isin(classes, list(sides))
    score = found.score(names)
    score = np.where(np.isfinite(score), score, -1e9)
    said = score > found.threshold
    right = int((said == true).sum())
    recall, threshold = measures.recall_at(score, true, FALSE_RATE)
    at_rate = {
        family: float((score[classes == family] > threshold).mean()) for family in families
    }  # fmt: skip
    return {
        "table": "dga", "accuracy": right / len(true), "interval": list(measures.wilson(right, len(true))),
        "confusion": measures.confusion(said, true),
        "by_class": _recalls(said, classes, true),
        **measures.two_sides(said, true),
        "roc_auc": measures.roc_auc(score, true),
        "recall_at_false_rate": {"false_rate": FALSE_RATE, "benign_names": int((~true).sum()),
                                 "threshold": threshold, "recall": recall, "families": at_rate},
        "threshold": found.threshold,
        "time_ordered": {"accuracy": None, "reason": "lists of names have no times"},
    }  # fmt: skip


def _recalls(said: Yes, classes: NDArray[np.str_], true: Yes) -> dict[str, dict[str, Any]]:
    told = measures.per_class(said, np.where(true, classes, "benign"), "benign")
    if "pinyin" in classes:
        told["pinyin"] = measures.per_class(
            said[classes == "pinyin"], classes[classes == "pinyin"], "pinyin"
        )["pinyin"]
    return told


def left_out(
    families: Mapping[str, Sequence[str]],
    benign: Sequence[str],
    seed: int,
    now: str,
    say: Callable[[str], None],
) -> dict[str, Any]:
    """Every family in turn is judged by a model that learned from the others and from what is synthesised.

    Half of the benign names are learned from, the other half judged.
    """
    order = np.random.default_rng(seed).permutation(len(benign))
    known, asked = ([benign[i] for i in half] for half in np.array_split(order, 2))
    folds = {}
    for family in families:
        rest = {name: names for name, names in families.items() if name != family}
        made = modelfile.unpack(modelfile.pack(*model.train(rest, known, seed, now)), family)
        folds[family] = evaluate(model.of(made, family), {family: families[family]}, asked)
        say(family)
    first = next(iter(folds.values()))
    rows = sum(sum(sum(side.values()) for side in f["confusion"].values()) for f in folds.values())
    right = round(
        sum(f["accuracy"] * sum(sum(s.values()) for s in f["confusion"].values()) for f in folds.values())
    )
    return {
        "table": "dga", "method": "every family left out of training in turn",
        "accuracy": right / rows, "interval": list(measures.wilson(right, rows)),
        "confusion": {
            truth: {said: sum(f["confusion"][truth][said] for f in folds.values()) for said in sides}
            for truth, sides in first["confusion"].items()
        },
        "by_class": {family: f["by_class"][family] for family, f in folds.items()}
        | {"benign": first["by_class"]["benign"]},
        "recall_at_false_rate": {family: f["recall_at_false_rate"] for family, f in folds.items()},
        "roc_auc": {family: f["roc_auc"] for family, f in folds.items()},
        "time_ordered": first["time_ordered"],
    }  # fmt: skip


def honest(
    found: NameModel, families: Mapping[str, Sequence[str]], benign: Sequence[str], seed: int, ours: float
) -> dict[str, Any]:
    """What one feature reaches at the same rate of false alarms, and what shuffled labels teach.

    The feature is chosen on what is synthesised. `ours` is the model's recall at FALSE_RATE.
    """
    learned = [n for f in synth.FAMILIES if f not in model.NOT_LEARNED for n in synth.malicious(f, 500, seed)]
    good = synth.benign(len(learned), seed)
    train = found.lexicon.features([*good, *learned])
    trained = np.arange(len(train)) >= len(good)
    asked = [*benign, *synth.pinyin_names(PINYIN, PINYIN_SEED)]
    test = found.lexicon.features([*asked, *(n for names in families.values() for n in names)])
    tested = np.arange(len(test)) >= len(asked)

    def fit_and_say(labels: Yes) -> Yes:
        weights, bias = model.fit(train, labels)
        return NameModel(found.lexicon, weights, bias, 0.0).of(test) > 0

    columns, asked_columns = train.astype(np.float64), test.astype(np.float64)
    sides = [(j, sign) for j in range(len(NAMES)) for sign in (1.0, -1.0)]
    j, sign = max(
        sides, key=lambda side: measures.recall_at(side[1] * columns[:, side[0]], trained, FALSE_RATE)[0]
    )
    reached = measures.recall_at(sign * asked_columns[:, j], tested, FALSE_RATE)[0]
    told = {
        "stump": {"feature": NAMES[j], "above": sign > 0, "recall_at_false_rate": reached,
                  "reached": reached >= ours - CLOSE},
        "shuffled": shuffled_beside(fit_and_say, trained, tested, seed, rounds=12),
    }  # fmt: skip
    flags = [f for f, yes in (("stump_reaches", told["stump"]["reached"]),
                              ("shuffled_learns", told["shuffled"]["suspicious"])) if yes]  # fmt: skip
    return {**told, "flags": flags}
