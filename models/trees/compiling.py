"""From scikit-learn's estimators to forests. Nothing here imports it: fitted estimators are handed in."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.trees import kernels
from models.trees.forest import MAX_FEATURES, MAX_TREE_NODES, NODE4, NODE8, Forest


class _Tree(NamedTuple):
    """One tree in the order of its maker; `left` is -1 at a leaf."""

    left: NDArray[np.int64]
    right: NDArray[np.int64]
    feature: NDArray[np.int64]
    threshold: NDArray[np.float64]
    missing_left: NDArray[np.bool_]
    values: NDArray[np.float64]  # (nodes, k)


def compile_forest(estimator: Any) -> Forest:
    """The forest of a fitted estimator; raises ValueError for what cannot be compiled.

    Decision trees, random forests, extra trees, Isolation Forests, histogram gradient boosting without
    categorical features.
    """
    makers = {
        "DecisionTreeClassifier": lambda e: _voting([e], e.n_features_in_),
        "ExtraTreeClassifier": lambda e: _voting([e], e.n_features_in_),
        "RandomForestClassifier": lambda e: _voting(e.estimators_, e.n_features_in_),
        "ExtraTreesClassifier": lambda e: _voting(e.estimators_, e.n_features_in_),
        "IsolationForest": _isolating,
        "HistGradientBoostingClassifier": _boosted,
    }
    kind = type(estimator).__name__
    if kind not in makers:
        raise ValueError(f"{kind} cannot be compiled")
    return makers[kind](estimator)


def _voting(trees: Sequence[Any], features: int) -> Forest:
    if trees[0].n_outputs_ != 1:
        raise ValueError("trees with several outputs cannot be compiled")
    classes = len(trees[0].classes_)
    walked = [_of(t.tree_, t.tree_.value[:, 0, :classes]) for t in trees]
    return _flat(
        walked, [0] * len(trees), np.zeros(classes), features=features, link="mean",
        scale=float(len(trees)), dtype=NODE4,
    )  # fmt: skip


def _isolating(estimator: Any) -> Forest:
    """A leaf's value is the length of the path to it, counted on by what its rows would still need."""
    trees = []
    for tree, chosen in zip(estimator.estimators_, estimator.estimators_features_, strict=True):
        inner = tree.tree_
        length = inner.compute_node_depths() + average_path(inner.n_node_samples) - 1.0
        found = _of(inner, length[:, None])
        trees.append(found._replace(feature=np.asarray(chosen, np.int64)[np.maximum(found.feature, 0)]))
    scale = len(trees) * float(average_path(np.array([estimator._max_samples]))[0])  # noqa: SLF001  (no other door)
    if scale == 0:
        raise ValueError("an Isolation Forest of single rows says nothing")
    return _flat(
        trees, [0] * len(trees), np.zeros(1), features=estimator.n_features_in_, link="isolation",
        scale=scale, dtype=NODE4,
    )  # fmt: skip


def average_path(rows: NDArray[Any]) -> NDArray[np.float64]:
    """How deep a search for something absent goes in a tree of so many rows (Liu, Ting and Zhou 2008)."""
    n = np.asarray(rows)
    out = np.zeros(n.shape)
    out[n == 2] = 1.0
    more = n > 2
    out[more] = 2.0 * (np.log(n[more] - 1.0) + np.euler_gamma) - 2.0 * (n[more] - 1.0) / n[more]
    return out


def _boosted(estimator: Any) -> Forest:
    if estimator.is_categorical_ is not None:
        raise ValueError("boosted trees with categorical features cannot be compiled")
    columns: list[int] = []
    trees: list[_Tree] = []
    for iteration in estimator._predictors:  # noqa: SLF001  (no other door)
        for column, predictor in enumerate(iteration):
            nodes = predictor.nodes
            leaf = nodes["is_leaf"].astype(bool)
            left = np.where(leaf, -1, nodes["left"].astype(np.int64))
            trees.append(
                _Tree(
                    left, nodes["right"].astype(np.int64), nodes["feature_idx"].astype(np.int64),
                    nodes["num_threshold"].astype(np.float64), nodes["missing_go_to_left"].astype(bool),
                    _means(nodes, leaf)[:, None],
                )
            )  # fmt: skip
            columns.append(column)
    base = np.asarray(estimator._baseline_prediction, np.float64).reshape(-1)  # noqa: SLF001
    link = "logistic" if len(base) == 1 else "softmax"
    return _flat(trees, columns, base, features=estimator.n_features_in_, link=link, scale=1.0, dtype=NODE8)


