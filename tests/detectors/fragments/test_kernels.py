"""The fragment kernel against its oracle."""

from __future__ import annotations

import numpy as np
from fragment_oracle import Oracle
from hypothesis import given, settings
from hypothesis import strategies as st

from citywall.batches import EVENT, EVENT_NAMES
from detectors.fragments.records import FragmentRecords

SECOND = 10**9


def events(seed, n=400):
    rng = np.random.default_rng(seed)
    rows = np.zeros(n, EVENT)
    rows["time"] = np.cumsum(
        rng.choice([0, 1, SECOND // 4, -SECOND, 9 * SECOND], n, p=[0.3, 0.3, 0.3, 0.05, 0.05])
    )
    for name, most in (("dst_lo", 9), ("dst_hi", 2), ("domain", 2), ("src_lo", 3), ("src_hi", 1)):
        rows[name] = rng.integers(0, most, n)
    rows["kind"] = rng.integers(0, len(EVENT_NAMES), n)
    rows["frame"], rows["offset"] = np.arange(n), rng.integers(0, 1 << 40, n)
    return rows


def told(records, rows):
    found = records.observe_events(rows)
    return [
        (int(n), {name: int(r[name]) for name in r.dtype.names if name != "used"})
        for n, r in zip(found.rows, found.records, strict=True)
    ]


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_records_are_the_oracles(seed):
    rows = events(seed)
    expected = Oracle(10 * SECOND).observe_events(rows)
    assert told(FragmentRecords(10 * SECOND), rows) == expected


def test_a_full_table_gives_up_the_quietest():
    rows = np.zeros(9000, EVENT)
    rows["kind"], rows["dst_lo"], rows["time"] = 5, np.arange(9000), np.arange(9000)
    records = FragmentRecords(10 * SECOND)
    found = told(records, rows)
    assert len(found) == 9000
    counts = records.counts
    assert counts["fragmented_held"] + counts["fragmented_evicted"] == 9000
    assert counts["fragmented_held"] <= 2048
