"""What is kept of identities."""

from __future__ import annotations

from detectors.identities import records
from detectors.sightings import records as sightings


def test_kinds_are_apart_from_those_of_sightings_and_counters_fit():
    kinds = (
        records.ENTRY, records.HOLDER, records.BEARER, records.PROOF, records.ROAST, records.CONTROLLER,
        records.CALLS, records.MAPPED, records.POOL, records.LEASER, records.HOME,
    )  # fmt: skip
    assert len(set(kinds)) == len(kinds)
    assert sightings.KINDS <= min(kinds) < max(kinds) < records.KINDS
    assert max(records.TICKETS, records.SERVED, records.NETWORKS) < sightings.COUNTERS
