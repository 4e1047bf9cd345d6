"""The kernel beside half-space trees as the paper writes them."""

from __future__ import annotations

import numpy as np

from models.outliers.kernels import score_and_learn


class Naive:
    """One tree, by the book."""

    def __init__(self, feature, split, depth, window, least):
        self.feature, self.split, self.depth, self.window, self.least = feature, split, depth, window, least
        self.latest: dict[int, int] = {}
        self.reference: dict[int, int] = {}
        self.seen = 0

    def path(self, row):
        node = 0
        yield node
        for _ in range(self.depth):
            node = 2 * node + (2 if row[self.feature[node]] >= self.split[node] else 1)
            yield node

    def take(self, row):
        mass = 0
        for level, node in enumerate(self.path(row)):
            mass = self.reference.get(node, 0) * 2**level
            if self.reference.get(node, 0) < self.least:
                break
        for node in self.path(row):
            self.latest[node] = self.latest.get(node, 0) + 1
        full = self.seen >= self.window
        self.seen += 1
        if self.seen % self.window == 0:
            self.reference, self.latest = self.latest, {}
        return mass if full else 0


def test_scores_are_those_of_the_paper():
    rng = np.random.default_rng(0)
    trees, depth, window, least = 3, 4, 16, 2.0
    inner = 2**depth - 1
    feature, split = rng.integers(0, 3, (trees, inner)), rng.random((trees, inner))
    rows = rng.random((150, 3))
    naive = [Naive(feature[t], split[t], depth, window, least) for t in range(trees)]
    want = [sum(tree.take(row) for tree in naive) / trees for row in rows]
    latest, reference = np.zeros((trees, 2 * inner + 1), np.int64), np.zeros((trees, 2 * inner + 1), np.int64)
    out = np.empty(len(rows))
    score_and_learn(rows, feature, split, depth, window, least, latest, reference, np.zeros(2, np.int64), out)
    np.testing.assert_allclose(out, want)
