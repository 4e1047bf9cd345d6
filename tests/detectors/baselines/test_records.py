"""Records of what is usual."""

from __future__ import annotations

import pytest

from detectors.baselines import records


@pytest.mark.parametrize("name", ["PROBER", "AIM", "SERVICE", "HOST", "JOB", "SEGMENT"])
def test_records_are_aligned_and_begin_with_their_fingerprint(name):
    dtype = getattr(records, name)
    assert dtype.isalignedstruct
    assert dtype.names[:3] == ("h", "g", "keep")
    assert "first_flow_id" in dtype.names


def test_what_the_settings_say_of_sizes_holds():
    beside = {"PROBER": 4 * records.RANKS, "AIM": 8 * (records.MARKS + records.COMERS + 2 * records.HEAVY)}
    beside |= {"SERVICE": records.RANKS + 16 * records.HEAVY, "HOST": 2 * records.WEEK * records.WEEKS}
    beside |= {"JOB": 16 * records.RUNS, "SEGMENT": 0}
    said = {"PROBER": 500, "AIM": 510, "SERVICE": 470, "HOST": 1700, "JOB": 420, "SEGMENT": 210}
    for name, size in said.items():
        slots = 16 if name != "HOST" else 0
        assert abs(getattr(records, name).itemsize + beside[name] + slots - size) <= 0.2 * size, name
