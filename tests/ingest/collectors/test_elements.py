"""Elements have names, and columns that exist."""

from __future__ import annotations

from ingest.collectors import kernels as k
from ingest.collectors.elements import COLUMNS, NAMES, REVERSE, SCOPE, name_of


def test_what_is_known_is_named():
    assert name_of((0, 8)) == ("sourceIPv4Address", "a")
    assert name_of((REVERSE, 1)) == ("reverseOctetDeltaCount", "u")
    assert name_of((SCOPE, 1)) == ("scope1", "u")
    assert name_of((6871, 33)) == ("e6871id33", "o")
    assert name_of((0, 33000)) == ("id33000", "o")


def test_every_column_is_one_and_every_name_is_once():
    assert all(
        0 <= column < k.PRESENT and k.UNSIGNED <= kind <= k.LOW_BYTE for column, kind in COLUMNS.values()
    )
    names = [name for name, _ in NAMES.values()]
    assert len(names) == len(set(names))
