"""Flows as columns become reports that a meter could have made."""

from __future__ import annotations

import numpy as np

from citywall.batches import END, OPEN, UDP
from drills.traffic.rows import SECOND, Flows, address, head

BEGUN = 1_700_000_000 * SECOND


def made():
    flows = Flows(BEGUN)
    flows.add(
        [0.3, 5.0], address("10.0.0.1"), [address("10.0.0.2"), address("10.0.0.3")], 443, lasts=[0.1, 40.0]
    )
    flows.add(2.0, address("10.0.0.1"), address("10.0.0.9"), 53, UDP, packets=(1, 1), payload=(40, 90),
              heads=(b"ab", b""))  # fmt: skip
    return flows.rows()


def test_reports_come_in_order_and_sum_to_the_whole():
    rows = made()
    assert (np.diff(rows["time"]) >= 0).all()
    assert (rows["time"] % (SECOND // 2) == 0).all()
    for flow in np.unique(rows["flow_id"]):
        of_one = rows[rows["flow_id"] == flow]
        assert of_one["report"].tolist() == list(range(len(of_one)))
        assert (of_one["kind"][0], of_one["kind"][-1]) == (OPEN, END)
        for name in ("src_packets", "dst_packets", "src_bytes", "dst_bytes"):
            assert of_one[f"{name}_delta"].astype(np.int64).sum() == of_one[name][-1]
            assert (np.diff(of_one[name].astype(np.int64)) >= 0).all()
        assert (of_one["time"] >= of_one["last"]).all()


def test_a_long_flow_is_told_on_the_way_and_closes_at_its_end():
    rows = made()
    long = rows[rows["last"].max() == rows["last"]]["flow_id"][0]
    of_one = rows[rows["flow_id"] == long]
    assert len(of_one) == 10
    assert (of_one["src_flags"] & 1).tolist() == [0] * 8 + [1, 1]
    assert of_one["last"][-1] - of_one["first"][0] == 40 * SECOND


def test_bytes_are_payload_and_headers():
    rows = made()
    question = rows[(rows["proto"] == UDP) & (rows["kind"] == END)][0]
    assert (question["src_bytes"], question["dst_bytes"]) == (68, 118)
    assert question["src_head"] == head(b"ab") == 0x6162 << 48
