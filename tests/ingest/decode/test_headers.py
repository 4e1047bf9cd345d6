from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.decode.headers import ARP, IPV4, IPV6, NOWHERE, network, typed, versioned, word


@pytest.mark.parametrize(
    ("record", "place"),
    [
        ("0800 45", (2, IPV4, 0)),
        ("0806 00", (2, ARP, 0)),
        ("8100 0007 0800 45", (6, IPV4, 7)),
        ("88a8 0007 8100 f008 86dd 60", (10, IPV6, 7 << 12 | 8)),
        ("9100 0001 8100 0002 8100 0003 0800 45", (14, IPV4, 2 << 12 | 3)),
        ("8100 0001" * 4 + "0800 45", (18, IPV4, 1 << 12 | 1)),
        ("8100 0001" * 5 + "0800 45", NOWHERE),
        ("0800", NOWHERE),
        ("8100 00", NOWHERE),
        ("88cc 02", NOWHERE),
    ],
)
def test_a_type_behind_tags(record, place):
    assert typed(bytes.fromhex(record.replace(" ", "")), 0) == place


@given(st.binary(max_size=24), st.integers(0, 30))
def test_whatever_is_cut_off_holds_nothing(record, at):
    for offset, kind, vlan in (
        typed(record, at),
        versioned(record, at),
        network(record, at, word(record, at)),
    ):
        assert offset == -1 or (
            at <= offset < len(record) and kind in (IPV4, IPV6, ARP) and 0 <= vlan < 1 << 24
        )
    assert word(record, at) == (int.from_bytes(record[at : at + 2], "big") if len(record) >= at + 2 else 0)


def test_the_first_nibble_tells_the_version():
    assert versioned(b"\x00\x45", 1) == (1, IPV4, 0)
    assert versioned(b"\x60", 0) == (0, IPV6, 0)
    assert versioned(b"\x50", 0) == NOWHERE
