"""Records of what is held."""

from __future__ import annotations

from detectors.holding import records


def test_records_are_aligned_and_begin_with_their_fingerprint():
    assert records.HELD.isalignedstruct
    assert records.HELD.names[:3] == ("h", "g", "keep")
    assert "first_flow_id" in records.HELD.names


def test_what_the_settings_say_of_sizes_holds():
    assert abs(records.HELD.itemsize + 16 * records.MARKS + 16 - 370) <= 0.1 * 370
    assert len({records.LINES, records.SERVICE, records.CALLER, records.DIRECTORY}) == 4
