"""Half-space trees, row after row: score, then learn.

Tan, Ting and Liu, "Fast Anomaly Detection for Streaming Data" (IJCAI 2011). A tree halves one feature's
range at every node, chosen before any row was seen. Nodes stand level by level: children of `i` are
`2i + 1` and `2i + 2`.
"""

from __future__ import annotations

import numpy as np

from citywall.kernels import bare_kernel


@bare_kernel
def score_and_learn(rows, feature, split, depth, window, least, latest, reference, state, out):
    """Fill in the score of every row, least for what is strangest, and count it.

    `feature` and `split` are (trees, inner nodes); `latest` and `reference` (trees, nodes) count rows in the
    window that is being filled and in the one before; `state[0]` is how full it is, `state[1]` how many were
    filled. A score is the mass of the row's place in the window before, times 2 to its depth, where fewer
    than `least` rows are as deep as one goes; 0 until the first window is full.
    """
    trees = feature.shape[0]
    inner = feature.shape[1]
    for i in range(rows.shape[0]):
        total = 0.0
        for t in range(trees):
            node = 0
            level = 0
            while True:
                latest[t, node] += 1
                if node >= inner:
                    break
                node = 2 * node + 1 + (1 if rows[i, feature[t, node]] >= split[t, node] else 0)
            node = 0
            while level < depth and reference[t, node] >= least:
                node = 2 * node + 1 + (1 if rows[i, feature[t, node]] >= split[t, node] else 0)
                level += 1
            total += np.float64(reference[t, node]) * np.float64(np.int64(1) << level)
        out[i] = total / trees if state[1] > 0 else 0.0
        state[0] += 1
        if state[0] == window:
            for t in range(trees):
                for node in range(latest.shape[1]):
                    reference[t, node] = latest[t, node]
                    latest[t, node] = 0
            state[0] = 0
            state[1] += 1
