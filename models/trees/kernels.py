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


@internal
def step(nodes, rows, row, base, at):
    """The child of node `at` that `rows[row]` goes to."""
    node = nodes[base + at]
    word = np.uint32(node.word)
    x = rows[row, word & _FEATURE]
    right = np.uint32(x > node.threshold)
    missing = np.uint32(x != x) & ~(word >> _MISSING) & ONE
    return (word >> _LEFT) + (right | missing)


@internal
def vote(out, row, column, values, leaf):
    """Add a leaf's values to a row's sums."""
    for c in range(values.shape[1]):
        out[row, column + c] += values[leaf, c]


@bare_kernel
def score(rows, nodes, values, roots, depths, columns, out):
    """Add what every tree says of every row of `rows` to `out`, tree after tree as scikit-learn does.

    `nodes` and `values` hold all trees, tree `t` from `roots[t]`; its values go to columns of `out` from
    `columns[t]`.
    """
    n = rows.shape[0]
    whole = n // ROWS * ROWS if n >= ROWS else 0
    block = 256
    for low in range(0, whole, block):
        high = min(low + block, whole)
        for t in range(roots.size):
            base, depth, column = np.int64(roots[t]), depths[t], np.int64(columns[t])
            for i in range(low, high, ROWS):
                k0 = k1 = k2 = k3 = k4 = k5 = k6 = k7 = np.uint32(0)
                k8 = k9 = ka = kb = kc = kd = ke = kf = np.uint32(0)
                for _ in range(depth):
                    k0 = step(nodes, rows, i, base, k0)
                    k1 = step(nodes, rows, i + 1, base, k1)
                    k2 = step(nodes, rows, i + 2, base, k2)
                    k3 = step(nodes, rows, i + 3, base, k3)
                    k4 = step(nodes, rows, i + 4, base, k4)
                    k5 = step(nodes, rows, i + 5, base, k5)
                    k6 = step(nodes, rows, i + 6, base, k6)
                    k7 = step(nodes, rows, i + 7, base, k7)
                    k8 = step(nodes, rows, i + 8, base, k8)
                    k9 = step(nodes, rows, i + 9, base, k9)
                    ka = step(nodes, rows, i + 10, base, ka)
                    kb = step(nodes, rows, i + 11, base, kb)
                    kc = step(nodes, rows, i + 12, base, kc)
                    kd = step(nodes, rows, i + 13, base, kd)
                    ke = step(nodes, rows, i + 14, base, ke)
                    kf = step(nodes, rows, i + 15, base, kf)
                vote(out, i, column, values, base + k0)
                vote(out, i + 1, column, values, base + k1)
                vote(out, i + 2, column, values, base + k2)
                vote(out, i + 3, column, values, base + k3)
                vote(out, i + 4, column, values, base + k4)
                vote(out, i + 5, column, values, base + k5)
                vote(out, i + 6, column, values, base + k6)
                vote(out, i + 7, column, values, base + k7)
                vote(out, i + 8, column, values, base + k8)
                vote(out, i + 9, column, values, base + k9)
                vote(out, i + 10, column, values, base + ka)
                vote(out, i + 11, column, values, base + kb)
                vote(out, i + 12, column, values, base + kc)
                vote(out, i + 13, column, values, base + kd)
                vote(out, i + 14, column, values, base + ke)
                vote(out, i + 15, column, values, base + kf)
    for i in range(whole, n):
        t = 0
        while t + TREES <= roots.size:
            b0, b1, b2, b3 = (
                np.int64(roots[t]),
                np.int64(roots[t + 1]),
                np.int64(roots[t + 2]),
                np.int64(roots[t + 3]),
            )
            b4, b5, b6, b7 = (
                np.int64(roots[t + 4]),
                np.int64(roots[t + 5]),
                np.int64(roots[t + 6]),
                np.int64(roots[t + 7]),
            )
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
            vote(out, i, np.int64(columns[t]), values, b0 + k0)
            vote(out, i, np.int64(columns[t + 1]), values, b1 + k1)
            vote(out, i, np.int64(columns[t + 2]), values, b2 + k2)
            vote(out, i, np.int64(columns[t + 3]), values, b3 + k3)
            vote(out, i, np.int64(columns[t + 4]), values, b4 + k4)
            vote(out, i, np.int64(columns[t + 5]), values, b5 + k5)
            vote(out, i, np.int64(columns[t + 6]), values, b6 + k6)
            vote(out, i, np.int64(columns[t + 7]), values, b7 + k7)
            t += TREES
        while t < roots.size:
            b0, k0 = np.int64(roots[t]), np.uint32(0)
            for _ in range(depths[t]):
                k0 = step(nodes, rows, i, b0, k0)
            vote(out, i, np.int64(columns[t]), values, b0 + k0)
            t += 1


@bare_kernel
def explain(rows, nodes, values, roots, depths, column, out):
    """Add to `out[row, feature]` how much asking that feature moved `values[:, column]` on the row's paths.

    The change of a node's value at each step, as Saabas told of it; sums to the row's score less the value
    at the roots. Needs values at inner nodes too.
    """
    for i in range(rows.shape[0]):
        for t in range(roots.size):
            base, at = np.int64(roots[t]), np.uint32(0)
            for _ in range(depths[t]):
                child = step(nodes, rows, i, base, at)
                feature = np.uint32(nodes[base + at].word) & _FEATURE
                out[i, feature] += values[base + child, column] - values[base + at, column]
                at = child


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
