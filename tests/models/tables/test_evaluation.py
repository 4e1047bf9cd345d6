"""The report: all it must hold, and flags where a result means nothing."""

from __future__ import annotations

import pytest

from models.tables import evaluation, kdd, model


@pytest.fixture(scope="module")
def classifier(kdd_model):
    return model.of(kdd_model, "m")


def test_everything_is_told(classifier, kdd_train, kdd_test):
    test = kdd.read(kdd_test)
    told = evaluation.evaluate(classifier, test, kdd.read(kdd_train), 5, lambda _: None)
    low, high = told["interval"]
    assert low < told["accuracy"] <= high
    counts = [n for side in told["confusion"].values() for n in side.values()]
    assert sum(counts) == len(test) == 132
    right = told["confusion"]["normal"]["normal"] + told["confusion"]["attack"]["attack"]
    assert told["accuracy"] == right / len(test)
    assert {name: of["rows"] for name, of in told["by_class"].items()} == {
        "normal": 80, "dos": 20, "probe": 20, "r2l": 10, "other": 2,
    }  # fmt: skip
    assert sum(of["right"] for of in told["by_class"].values()) == right
    assert told["unseen_types"]["rows"] == 32
    assert 0.5 < told["unsupervised"]["roc_auc"] <= 1
    assert told["time_ordered"]["accuracy"] is None
    # In this toy table one question suffices, and that is said.
    assert told["stump"]["accuracy"] == 1.0
    assert told["flags"] == ["stump_reaches"]
    assert told["shuffled"]["balanced_accuracy"] < 0.7


def test_without_the_training_table(classifier, kdd_test):
    told = evaluation.evaluate(classifier, kdd.read(kdd_test), None, 5, lambda _: None)
    assert "stump" not in told
    assert told["accuracy"] > 0.8
