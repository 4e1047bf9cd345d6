"""The classifier, its folds and its threshold."""

from __future__ import annotations

import numpy as np
import pytest

from models.tables import kdd, training


def test_every_type_weighs_the_same():
    labels = np.array(["normal"] * 6 + ["neptune"] * 4 + ["spy"])
    weights = training.type_weights(labels)
    assert weights[:6].tolist() == [1] * 6
    assert weights[labels == "neptune"].sum() == pytest.approx(3)
    assert weights[labels == "spy"].sum() == pytest.approx(3)


def test_folds_never_ask_what_was_learned(kdd_train, monkeypatch):
    table = kdd.read(kdd_train)
    seen = []
    real = training.fit
    monkeypatch.setattr(training, "fit", lambda part, seed: seen.append(part) or real(part, seed))
    folds = list(training.imitations(table, 3))
    assert [f.name for f in folds] == [
        "types 1", "types 2", "class dos", "class probe", "class r2l", "class u2r",
    ]  # fmt: skip
    for fold, part in zip(folds, seen, strict=True):
        assert len(part) + len(fold.score) == len(table)
        name = fold.name.removeprefix("class ")
        if name in kdd.CLASSES:
            assert name not in part.classes
    left_out = {t for part in seen[:2] for t in set(table.labels) - set(part.labels)}
    assert left_out == set(table.labels) - {"normal"}


def test_a_class_costs_what_the_test_set_says():
    attack = np.array([False, False, True, True])
    fold = training.Fold("f", np.array([0.0, 2.0, 1.0, 3.0]), attack, np.array([0.3, 0.2, 0.4, 0.1]))
    assert fold.accuracy(0.5) == pytest.approx(0.8)
    assert fold.accuracy(2.5) == pytest.approx(0.6)
    assert fold.false_rate(0.5) == 0.5
    threshold, told = training.choose([fold, fold])
    assert 0 <= threshold < 1
    assert told["accuracy"] == pytest.approx(0.8)


def test_too_little_is_refused(kdd_train):
    table = kdd.read(kdd_train)
    with pytest.raises(ValueError, match="0 normal rows"):
        training.fit(table.take(table.attack), 1)
    with pytest.raises(ValueError, match="0 attacks"):
        training.fit(table.take(~table.attack), 1)
