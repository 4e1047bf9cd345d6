from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alerts.flowfilter import column, mask
from alerts.query import FLOWS, parse
from alerts.terms import compare
from citywall.errors import StoreError

CONSTANTS = {"session": "s1", "lane": "live", "path": "/a.pcap"}
U64 = st.one_of(st.integers(0, 5), st.integers(0, (1 << 64) - 1))


def table(src_bytes: list[int], dst_port: list[int]) -> pa.Table:
    return pa.table(
        {
            "src_bytes": pa.array(src_bytes, pa.uint64()),
            "dst_bytes": pa.array([0] * len(src_bytes), pa.uint64()),
            "dst_port": pa.array(dst_port, pa.uint16()),
            "src_port": pa.array([0] * len(src_bytes), pa.uint16()),
        }
    )


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.tuples(U64, st.integers(0, 65535)), max_size=8),
    st.sampled_from([":", "<", "<=", ">", ">="]),
    st.one_of(st.integers(-2, 6), st.integers(-(1 << 63), 1 << 63), st.just(2.5)),
)
def test_numbers_compare_as_in_python(rows: list[tuple[int, int]], op: str, wanted: Any) -> None:
    found = table([r[0] for r in rows], [r[1] for r in rows])
    for name, values in (("bytes", [r[0] for r in rows]), ("dport", [r[1] for r in rows])):
        query = parse(f"{name}{op}{wanted}", FLOWS)
        expected = [compare(op, v, wanted) for v in values]
        # A float wanted is compared as floats are: 53 bits of a count.
        if not isinstance(wanted, int) or wanted >= 1 << 63:
            expected = [compare(op, float(v), float(wanted)) for v in values]
        assert mask(query.node, found, CONSTANTS).tolist() == expected


def test_both_and_neither() -> None:
    rows = table([1, 2, 3], [22, 53, 22])
    assert mask(parse("", FLOWS).node, rows, CONSTANTS).tolist() == [True] * 3
    assert mask(parse("dport:22 NOT bytes:1", FLOWS).node, rows, CONSTANTS).tolist() == [False, False, True]
    assert mask(parse("port:53 OR bytes>2", FLOWS).node, rows, CONSTANTS).tolist() == [False, True, True]
    assert mask(parse("session:S* lane!=drill", FLOWS).node, rows, CONSTANTS).tolist() == [True] * 3
    assert mask(parse("port:*", FLOWS).node, rows, CONSTANTS).tolist() == [True] * 3


def test_columns_of_a_slice() -> None:
    keys = [bytes(15) + bytes([i]) for i in range(6)]
    rows = pa.table({"src_address": pa.array(keys, pa.binary(16)), "x": pa.array(range(6))}).slice(2, 3)
    assert mask(parse("src:::3", FLOWS).node, rows, CONSTANTS).tolist() == [False, True, False]
    assert np.array_equal(column(rows, "x"), [2, 3, 4])


def test_text_of_alerts_means_nothing_here() -> None:
    with pytest.raises(StoreError, match="no text"):
        mask(parse("scan").node, table([1], [1]), CONSTANTS)
