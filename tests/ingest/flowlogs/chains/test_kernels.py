"""Lists within the rings; what comes of them is held against a loop in test_chains."""

from __future__ import annotations

import numpy as np

from citywall.batches import EVENT
from ingest.flowlogs.chains import kernels
from ingest.flowlogs.chains.layout import MARK, NAME


def test_lists_are_made_anew_as_they_were():
    """Names that left in the middle, at the head and at the end of their list."""
    rng = np.random.default_rng(3)
    room = 8
    names, marks, events = np.zeros(room, NAME), np.zeros(room, MARK), np.zeros(room, EVENT)
    lists, state = np.full((4, room), -1, np.int64), np.zeros(7, np.int64)
    out, lines = np.empty(64, EVENT), np.empty(64, np.int64)
    with np.errstate(over="ignore"):
        for _ in range(200):
            rows = np.zeros(1, NAME)
            rows["key"], rows["weak"] = rng.integers(1, 12), rng.random() < 0.2
            kernels.name(rows, names, *lists[:2], marks, lists[2], events, state, out, lines)
            if rng.random() < 0.4:
                keys = rng.integers(1, 12, 1).astype(np.uint64)
                kernels.show(
                    keys, np.zeros(1, EVENT), np.zeros(1, np.int64), names, *lists[:2], marks, *lists[2:],
                    events, state, out, lines,
                )  # fmt: skip
            before = walk(names, lists[0]), walk(marks, lists[2])
            anew, again = lists.copy(), (names.copy(), marks.copy())
            kernels.relist(again[0], *anew[:2], again[1], *anew[2:], state)
            assert (walk(again[0], anew[0]), walk(again[1], anew[2])) == before
            assert all(
                (tail < 0) == (head < 0) or head < 0 for head, tail in zip(lists[0], lists[1], strict=True)
            )


def walk(ring: np.ndarray, heads: np.ndarray) -> list[list[int]]:
    found = []
    for head in heads:
        some, number = [], int(head)
        while number >= 0:
            some.append(number)
            assert not some[:-1] or number > some[-2]
            number = int(ring[number % len(ring)]["next"])
        found.append(some)
    return found
