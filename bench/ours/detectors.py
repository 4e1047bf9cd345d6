"""Flows for the detectors, from few or from a million sources, and what judging them costs."""

from __future__ import annotations

import resource
import time
from typing import Any

import numpy as np
from numpy.typing import NDArray

from citywall.batches import EVENT
from citywall.settings import PRIVATE
from detectors.registry import build
from drills.traffic.rows import SECOND, Flows, address

BEGUN = 1_714_521_600 * SECOND
_PORTS = np.array([443, 443, 443, 443, 80, 53, 993, 8080])
_DESKS, _SITES = address("10.0.0.0"), address("198.18.0.0")
_FAVOURITES = 8


def flows(sources: int, count: int, seed: int) -> NDArray[np.void]:
    """Reports of `count` flows in event order; every source goes to its own few places nearly always."""
    dice = np.random.default_rng(seed)
    made = Flows(BEGUN + seed * count // 20_000 * SECOND)
    who = dice.permutation(np.arange(count) % sources)
    choice = dice.integers(0, _FAVOURITES, count)
    place = (who * _FAVOURITES + choice) * 2654435761 % 100_000
    place = np.where(dice.random(count) < 0.1, dice.integers(0, 100_000, count), place)
    made.add(np.sort(dice.uniform(0, count / 20_000, count)), who + _DESKS, place + _SITES,
             _PORTS[place % len(_PORTS)], lasts=0.2)  # fmt: skip
    return made.rows()


def measure(sources: int, count: int) -> dict[str, Any]:
    """CPU seconds a flow once `sources` are known, all detectors together; bytes reserved and resident."""
    detectors = build({}, PRIVATE)
    nothing = np.empty(0, EVENT)
    warm = flows(sources, max(sources, count), 0)
    for at in range(0, len(warm), 65_536):
        detectors.process(warm[at : at + 65_536], nothing, "bench", "test")
    rows = flows(sources, count, 1)
    began = time.process_time()
    for at in range(0, len(rows), 65_536):
        detectors.process(rows[at : at + 65_536], nothing, "bench", "test")
    cpu = time.process_time() - began
    return {
        "cpu": cpu / count,
        "rows": len(rows),
        "reserved": detectors.nbytes,
        "resident": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
        "held": {name: n for name, n in detectors.counts().items() if n},
    }
