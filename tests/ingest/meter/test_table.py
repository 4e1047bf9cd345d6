"""The table's records keep to whole cache lines, and its memory is committed only where it is used."""

from __future__ import annotations

from ingest.meter.table import COLD, FLOW_BYTES, HEAD, SIDE, new_table, used_bytes


def test_records_keep_to_their_size():
    assert HEAD.itemsize == 128
    assert SIDE.itemsize == 128
    assert FLOW_BYTES == HEAD.itemsize + 2 * SIDE.itemsize + COLD.itemsize <= 448


def test_memory_follows_the_flows_that_were_there():
    table = new_table(1 << 20, 120)
    assert used_bytes(table, 0) < 1 << 20
    grown = used_bytes(table, 1000) - used_bytes(table, 0)
    assert grown >= 1000 * FLOW_BYTES
    assert table.wheel.shape[1] > 121
