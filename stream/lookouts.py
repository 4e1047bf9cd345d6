"""Indicator lists and Sigma rules beside the detectors: what the `detect` stage runs where settings name any.

They remember nothing from row to row, so there is nothing of theirs in checkpoints. Each row is looked at by
one partition: that of the flow's source, that of who says what an event tells.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from citywall.domains import Domains
from citywall.findings import Finding, event_order
from citywall.rows import take
from citywall.state import Parts
from rules.indicators import matching, telling
from rules.indicators.tables import Table
from stream.scoring import Scored

if TYPE_CHECKING:
    from detectors.features.sharing import Sharing
    from detectors.registry import DetectorSet

Rows = NDArray[np.void]


class Lookout(Protocol):
    """Looks at rows, one by one: what is found does not depend on which others there are."""

    def flows(self, rows: Rows, session: str, lane: str) -> list[Finding]:
        """Findings in FLOW rows."""

    def events(self, rows: Rows, session: str, lane: str) -> list[Finding]:
        """Findings in EVENT rows."""


class IndicatorLookout:
    """Indicator lists at work."""

    def __init__(self, table: Table, domains: Domains) -> None:
        self.table, self._domains = table, domains

    def flows(self, rows: Rows, session: str, lane: str) -> list[Finding]:
        """Addresses of flows."""
        hits = matching.in_flows(self.table, rows)
        return telling.findings(self.table, hits, rows, telling.Run(session, lane, self._domains))

    def events(self, rows: Rows, session: str, lane: str) -> list[Finding]:
        """Names, URLs and answers."""
        hits = matching.in_events(self.table, rows)
        return telling.findings(self.table, hits, rows, telling.Run(session, lane, self._domains))


#: Gives the lookouts that count for a batch, knowing whether it is the first of its session.
Lookouts = Callable[[bool], Sequence[Lookout]]


class Watched:
    """A set of detectors, or none, with lookouts beside it."""

    def __init__(
        self, detectors: DetectorSet | Scored | None, lookouts: Lookouts, partition: int,
        sharing: Sharing | None,
    ) -> None:  # fmt: skip
        self.detectors, self._lookouts = detectors, lookouts
        self._partition, self._sharing = partition, sharing
        self._session = ""

    def process(self, reports: Rows, events: Rows, session: str, lane: str) -> list[Finding]:
        """Findings of both, in `event_order`."""
        found = list(self.detectors.process(reports, events, session, lane)) if self.detectors else []
        lookouts = self._lookouts(session != self._session)
        self._session = session
        if not lookouts:
            return found
        flows = reports if self._sharing is None else self._own(reports, self._sharing.sources)
        said = events if self._sharing is None else self._own(events, self._sharing.clients)
        for lookout in lookouts:
            found += lookout.flows(flows, session, lane) if len(flows) else []
            found += lookout.events(said, session, lane) if len(said) else []
        return sorted(found, key=event_order)

    def _own(self, rows: Rows, partitions: Callable[[Rows], NDArray[np.uint8]]) -> Rows:
        return take(rows, np.flatnonzero(partitions(rows) == self._partition)) if len(rows) else rows

    def advance(self, frontier: int, session: str, lane: str) -> list[Finding]:
        """What models say of time that is over."""
        return self.detectors.advance(frontier, session, lane) if isinstance(self.detectors, Scored) else []

    def close(self, session: str, lane: str) -> list[Finding]:
        """End a session."""
        return self.detectors.close(session, lane) if self.detectors is not None else []

    def snapshot(self) -> Parts:
        """Everything `restore` needs: that of the detectors."""
        return self.detectors.snapshot() if self.detectors is not None else {}

    def restore(self, parts: Parts) -> None:
        """Take over a snapshot of the same settings."""
        if self.detectors is not None:
            self.detectors.restore(parts)


def beside(
    make: Callable[[int], DetectorSet | Scored] | None, lookouts: Lookouts, sharing: Sharing | None
) -> Callable[[int], Watched]:
    """What makes a partition's detectors, if there are any, with lookouts beside them."""

    def made(partition: int) -> Watched:
        return Watched(make(partition) if make is not None else None, lookouts, partition, sharing)

    return made
