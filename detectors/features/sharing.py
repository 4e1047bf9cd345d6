"""Sharing rows out to sets of detectors: a source with all it does, a prefix with all its hosts receive.

Relations go to the prefix of their target, what is announced to a segment to the segment's set.

What is known of an entity is then in one place, and findings are those of one set that sees every row.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from citywall.batches import EVENT, FIRST_SIGHTING, FLOW
from citywall.rows import join, take
from detectors.baselines import kernels as baselines
from detectors.baselines.kernels import Norms
from detectors.features import kernels
from detectors.features.kernels import Limits
from detectors.features.tables import read_only, texts
from detectors.identities import kernels as identities
from detectors.relations import kernels as relations
from detectors.relations.kernels import Reach
from detectors.sightings import kernels as sightings

Rows = NDArray[np.void]


class Sharing:
    """Says which rows each of `limits.partitions` sets of detectors needs.

    With `norms` also those that the kernel of what is usual needs: of receivers, and a sample for everybody.
    """

    def __init__(self, limits: Limits, reach: Reach, norms: Norms | None = None) -> None:
        self._limits = limits
        self._reach = reach
        self._norms = norms

    def flows(self, pieces: Sequence[Rows]) -> list[Rows]:
        """The FLOW rows of each partition, in order: of its sources, prefixes, segments, and the sample."""
        rows = read_only(join(pieces, FLOW), FLOW)
        shares = np.empty((4 if self._norms is None else 5, len(rows)), np.uint8)
        everybody = np.zeros(len(rows), np.uint8)
        with np.errstate(over="ignore"):  # hashes wrap; matters only where the kernel is not compiled
            kernels.share_flows(rows, self._limits, shares[0], shares[1])
            relations.share_flows(rows, self._reach, shares[2], shares[3])
            if self._norms is not None:
                baselines.share_flows(rows, self._norms, shares[4], everybody)
        return self._taken(rows, shares, everybody != 0)

    def sources(self, rows: Rows) -> NDArray[np.uint8]:
        """The partition that judges the source of each FLOW row."""
        rows = read_only(rows, FLOW)
        sources, receivers = np.empty(len(rows), np.uint8), np.empty(len(rows), np.uint8)
        with np.errstate(over="ignore"):
            kernels.share_flows(rows, self._limits, sources, receivers)
        return sources

    def events(self, pieces: Sequence[Rows]) -> list[Rows]:
        """The EVENT rows of each partition, in order: of its askers, of its segments.

        What applications say goes to the partition of the client and to that of the server or account.
        """
        rows = read_only(join(pieces, EVENT), EVENT)
        shares = np.empty((7, len(rows)), np.uint8)
        with np.errstate(over="ignore"):
            kernels.share_events(rows, self._limits, shares[0])
            relations.share_events(rows, self._reach, shares[1])
            sightings.share_events(rows, self._limits.partitions, shares[2], shares[3])
            identities.share_events(rows, texts(rows), self._limits.partitions, *shares[4:])
        told = rows["kind"] >= FIRST_SIGHTING
        shares[:2, told] = shares[2:4, told]
        shares[2:4, ~told] = shares[:2, ~told]
        return self._taken(rows, shares)

    def clients(self, rows: Rows) -> NDArray[np.uint8]:
        """The partition of the client of what applications say, that of the asker for other EVENT rows."""
        rows = read_only(rows, EVENT)
        shares = np.empty((3, len(rows)), np.uint8)
        with np.errstate(over="ignore"):
            kernels.share_events(rows, self._limits, shares[0])
            sightings.share_events(rows, self._limits.partitions, shares[1], shares[2])
        told = rows["kind"] >= FIRST_SIGHTING
        clients: NDArray[np.uint8] = np.where(told, shares[1], shares[0])
        return clients

    def _taken(self, rows: Rows, shares: NDArray[Any], everybody: NDArray[Any] | bool = False) -> list[Rows]:
        partitions = range(self._limits.partitions)
        return [take(rows, np.flatnonzero((shares == p).any(axis=0) | everybody)) for p in partitions]


def segments_of(events: Rows, reach: Reach) -> Rows:
    """The EVENT rows whose segment is judged by the partition of `reach`: others came for their asker."""
    if reach.partitions == 1:
        return events
    segments = np.empty(len(events), np.uint8)
    with np.errstate(over="ignore"):
        relations.share_events(read_only(events, EVENT), reach, segments)
    return take(events, np.flatnonzero(segments == reach.partition))


def askers_of(events: Rows, limits: Limits) -> Rows:
    """The EVENT rows whose asker is judged by the partition of `limits`: others came for their segment."""
    if limits.partitions == 1:
        return events
    askers = np.empty(len(events), np.uint8)
    with np.errstate(over="ignore"):
        kernels.share_events(read_only(events, EVENT), limits, askers)
    return take(events, np.flatnonzero(askers == limits.partition))


def clients_of(events: Rows, limits: Limits) -> Rows:
    """The EVENT rows whose client is judged by the partition of `limits`: others came for their server."""
    if limits.partitions == 1:
        return events
    clients, others = np.empty(len(events), np.uint8), np.empty(len(events), np.uint8)
    with np.errstate(over="ignore"):
        sightings.share_events(read_only(events, EVENT), limits.partitions, clients, others)
    return take(events, np.flatnonzero(clients == limits.partition))
