"""The kernels beside walks that anybody can follow."""

from __future__ import annotations

import numpy as np

from models.trees import kernels
from models.trees.forest import NODE4, NODE8


def tree(dtype: np.dtype) -> np.ndarray:
    """x[1] <= 2 ? (missing goes left) : a leaf; below, x[0] <= -1 ? (missing goes right)."""
    nodes = np.zeros(5, dtype)
    for i, (threshold, left, missing, feature) in enumerate(
        [(2, 1, 1, 1), (-1, 3, 0, 0), (np.inf, 2, 1, 0), (np.inf, 3, 1, 0), (np.inf, 4, 1, 0)]
    ):
        nodes[i] = (threshold, left << kernels.LEFT_SHIFT | missing << kernels.MISSING_SHIFT | feature)
    return nodes


def walk(nodes, row) -> int:
    """The leaf of a row, as one would explain it."""
    at = 0
    while True:
        word = int(nodes["word"][at])
        left, missing, feature = word >> kernels.LEFT_SHIFT, word >> kernels.MISSING_SHIFT & 1, word & 2047
        if left == at:
            return at
        x = row[feature]
        goes_left = bool(missing) if np.isnan(x) else x <= nodes["threshold"][at]
        at = left if goes_left else left + 1


ROWS = np.array(
    [[a, b] for a in (-2, -1, 0, np.nan, np.inf, -np.inf) for b in (1, 2, 3, np.nan, np.inf, -np.inf)]
)


def test_every_row_reaches_its_leaf():
    for dtype, kind in ((NODE4, np.float32), (NODE8, np.float64)):
        one = tree(dtype)
        count = 9  # more than walk together, and one left over
        nodes = np.concatenate([one] * count)
        roots = np.arange(count, dtype=np.int32) * len(one)
        values = np.arange(len(nodes), dtype=np.float64)[:, None]
        depths = np.full(count, 2, np.int32)
        columns = np.arange(count, dtype=np.int32)
        X = np.ascontiguousarray(ROWS, kind)
        out = np.zeros((len(X), count))
        kernels.score(X, nodes, values, roots, depths, columns, out)
        want = [[5 * t + walk(one, row) for t in range(count)] for row in X]
        np.testing.assert_array_equal(out, want)


def test_depths_are_found_and_loops_refused():
    nodes = tree(NODE4)
    roots, depths = np.zeros(1, np.int32), np.zeros(1, np.int32)
    assert kernels.checked(nodes, roots, 2, depths) == -1
    assert depths[0] == 2
    assert kernels.checked(nodes, roots, 1, depths) == 0  # feature 1 is not there
    for at, word in ((1, 0), (1, 9 << 12), (0, 2 << 12), (2, 2 << 12)):
        wrong = nodes.copy()
        wrong["word"][at] = word
        assert kernels.checked(wrong, roots, 2, depths) >= 0
    assert kernels.checked(nodes, np.array([1], np.int32), 2, depths) >= 0
    assert kernels.checked(nodes, np.array([0, 9], np.int32), 2, np.zeros(2, np.int32)) >= 0


def test_reasons_follow_the_path():
    nodes = tree(NODE4)
    values = np.array([[0.5], [0.2], [1.0], [0.1], [0.4]])
    out = np.zeros((2, 2))
    X = np.array([[0, 1], [0, 3]], np.float32)
    kernels.explain(X, nodes, values, np.zeros(1, np.int32), np.array([2], np.int32), 0, out)
    np.testing.assert_allclose(out, [[0.2, -0.3], [0.0, 0.5]])
