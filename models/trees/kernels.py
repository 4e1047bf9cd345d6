"""Walking trees that are flat arrays.

A node is a threshold and a word: bits 12 to 31 say where the left child stands in its tree (the right one
stands beside it), bit 11 that a missing value goes left, bits 0 to 10 which feature is asked. A leaf is its
own left child and sends everything there, so that every row takes the same number of steps and nothing
branches. Sixteen rows walk at once, or eight trees where rows are few, since each step waits for memory.

`checked` has looked at every node before anything is walked: an index is never tested here.
"""

from __future__ import annotations

import numpy as np

from citywall.kernels import bare_kernel, internal

LEFT_SHIFT = 12
MISSING_SHIFT = 11
FEATURE_MASK = 2047
ONE = np.uint32(1)
_LEFT = np.uint32(LEFT_SHIFT)
_MISSING = np.uint32(MISSING_SHIFT)
_FEATURE = np.uint32(FEATURE_MASK)

#: Rows that walk a tree together, and trees that a row walks together.
ROWS = 16
TREES = 8
#: Rows that go through all trees before the next ones, so that they stay in the cache.
BLOCK = 256


@internal
def step(nodes, rows, row, base, at):
    """The child of node `at` that `rows[row]` goes to, where no value is missing."""
    node = nodes[base + at]
    word = np.uint32(node.word)
    return (word >> _LEFT) + np.uint32(rows[row, word & _FEATURE] > node.threshold)


@internal
def careful(nodes, rows, row, base, at):
    """The child of node `at` that `rows[row]` goes to, whatever it holds."""
    node = nodes[base + at]
    word = np.uint32(node.word)
    x = rows[row, word & _FEATURE]
    return (word >> _LEFT) + (np.uint32(x > node.threshold) | np.uint32(x != x) & ~(word >> _MISSING) & ONE)


@internal
def gaps(rows, low, high):
    """Whether values of rows `low` to `high` are missing."""
    found = 0
    for i in range(low, high):
        for j in range(rows.shape[1]):
            found += rows[i, j] != rows[i, j]
    return found > 0


@internal
def at(places, t):
    """Where a tree begins, or the first column it speaks to, as an index that is never negative."""
    return np.uint64(places[t])


@internal
def vote(out, row, column, values, leaf):
    """Add a leaf's values to a row's sums."""
    for c in range(values.shape[1]):
        k = np.uint64(c)
        out[row, column + k] += values[leaf, k]


@internal
def by_trees(rows, nodes, values, roots, depths, columns, out, low, high):
    """The few rows that are left, eight trees at a time."""
    for r in range(low, high):
        i = np.uint64(r)
        t = 0
        while t + TREES <= roots.size:
            b0, b1, b2, b3 = at(roots, t), at(roots, t + 1), at(roots, t + 2), at(roots, t + 3)
            b4, b5, b6, b7 = at(roots, t + 4), at(roots, t + 5), at(roots, t + 6), at(roots, t + 7)
            k0 = k1 = k2 = k3 = k4 = k5 = k6 = k7 = np.uint32(0)
            depth = 0
            for q in range(t, t + TREES):
                depth = max(depth, depths[q])
            for _ in range(depth):
                k0 = step(nodes, rows, i, b0, k0)
                k1 = step(nodes, rows, i, b1, k1)
                k2 = step(nodes, rows, i, b2, k2)
                k3 = step(nodes, rows, i, b3, k3)
                k4 = step(nodes, rows, i, b4, k4)
                k5 = step(nodes, rows, i, b5, k5)
                k6 = step(nodes, rows, i, b6, k6)
                k7 = step(nodes, rows, i, b7, k7)
            vote(out, i, at(columns, t), values, b0 + k0)
            vote(out, i, at(columns, t + 1), values, b1 + k1)
            vote(out, i, at(columns, t + 2), values, b2 + k2)
            vote(out, i, at(columns, t + 3), values, b3 + k3)
            vote(out, i, at(columns, t + 4), values, b4 + k4)
            vote(out, i, at(columns, t + 5), values, b5 + k5)
            vote(out, i, at(columns, t + 6), values, b6 + k6)
            vote(out, i, at(columns, t + 7), values, b7 + k7)
            t += TREES
        while t < roots.size:
            base, k = at(roots, t), np.uint32(0)
            for _ in range(depths[t]):
                k = step(nodes, rows, i, base, k)
            vote(out, i, at(columns, t), values, base + k)
            t += 1


@internal
def one_by_one(rows, nodes, values, roots, depths, columns, out, low, high):
    """Rows some of whose values are missing."""
    for r in range(low, high):
        i = np.uint64(r)
        for t in range(roots.size):
            base, k = at(roots, t), np.uint32(0)
            for _ in range(depths[t]):
                k = careful(nodes, rows, i, base, k)
            vote(out, i, at(columns, t), values, base + k)


