"""References: what the kernels are given of a section."""

from __future__ import annotations

import msgspec
import pytest

from ingest.decode.blocks import BlockRef, Interface, Section, fill_interface
from ingest.decode.kernels import INTERFACE

LARGEST = Interface(
    link=0xFFFF, defined=1 << 50, offset=-(1 << 61), multiply=10**18, divide=10**19, shift=127, snap=2**32 - 1
)


def test_the_table_holds_every_field_of_every_interface():
    table = Section("pcapng", False, (Interface(1), LARGEST)).table()
    assert table.dtype == INTERFACE
    for row, each in zip(table, (Interface(1), LARGEST), strict=True):
        assert {n: int(row[n]) for n in INTERFACE.names} == msgspec.structs.asdict(each)
    fill_interface(table, 0, LARGEST)
    assert table[0] == table[1]


def test_references_are_values():
    section = Section("pcap", True, (LARGEST,))
    ref = BlockRef("s", "p", 0, 24, 10, 1, 1, 2**64 - 1, -5, section, {"record_truncated": 1}, 3, (("a", 1),))
    for module in (msgspec.json, msgspec.msgpack):
        assert module.decode(module.encode(ref), type=BlockRef) == ref
    with pytest.raises(AttributeError):
        ref.length = 4
