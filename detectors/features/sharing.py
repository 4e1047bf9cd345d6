"""Sharing rows out to sets of detectors: a source with all it does, a prefix with all its hosts receive.

What is known of an entity is then in one place, and findings are those of one set that sees every row.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from citywall.batches import EVENT, FLOW
from citywall.rows import join, take
from detectors.features import kernels
from detectors.features.kernels import Limits
from detectors.features.tables import read_only

Rows = NDArray[np.void]


class Sharing:
    """Says which rows each of `limits.partitions` sets of detectors needs."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits

    def flows(self, pieces: Sequence[Rows]) -> list[Rows]:
        """The FLOW rows of each partition, in order: those of its sources, and those its prefixes receive."""
        rows = read_only(join(pieces, FLOW), FLOW)
        sources, receivers = np.empty(len(rows), np.uint8), np.empty(len(rows), np.uint8)
        with np.errstate(over="ignore"):  # hashes wrap; matters only where the kernel is not compiled
            kernels.share_flows(rows, self._limits, sources, receivers)
        return self._taken(rows, sources, receivers)

    def sources(self, rows: Rows) -> NDArray[np.uint8]:
        """The partition that judges the source of each FLOW row."""
        rows = read_only(rows, FLOW)
        sources, receivers = np.empty(len(rows), np.uint8), np.empty(len(rows), np.uint8)
        with np.errstate(over="ignore"):
            kernels.share_flows(rows, self._limits, sources, receivers)
        return sources

    def events(self, pieces: Sequence[Rows]) -> list[Rows]:
        """The EVENT rows of each partition, in order: those of its askers."""
        rows = read_only(join(pieces, EVENT), EVENT)
        askers = np.empty(len(rows), np.uint8)
        with np.errstate(over="ignore"):
            kernels.share_events(rows, self._limits, askers)
        return self._taken(rows, askers, askers)

    def _taken(self, rows: Rows, one: NDArray[Any], other: NDArray[Any]) -> list[Rows]:
        partitions = range(self._limits.partitions)
        return [take(rows, np.flatnonzero((one == p) | (other == p))) for p in partitions]
