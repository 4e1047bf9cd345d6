"""What was found to agree: one by one, and as columns."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from rules.match.scene import Scene
from rules.match.state import Where

Numbers = NDArray[np.int64]
#: Candidate.item of what was found in a stream.
IN_STREAM = -3


class Candidate(NamedTuple):
    """A rule that agrees with a packet (phase 0) or a transaction (phase 1), as known at a frame."""

    known: int
    phase: int
    order: int
    item: int
    row: int


#: Columns of many candidates.
KNOWN, PHASE, ORDER, ITEM, ROW = range(5)


def by_rule(orders: Numbers) -> Iterator[tuple[int, Numbers]]:
    """Each rule of some pairs with the places of its pairs, in order."""
    if not len(orders):
        return
    places = np.argsort(orders, kind="stable")
    sorted_ = orders[places]
    begins = np.flatnonzero(np.append(True, sorted_[1:] != sorted_[:-1]))
    for begin, end in zip(begins.tolist(), [*begins[1:].tolist(), len(orders)], strict=True):
        yield int(sorted_[begin]), places[begin:end]


def columns(  # noqa: PLR0917  (what a candidate is made of)
    scene: Scene,
    rows: Numbers,
    order: int,
    phase: Numbers | int = 0,
    item: int = -1,
    known: Numbers | int = 0,
) -> Numbers:
    """Candidates of one rule, one a packet; `known`: the frame at which each was, where that is later."""
    found = np.empty((len(rows), 5), np.int64)
    found[:, KNOWN], found[:, PHASE] = np.maximum(scene.frames[rows], known), phase
    found[:, ORDER], found[:, ITEM], found[:, ROW] = order, item, rows
    return found


class Places:
    """Flow, addresses and time of packets, each made when it is asked for."""

    def __init__(self, scene: Scene, rows: Numbers) -> None:
        self.flows: list[int] = np.append(scene.numbers, -1)[scene.flow[rows]].tolist()
        self.times: list[int] = scene.packets["time"][rows].tolist()
        source, target = scene.source, scene.target
        self._words = [words[rows].tolist() for words in (*source[:2], *target[:2])]

    def __getitem__(self, i: int) -> Where:
        s_hi, s_lo, t_hi, t_lo = self._words
        return Where(self.flows[i], s_hi[i] << 64 | s_lo[i], t_hi[i] << 64 | t_lo[i], self.times[i])
