"""A host's minute, counted by hand."""

from __future__ import annotations

import math

import numpy as np

from models.flows import hosts


def test_minutes_are_counted_up(flows_of):
    rows, _ = flows_of(4, 500, minutes=4)
    found = hosts.host_windows(rows)
    seen = {}
    for row in rows:
        seen.setdefault((int(row["last"]) // hosts.WINDOW_NS, int(row["src_lo"])), []).append(row)
    assert len(seen) == len(found.rows)
    for (minute, source), told, began, first in zip(
        sorted(seen), found.rows, found.began, found.first, strict=True
    ):
        mine = seen[minute, source]
        row = dict(zip(hosts.NAMES, told.tolist(), strict=True))
        assert began == minute * hosts.WINDOW_NS
        assert int(rows[first]["src_lo"]) == source
        assert math.isclose(row["flows"], math.log1p(len(mine)), rel_tol=1e-5)
        assert math.isclose(row["peers"], math.log1p(len({int(r["dst_lo"]) for r in mine})), rel_tol=1e-5)
        assert math.isclose(
            row["unanswered_share"], sum(r["dst_packets"] == 0 for r in mine) / len(mine), abs_tol=1e-6
        )
        assert math.isclose(row["sent"], math.log1p(sum(int(r["src_bytes"]) for r in mine)), rel_tol=1e-5)
        largest = max(int(r["src_bytes"]) + int(r["dst_bytes"]) for r in mine)
        whole = sum(int(r["src_bytes"]) + int(r["dst_bytes"]) for r in mine)
        assert math.isclose(row["largest_flow_share"], largest / whole, rel_tol=1e-5)


def test_order_changes_nothing(flows_of):
    rows, _ = flows_of(5, 300)
    mixed = rows[np.random.default_rng(0).permutation(len(rows))]
    np.testing.assert_array_equal(hosts.host_windows(mixed).rows, hosts.host_windows(rows).rows)
