"""Records: aligned, and their bits told apart."""

from __future__ import annotations

import pytest

from detectors.relations import records as r

RECORDS = (r.PAIR, r.SPREAD, r.SERVICE, r.SEGMENT, r.BINDING, r.CARD, r.PLACE, r.EDGE)


@pytest.mark.parametrize("record", RECORDS, ids=lambda d: str(d.itemsize))
def test_every_table_can_hold_a_record(record):
    assert record.names[:3] == ("h", "g", "keep")
    assert record.itemsize % 8 == 0
    assert record.isalignedstruct


def test_bits_are_single():
    first = (
        r.HTTP_REQUEST,
        r.HTTP_RESPONSE,
        r.TLS,
        r.SSH,
        r.SCRIPT,
        r.EXECUTABLE,
        r.JSON_RPC,
        r.SHELL,
        r.RPC,
    )
    for bits in (first, (r.SHARE, r.MAPPER, r.PROCEDURES, r.DIRECTORY), (r.LOGIN, r.ADMIN, r.INDUSTRIAL)):
        assert sorted(bits) == [1 << n for n in range(len(bits))]
    assert max(first) < 1 << 16
