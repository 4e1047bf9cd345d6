"""Scapy as a peer."""

from __future__ import annotations

import pytest

from bench.peers import scapy


def test_it_reads_every_packet_where_it_is_present(reads_everything):
    reads_everything(scapy.Scapy())


def test_where_it_is_absent_it_says_how_to_get_it(nothing_installed):
    assert scapy.Scapy().version() is None
    assert scapy.Scapy().obtain.startswith("make peers")


def test_it_counts_packets(captures):
    pytest.importorskip("scapy")
    assert scapy.run(str(captures[0].path)) == 300


def test_it_is_given_a_hundred_thousand_packets_at_most():
    assert scapy.Scapy().share(2_000_000) == 100_000
