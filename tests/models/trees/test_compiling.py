"""Compiled trees say what scikit-learn's say, to the last bit."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.ensemble import (
    ExtraTreesClassifier,
    HistGradientBoostingClassifier,
    IsolationForest,
    RandomForestClassifier,
)
from sklearn.linear_model import LogisticRegression
from sklearn.tree import DecisionTreeClassifier
from threadpoolctl import threadpool_limits

from models.trees.compiling import average_path, compile_forest


def table(seed: int, rows: int, features: int, classes: int, coarse: bool):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(rows, features)).astype(np.float32)
    if coarse:  # values that stand right on thresholds
        X = np.round(X * 2) / 2
    y = rng.integers(0, classes, rows)
    y[:classes] = np.arange(classes)
    X[y == 1] += 0.75
    return X, y


def asked(X: np.ndarray, seed: int) -> np.ndarray:
    """Rows like those trained on, and rows as nobody expects them."""
    rng = np.random.default_rng(seed + 1)
    more = rng.normal(scale=5, size=(37, X.shape[1])).astype(np.float32)
    more[0], more[1], more[2] = 1e30, -1e30, 1e-45
    return np.concatenate([X, more])


shapes = st.fixed_dictionaries(
    {
        "seed": st.integers(0, 1 << 20), "rows": st.integers(8, 160), "features": st.integers(1, 40),
        "classes": st.integers(2, 5), "coarse": st.booleans(),
    }
)  # fmt: skip


@settings(max_examples=25)
@given(
    shape=shapes, trees=st.integers(1, 19), depth=st.none() | st.integers(1, 8), extra=st.booleans(),
    missing=st.booleans(),
)  # fmt: skip
def test_forests_are_equal_bit_for_bit(shape, trees, depth, extra, missing):
    X, y = table(**shape)
    kind = ExtraTreesClassifier if extra else RandomForestClassifier
    if missing:
        X[::3, 0] = np.nan
    made = kind(trees, max_depth=depth, random_state=shape["seed"], n_jobs=1).fit(X, y)
    rows = asked(X, shape["seed"])
    np.testing.assert_array_equal(compile_forest(made).score(rows), made.predict_proba(rows))


@settings(max_examples=12)
@given(shape=shapes, depth=st.none() | st.integers(1, 8))
def test_single_trees_are_equal_bit_for_bit(shape, depth):
    X, y = table(**shape)
    made = DecisionTreeClassifier(max_depth=depth, random_state=0).fit(X, y)
    rows = asked(X, shape["seed"])
    np.testing.assert_array_equal(compile_forest(made).score(rows), made.predict_proba(rows))


@settings(max_examples=15)
@given(shape=shapes, trees=st.integers(1, 20), share=st.sampled_from([0.3, 1.0]))
def test_isolation_forests_are_equal_bit_for_bit(shape, trees, share):
    X, _ = table(**shape)
    made = IsolationForest(n_estimators=trees, max_features=share, random_state=shape["seed"]).fit(X)
    rows = asked(X, shape["seed"])
    np.testing.assert_array_equal(compile_forest(made).score(rows)[:, 0], made.score_samples(rows))


@settings(max_examples=8)
@given(shape=shapes, iterations=st.integers(1, 5), missing=st.booleans())
def test_boosted_trees_are_equal(shape, iterations, missing):
    X, y = table(**shape)
    X = X.astype(np.float64)
    if missing:
        X[::3, 0] = np.nan
    made = HistGradientBoostingClassifier(
        max_iter=iterations, min_samples_leaf=2, early_stopping=False, random_state=0
    )
    with threadpool_limits(1):  # threads that spin on busy cores take seconds
        made.fit(X, y)
    rows = asked(X, shape["seed"])
    compiled = compile_forest(made)
    np.testing.assert_array_equal(compiled.sums(rows), made._raw_predict(rows).reshape(len(rows), -1))
    np.testing.assert_allclose(compiled.score(rows), made.predict_proba(rows), rtol=0, atol=1e-12)


def test_what_cannot_be_compiled_is_refused():
    X, y = table(1, 60, 3, 2, coarse=False)
    with pytest.raises(ValueError, match="LogisticRegression cannot be compiled"):
        compile_forest(LogisticRegression().fit(X, y))
    X[:, 0] = np.arange(60) % 4
    with pytest.raises(ValueError, match="categorical"):
        compile_forest(HistGradientBoostingClassifier(categorical_features=[0], max_iter=2).fit(X, y))
    with pytest.raises(ValueError, match="several outputs"):
        compile_forest(DecisionTreeClassifier().fit(X, np.stack([y, 1 - y], axis=1)))


def test_the_average_path_is_the_published_one():
    found = average_path(np.array([0, 1, 2, 256]))
    assert found[:3].tolist() == [0.0, 0.0, 1.0]
    assert found[3] == pytest.approx(10.244, abs=0.001)
