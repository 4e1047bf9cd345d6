"""A flow's numbers, by hand and whatever the rows are kept in."""

from __future__ import annotations

import math

import numpy as np

from models.flows import features


def test_numbers_are_what_they_are_called(flows_of):
    rows, attack = flows_of(1, 200)
    found = features.features(rows)
    for row, one, scan in zip(found[:50], rows[:50], attack[:50], strict=True):
        told = dict(zip(features.NAMES, row.tolist(), strict=True))
        seconds = (int(one["last"]) - int(one["first"])) / 1e9
        assert math.isclose(told["seconds"], math.log1p(seconds), rel_tol=1e-5)
        assert math.isclose(told["src_bytes"], math.log1p(int(one["src_bytes"])), rel_tol=1e-5)
        out, back = int(one["src_bytes"]), int(one["dst_bytes"])
        assert math.isclose(told["producer_consumer"], (out - back) / max(out + back, 1), abs_tol=1e-5)
        assert told["answered"] == (0 if scan else 1)
        assert told["begun_with_syn"] == 1
        assert told["tcp"] + told["udp"] + told["icmp"] == 1


def test_rows_and_columns_give_the_same(flows_of):
    rows, _ = flows_of(2, 100)
    columns = {name: rows[name].copy() for name in features.NEEDED}
    np.testing.assert_array_equal(features.features(columns), features.features(rows))
    np.testing.assert_array_equal(features.features(rows[40:60]), features.features(rows)[40:60])
    assert features.features(rows[:0]).shape == (0, len(features.NAMES))
    assert not set(features.NAMES) & {"src_port", "dst_port", "src", "dst"}
