from __future__ import annotations

from types import SimpleNamespace

import numpy as np

from rules.match.found import Candidate, Places, by_rule, columns


def test_pairs_by_rule_keep_their_order():
    orders = np.array([5, 2, 5, 9, 2], np.int64)
    assert [(order, at.tolist()) for order, at in by_rule(orders)] == [(2, [1, 4]), (5, [0, 2]), (9, [3])]
    assert list(by_rule(orders[:0])) == []


def scene() -> SimpleNamespace:
    words = np.array([1, 2, 3], np.uint64)
    return SimpleNamespace(
        frames=np.array([10, 11, 12]), numbers=np.array([70, 80]), flow=np.array([1, -1, 0]),
        source=(words * 0, words, words), target=(words, words * 0, words),
        packets={"time": np.array([100, 200, 300])},
    )  # fmt: skip


def test_columns_are_candidates():
    rows = np.array([0, 2], np.int64)
    found = columns(scene(), rows, 7, phase=np.array([0, 2]), item=-3, known=np.array([5, 20]))
    assert [Candidate(*row) for row in found.tolist()] == [
        Candidate(known=10, phase=0, order=7, item=-3, row=0),
        Candidate(known=20, phase=2, order=7, item=-3, row=2),
    ]


def test_where_packets_are():
    places = Places(scene(), np.array([0, 1, 2]))
    assert (places.flows, places.times) == ([80, -1, 70], [100, 200, 300])
    assert [tuple(places[i]) for i in range(3)] == [
        (80, 1, 1 << 64, 100), (-1, 2, 2 << 64, 200), (70, 3, 3 << 64, 300)
    ]  # fmt: skip
