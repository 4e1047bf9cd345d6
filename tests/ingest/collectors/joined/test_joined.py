"""Columns that are filled again: they grow, go on where they were, and begin anew."""

from __future__ import annotations

import numpy as np

from ingest.collectors.datagrams import bare
from ingest.collectors.decoder import Decoder
from ingest.collectors.joined import Joined
from ingest.collectors.joined.joined import _laid_out
from ingest.collectors.kernels import HALF
from ingest.collectors.pairing import Pairing
from tests.exporters import five, flow


def test_flows_stand_behind_those_before_them_until_it_begins_anew():
    pairing = Pairing(room=4)
    joined, decoder = Joined(pairing), Decoder()
    pairs = [flow("10.0.0.1", "10.0.0.2", i, 80) for i in range(1, 4)]
    pairs += [flow("10.0.0.2", "10.0.0.1", 80, i) for i in range(1, 4)]
    decoder.decode(bare([five(*pairs)]), joined)
    joined.add(np.zeros(9, HALF))
    decoder.decode(bare([five(*pairs), five(*pairs)]), joined)
    told = joined.logged(5)
    assert joined.records == 18
    assert told.line.tolist() == list(range(5, 5 + 18))
    assert [min(ports) for ports in zip(told.src_port, told.dst_port, strict=True)] == [1, 2, 3] + [0] * 9 + [
        1,
        2,
        3,
    ] * 2
    joined.begin()
    assert (len(joined.logged(1).line), joined.records) == (0, 0)


def test_columns_lie_apart_and_begin_on_lines_of_their_own():
    columns = _laid_out(1000)
    for i, column in enumerate(columns):
        column[:] = i
    assert all((column == i).all() and len(column) == 1000 for i, column in enumerate(columns))
    lines = {column.ctypes.data % 4096 // 64 for column in columns}
    assert len(lines) > len(columns) // 2
