"""A forest checks its arrays, tells why, and goes through a model file unchanged."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier, IsolationForest, RandomForestClassifier

from models.trees import kernels
from models.trees.compiling import compile_forest
from models.trees.forest import NODE8, Forest, compile_scoring


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(5)
    X = rng.normal(size=(400, 6)).astype(np.float32)
    return X, ((X[:, 2] > 0.3).astype(int) + (X[:, 4] > 1))


@pytest.fixture(scope="module")
def made(data):
    return RandomForestClassifier(11, max_depth=5, random_state=0, n_jobs=1).fit(*data)


def test_through_a_file(data, made):
    X, y = data
    for fitted in (
        made,
        IsolationForest(n_estimators=9).fit(X),
        HistGradientBoostingClassifier(max_iter=4).fit(X, y),
    ):
        forest = compile_forest(fitted)
        again = Forest.of("f", forest.arrays("f"), forest.facts())
        np.testing.assert_array_equal(again.score(X), forest.score(X))


def test_any_number_of_rows_in_any_layout(data, made):
    X, _ = data
    forest, want = compile_forest(made), made.predict_proba(X)
    for n in (0, 1, 15, 16, 17, 256, 257):
        np.testing.assert_array_equal(forest.score(X[:n]), want[:n])
    np.testing.assert_array_equal(forest.score(np.asfortranarray(X)), want)
    np.testing.assert_array_equal(forest.score(X.astype(np.float64)[::-1]), want[::-1])


def test_reasons_sum_to_the_score(data, made):
    X, _ = data
    forest = compile_forest(made)
    root = np.mean([e.tree_.value[0, 0, 1] for e in made.estimators_])
    told = forest.reasons(X, 1).sum(axis=1) / forest.scale
    np.testing.assert_allclose(told + root, made.predict_proba(X)[:, 1], atol=1e-9)
    # What the label is made of is what is named.
    assert set(np.abs(forest.reasons(X, 1)).mean(axis=0).argsort()[-2:]) == {2, 4}


def test_reasons_of_boosted_trees_sum_to_the_log_odds(data):
    X, y = data
    fitted = HistGradientBoostingClassifier(max_iter=9, max_leaf_nodes=8).fit(X, y > 0)
    forest = compile_forest(fitted)
    roots = forest.values[forest.roots, 0].sum() + forest.base[0]
    told = forest.reasons(X, 0).sum(axis=1)
    np.testing.assert_allclose(told + roots, fitted.decision_function(X), atol=1e-9)
    assert set(np.abs(forest.reasons(X, 0)).mean(axis=0).argsort()[-2:]) == {2, 4}
    # A root is the mean of what its rows are told, not what the trees grew from.
    assert abs(forest.reasons(X, 0).sum(axis=1).mean()) < 1e-6


def test_rows_of_another_width_are_refused(data, made):
    forest = compile_forest(made)
    with pytest.raises(ValueError, match="6 features"):
        forest.score(data[0][:, :5])
    with pytest.raises(ValueError, match="6 features"):
        forest.reasons(data[0][:, :5], 0)


@pytest.mark.parametrize("name", ["words", "roots", "columns", "values", "thresholds", "base"])
def test_arrays_that_lead_astray_are_refused(made, name):
    """Whatever is done to one array, either it is refused or it cannot make the walk leave its arrays."""
    forest = compile_forest(made)
    rng = np.random.default_rng(3)
    refused = 0
    for _ in range(40):
        arrays = {k: v.copy() for k, v in forest.arrays("f").items()}
        hit = arrays[f"f/{name}"].reshape(-1)
        raw = hit.view(np.uint8)
        raw[rng.integers(len(raw))] ^= rng.integers(1, 256)
        try:
            changed = Forest.of("f", arrays, forest.facts())
        except ValueError:
            refused += 1
            continue
        assert changed.score(np.zeros((20, 6), np.float32)).shape == (20, 3)
    if name in ("words", "roots", "columns"):
        assert refused > 10


def test_facts_that_cannot_be(made):
    forest = compile_forest(made)
    arrays = forest.arrays("f")
    for wrong in ({"features": 5}, {"features": 4096}, {"scale": 0.0}, {"link": "magic"}):
        with pytest.raises(ValueError):
            Forest.of("f", arrays, forest.facts() | wrong)
    with pytest.raises(ValueError):
        Forest.of("f", arrays | {"f/values": arrays["f/values"].astype(np.float32)}, forest.facts())
    with pytest.raises(ValueError):
        Forest.of("f", arrays | {"f/words": arrays["f/words"][:-1]}, forest.facts())


@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_what_scores_is_compiled_beforehand(made, dtype):
    compile_scoring()
    known = len(kernels.score.signatures)
    forest = compile_forest(made)
    if dtype == "f8":
        nodes = forest.nodes.astype(NODE8)
        forest = dataclasses.replace(forest, nodes=nodes)
    forest.score(np.zeros((2, 6)))
    assert len(kernels.score.signatures) == known
