"""Batch rows out of columns."""

from __future__ import annotations

import numpy as np

from citywall.batches import FLOW
from citywall.domains import Domains, DomainSettings
from ingest.flowlogs.rows import Resolutions, closed_rows, domains_of, event_rows, header_bytes, is_v4


def test_closed_rows_hold_what_a_log_can_tell():
    rows = np.zeros(2, FLOW)
    rows["flow_id"], rows["src_packets"], rows["dst_packets"] = [7, 8], [3, 0], [1, 0]
    rows["src_bytes"], rows["dst_bytes"] = [300, 0], [60, 0]
    rows["src_flags"], rows["dst_flags"] = [0x12, 0], [0x04, 0]
    closed = closed_rows(rows, np.array([5, 0], np.uint64), np.array([6, 0], np.uint64))
    assert closed["flow_id"].tolist() == [7, 8]
    assert [closed[f"{s}_size_mean"].tolist() for s in ("both", "src", "dst")] == [[90, 0], [100, 0], [60, 0]]
    assert [int(closed[0][f"src_{f}"]) for f in ("fin", "syn", "rst", "psh", "ack")] == [0, 1, 0, 0, 1]
    assert int(closed[0]["dst_rst"]) == 1
    assert (closed[0]["src_mac"], closed[0]["dst_mac"]) == (5, 6)


def test_domains_of_columns_are_those_of_each():
    vlans = np.array([0, 5, 7, 4095, 100 << 12 | 7], np.uint32)
    for settings in (
        DomainSettings(),
        DomainSettings(by_vlan=False),
        DomainSettings(vlans={"7": "a", "100.7": "b"}),
        DomainSettings(by_vlan=False, vlans={"0": "c"}),
    ):
        domains = Domains(settings)
        assert domains_of(vlans, domains).tolist() == [domains.of_vlan(int(v)) for v in vlans]


def test_requests_come_before_replies_of_the_same_line():
    two = np.array([1, 2], np.uint64)
    asked = Resolutions(
        np.array([4, 9]), np.array([10, 20]), two, two + np.uint64(10), np.array([True, False])
    )
    events, lines = event_rows(asked, Domains(DomainSettings()))
    assert lines.tolist() == [4, 4, 9]
    assert events["kind"].tolist() == [1, 2, 1]
    assert events["src_lo"].tolist() == [1, 11, 2]


def test_headers_and_versions():
    v4 = is_v4(np.array([0, 0, 1], np.uint64), np.array([0xFFFF_0A000001, 1, 0xFFFF_0A000001], np.uint64))
    assert v4.tolist() == [True, False, False]
    assert header_bytes(np.array([6, 17, 50], np.uint8), v4).tolist() == [52, 48, 40]
