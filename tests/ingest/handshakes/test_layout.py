"""What is held is bounded, and rows are whole words."""

from __future__ import annotations

from ingest.handshakes.layout import ENTRIES, ENTRY, META_AT, ROOM, new_table


def test_a_table_is_empty_and_bounded():
    table = new_table()
    assert not table.entries["used"].any()
    assert (len(table.entries), len(table.held), int(table.meta[META_AT["live"]])) == (
        ENTRIES,
        ENTRIES * ROOM,
        0,
    )
    assert sum(array.nbytes for array in table) < 18 << 20
    assert ENTRY.itemsize % 8 == 0