@bare_kernel
def score(rows, nodes, values, roots, depths, columns, out):
    """Add what every tree says of every row of `rows` to `out`, tree after tree as scikit-learn does.

    `nodes` and `values` hold all trees, tree `t` from `roots[t]`; its values go to columns of `out` from
    `columns[t]`.
    """
    n = rows.shape[0]
    for low in range(0, n, BLOCK):
        high = min(low + BLOCK, n)
        if gaps(rows, low, high):
            one_by_one(rows, nodes, values, roots, depths, columns, out, low, high)
            continue
        whole = low + (high - low) // ROWS * ROWS
        for t in range(roots.size):
            base, depth, column = np.uint64(roots[t]), depths[t], np.uint64(columns[t])
            for first in range(low, whole, ROWS):
                i = np.uint64(first)
                k0 = k1 = k2 = k3 = k4 = k5 = k6 = k7 = np.uint32(0)
                k8 = k9 = ka = kb = kc = kd = ke = kf = np.uint32(0)
                for _ in range(depth):
                    k0 = step(nodes, rows, i, base, k0)
                    k1 = step(nodes, rows, i + np.uint64(1), base, k1)
                    k2 = step(nodes, rows, i + np.uint64(2), base, k2)
                    k3 = step(nodes, rows, i + np.uint64(3), base, k3)
                    k4 = step(nodes, rows, i + np.uint64(4), base, k4)
                    k5 = step(nodes, rows, i + np.uint64(5), base, k5)
                    k6 = step(nodes, rows, i + np.uint64(6), base, k6)
                    k7 = step(nodes, rows, i + np.uint64(7), base, k7)
                    k8 = step(nodes, rows, i + np.uint64(8), base, k8)
                    k9 = step(nodes, rows, i + np.uint64(9), base, k9)
                    ka = step(nodes, rows, i + np.uint64(10), base, ka)
                    kb = step(nodes, rows, i + np.uint64(11), base, kb)
                    kc = step(nodes, rows, i + np.uint64(12), base, kc)
                    kd = step(nodes, rows, i + np.uint64(13), base, kd)
                    ke = step(nodes, rows, i + np.uint64(14), base, ke)
                    kf = step(nodes, rows, i + np.uint64(15), base, kf)
                vote(out, i, column, values, base + k0)
                vote(out, i + np.uint64(1), column, values, base + k1)
                vote(out, i + np.uint64(2), column, values, base + k2)
                vote(out, i + np.uint64(3), column, values, base + k3)
                vote(out, i + np.uint64(4), column, values, base + k4)
                vote(out, i + np.uint64(5), column, values, base + k5)
                vote(out, i + np.uint64(6), column, values, base + k6)
                vote(out, i + np.uint64(7), column, values, base + k7)
                vote(out, i + np.uint64(8), column, values, base + k8)
                vote(out, i + np.uint64(9), column, values, base + k9)
                vote(out, i + np.uint64(10), column, values, base + ka)
                vote(out, i + np.uint64(11), column, values, base + kb)
                vote(out, i + np.uint64(12), column, values, base + kc)
                vote(out, i + np.uint64(13), column, values, base + kd)
                vote(out, i + np.uint64(14), column, values, base + ke)
                vote(out, i + np.uint64(15), column, values, base + kf)
        by_trees(rows, nodes, values, roots, depths, columns, out, whole, high)


@bare_kernel
def explain(rows, nodes, values, roots, depths, column, out):
    """Add to `out[row, feature]` how much asking that feature moved `values[:, column]` on the row's paths.

    The change of a node's value at each step, as Saabas told of it; sums to the row's score less the value
    at the roots. Needs values at inner nodes too.
    """
    for i in range(rows.shape[0]):
        for t in range(roots.size):
            base, k = at(roots, t), np.uint32(0)
            for _ in range(depths[t]):
                child = careful(nodes, rows, i, base, k)
                feature = np.uint32(nodes[base + k].word) & _FEATURE
                out[i, feature] += values[base + child, column] - values[base + k, column]
                k = child


@bare_kernel
def checked(nodes, roots, features, depths):
    """Fill in the depth of every tree; returns -1, or the index of the first node that leads astray.

    Children stand behind their parent and inside its tree, a leaf is its own child, features are below
    `features`.
    """
    for t in range(roots.size):
        base = np.int64(roots[t])
        end = np.int64(roots[t + 1]) if t + 1 < roots.size else np.int64(nodes.size)
        if base < 0 or base >= end or end > nodes.size or (t == 0 and base != 0):
            return max(base, 0)
        for i in range(base, end):
            word = np.uint32(nodes[i].word)
            left = base + np.int64(word >> _LEFT)
            if np.int64(word & _FEATURE) >= features:
                return i
            if left == i:
                # Whatever comes must stay: also an infinite value, also a missing one.
                if nodes[i].threshold != np.inf or (word >> _MISSING) & ONE == np.uint32(0):
                    return i
            elif left < i or left + 1 >= end:
                return i
    for t in range(roots.size):
        base = np.int64(roots[t])
        end = np.int64(roots[t + 1]) if t + 1 < roots.size else np.int64(nodes.size)
        # From the last node to the first, the height below each: children come later.
        depths[t] = 0
        level_end, level_start = base + 1, base
        while True:
            # Breadth first: the children of one level stand together right behind it.
            first, last = np.int64(-1), np.int64(-1)
            for i in range(level_start, level_end):
                left = base + np.int64(np.uint32(nodes[i].word) >> _LEFT)
                if left != i:
                    if last < 0:
                        first = left
                        if first != level_end:
                            return i
                    elif left != last + 2:
                        return i
                    last = left
            if last < 0:
                if level_end != end:
                    return level_end
                break
            depths[t] += 1
            level_start, level_end = level_end, last + 2
            if level_end > end:
                return level_start
    return -1
