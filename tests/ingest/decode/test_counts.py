"""Counts by reason."""

from __future__ import annotations

import numpy as np

from citywall.batches import REASONS
from ingest.decode.counts import WALK_ERRORS, DecodeCounts


def test_names_do_not_clash():
    assert len({*REASONS, *WALK_ERRORS}) == len(REASONS) + len(WALK_ERRORS)


def test_adding_keeps_only_what_happened():
    counts = DecodeCounts()
    counts.add({"record_truncated": 0, "unknown_block": 2})
    by_reason = np.zeros(len(REASONS), np.int64)
    by_reason[[0, 3]] = (100, 5)  # index 0 is no error
    counts.add_reasons(by_reason)
    counts.add_reasons(by_reason)
    assert counts.errors == {"unknown_block": 2, REASONS[3]: 10}


def test_merging_adds_everything():
    one, other = DecodeCounts(1, 2, 3, {"a": 1}), DecodeCounts(10, 20, 30, {"a": 4, "b": 5})
    one.merge(other)
    assert one == DecodeCounts(11, 22, 33, {"a": 5, "b": 5})
    assert other.errors == {"a": 4, "b": 5}
