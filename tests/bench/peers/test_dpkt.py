"""dpkt as a peer."""

from __future__ import annotations

import pytest

from bench.peers import dpkt


def test_it_reads_every_packet_where_it_is_present(reads_everything):
    reads_everything(dpkt.Dpkt())


def test_where_it_is_absent_it_says_how_to_get_it(nothing_installed):
    assert dpkt.Dpkt().version() is None
    assert dpkt.Dpkt().obtain.startswith("make peers")


def test_it_counts_packets(captures):
    pytest.importorskip("dpkt")
    assert dpkt.run(str(captures[0].path)) == 300