def _means(nodes: Any, leaf: NDArray[np.bool_]) -> NDArray[np.float64]:
    """What nodes add: a leaf its value, an inner node the mean of its rows' leaves, so that reasons add up.

    Children stand behind their parent.
    """
    value: NDArray[np.float64] = nodes["value"].astype(np.float64)
    rows = nodes["count"].astype(np.float64)
    for i in np.flatnonzero(~leaf)[::-1].tolist():
        left, right = int(nodes["left"][i]), int(nodes["right"][i])
        value[i] = (value[left] * rows[left] + value[right] * rows[right]) / max(
            rows[left] + rows[right], 1.0
        )
    return value


def _of(tree: Any, values: NDArray[np.float64]) -> _Tree:
    missing = tree.missing_go_to_left.astype(bool)
    return _Tree(
        tree.children_left.astype(np.int64), tree.children_right.astype(np.int64),
        tree.feature.astype(np.int64), tree.threshold.astype(np.float64), missing, np.asarray(values),
    )  # fmt: skip


def _flat(
    trees: Sequence[_Tree], columns: Sequence[int], base: NDArray[np.float64], *, features: int, link: str,
    scale: float, dtype: np.dtype[Any],
) -> Forest:  # fmt: skip
    if features > MAX_FEATURES:
        raise ValueError(f"{features} features are more than {MAX_FEATURES}")
    nodes, values, roots, at = [], [], [], 0
    for tree in trees:
        if len(tree.left) > MAX_TREE_NODES:
            raise ValueError(f"a tree of {len(tree.left)} nodes is larger than {MAX_TREE_NODES}")
        order, left = _breadth_first(tree)
        leaf = left < 0
        flat = np.zeros(len(order), dtype)
        threshold = tree.threshold[order]
        threshold[leaf] = np.inf
        flat["threshold"] = _rounded_down(threshold) if dtype == NODE4 else threshold
        feature = np.where(leaf, 0, tree.feature[order])
        missing = leaf | tree.missing_left[order]
        child = np.where(leaf, np.arange(len(order)), left)
        flat["word"] = (child << kernels.LEFT_SHIFT) | (missing << kernels.MISSING_SHIFT) | feature
        nodes.append(flat)
        values.append(tree.values[order])
        roots.append(at)
        at += len(order)
    return Forest(
        np.concatenate(nodes), np.ascontiguousarray(np.concatenate(values), np.float64),
        np.array(roots, np.int32), np.array(columns, np.int32), base, features, link, scale,
    )  # fmt: skip


def _breadth_first(tree: _Tree) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The maker's nodes level by level, siblings together, and where the left child of each then stands."""
    level = np.zeros(1, np.int64)
    order, lefts, behind = [level], [], 1
    while len(level):
        inner = tree.left[level] >= 0
        left = np.full(len(level), -1, np.int64)
        left[inner] = behind + 2 * np.arange(inner.sum())
        lefts.append(left)
        level = np.stack([tree.left[level[inner]], tree.right[level[inner]]], axis=1).reshape(-1)
        order.append(level)
        behind += len(level)
    return np.concatenate(order), np.concatenate(lefts)


def _rounded_down(threshold: NDArray[np.float64]) -> NDArray[np.float32]:
    """The largest f4 at or below: an f4 row compares with it as with the f8 threshold."""
    near: NDArray[np.float32] = threshold.astype(np.float32)
    over = near.astype(np.float64) > threshold
    near[over] = np.nextafter(near[over], np.float32(-np.inf))
    return near
