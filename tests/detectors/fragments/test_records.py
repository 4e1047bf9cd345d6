"""The fragment records through a crash."""

from __future__ import annotations

import numpy as np
import pytest

from citywall.batches import EVENT, FRAGMENT_TINY
from detectors.fragments.records import FragmentRecords


def rows(n):
    made = np.zeros(n, EVENT)
    made["kind"], made["dst_lo"], made["frame"] = FRAGMENT_TINY, 7, np.arange(n)
    return made


def test_a_snapshot_holds_everything():
    one, other = FragmentRecords(10**9), FragmentRecords(10**9)
    one.observe_events(rows(3))
    other.observe_events(rows(1))
    other.restore({name: part.copy() for name, part in one.snapshot().items()})
    assert other.observe_events(rows(1)).records["tiny"].tolist() == [4]
    assert one.nbytes == other.nbytes < 1 << 20


def test_a_snapshot_of_another_form_is_refused():
    records = FragmentRecords(10**9)
    parts = dict(records.snapshot())
    parts["records"] = parts["records"][:5]
    with pytest.raises(ValueError, match="another size"):
        records.restore(parts)
