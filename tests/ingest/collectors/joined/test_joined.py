"""Columns that are filled again: they grow, go on where they were, and begin anew."""

from __future__ import annotations

import numpy as np

from ingest.collectors.datagrams import bare
from ingest.collectors.decoder import Decoder
from ingest.collectors.joined import Joined
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


def test_columns_that_grow_keep_what_was_in_them():
    joined = Joined(Pairing(room=4))
    few, many = np.zeros(3, HALF), np.zeros((1 << 17) + 5, HALF)
    few["src_port"], many["src_port"] = [7, 8, 9], 1
    joined.add(few)
    joined.add(many)
    told = joined.logged(1)
    assert len(told.line) == len(few) + len(many)
    assert told.src_port[:4].tolist() == [7, 8, 9, 1]
    assert (told.src_port[3:] == 1).all()
    columns = [value for name, value in vars(told).items() if name != "line"]
    assert len({column.ctypes.data % 4096 // 64 for column in columns}) == len(columns)
