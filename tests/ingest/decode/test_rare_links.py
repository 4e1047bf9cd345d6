"""Rare link types: the packet inside each is the same as if it had come alone."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scapy.layers.inet import IP, TCP
from scapy.layers.inet6 import IPv6
from scapy.layers.l2 import ARP, Dot1Q, Ether

from citywall.batches import ARP as ARP_STATUS
from citywall.batches import NOT_IP, TRANSPORT
from ingest.decode.rare_links import LOCATORS, NOWHERE

T0 = 1_700_000_000 * 10**9
FOUR = bytes(IP(src="10.0.0.1", dst="10.0.0.2") / TCP(sport=1234, dport=80, flags="S") / b"hello")
SIX = bytes(IPv6(src="2001:db8::1", dst="2001:db8::2") / TCP(sport=1234, dport=80, flags="S"))
ASKS = bytes(ARP(psrc="10.0.0.1", pdst="10.0.0.2"))
ENDS = bytes(range(12))
SNAP = bytes.fromhex("aaaa03000000")


def part(kind: int, value: bytes, order: str) -> bytes:
    size = len(value) + 4
    return size.to_bytes(2, order) + kind.to_bytes(2, order) + value + bytes(-size % 4)


def logged(family: int, packet: bytes, order: str = "little") -> bytes:
    before = part(1, b"\x08\x00\x01\x00", order) + part(10, b"dropped\0", order)
    return bytes([family, 0, 0, 1]) + before + part(9, packet, order)


CASES = {
    "slip": (8, b"\1\x45" + bytes(14) + FOUR, 16, 0x0800, 0),
    "fddi": (10, b"\x50" + ENDS + SNAP + b"\x08\x00" + FOUR, 21, 0x0800, 0),
    "fddi-arp": (10, b"\x57" + ENDS + SNAP + b"\x08\x06" + ASKS, 21, 0x0806, 0),
    "fddi-llc": (10, b"\x50" + ENDS + b"\x06\x06\x03" + FOUR, 16, 0x0800, 0),
    "atm": (100, SNAP + b"\x86\xdd" + SIX, 8, 0x86DD, 0),
    "sunatm": (123, b"\x82\x00\x00\x22" + SNAP + b"\x08\x00" + FOUR, 12, 0x0800, 0),
    "ipnet": (226, b"\1\2" + bytes(22) + FOUR, 24, 0x0800, 0),
    "ipnet-six": (226, b"\1\x1a" + bytes(22) + SIX, 24, 0x86DD, 0),
    "nflog": (239, logged(2, FOUR), 28, 0x0800, 0),
    "nflog-big": (239, logged(10, SIX, "big"), 28, 0x86DD, 0),
    "ipoib": (242, bytes(40) + b"\x08\x00\x00\x00" + FOUR, 44, 0x0800, 0),
    "pktap": (258, (108).to_bytes(4, "little") + b"\1\0\0\0\1\0\0\0" + bytes(96) + ENDS + b"\x08\x00" + FOUR,
              122, 0x0800, 0),
    "pktap-raw": (258, (108).to_bytes(4, "little") + b"\1\0\0\0\x0c\0\0\0" + bytes(96) + SIX, 108, 0x86DD, 0),
    "broadcom": (281, ENDS + b"\0\0\0\5" + b"\x08\x00" + FOUR, 18, 0x0800, 0),
    "broadcom-before": (282, b"\0\0\0\5" + ENDS + b"\x81\x00\x00\x07\x08\x00" + FOUR, 22, 0x0800, 7),
    "dsa": (284, ENDS + b"\xc0\x18\x00\x00" + b"\x08\x00" + FOUR, 18, 0x0800, 0),
    "dsa-tagged": (284, ENDS + b"\xe0\x18\x20\x0c" + b"\x86\xdd" + SIX, 18, 0x86DD, 12),
    "edsa": (285, ENDS + b"\xda\xda\x00\x00\x60\x18\x0f\xa0" + b"\x08\x00" + FOUR, 22, 0x0800, 0xFA0),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_the_packet_inside_is_found(writing, read_all, name):
    link, record, at, kind, vlan = CASES[name]
    assert LOCATORS[link](record) == (at, kind, vlan)
    slow, counts, _ = read_all(writing.pcap([writing.Record(T0, record)], link=link))
    assert counts.slow_path == 1
    assert counts.errors == {}
    head = bytes(Ether()) if not vlan else bytes(Ether() / Dot1Q(vlan=vlan))
    plain = head[:-2] + kind.to_bytes(2, "big") + record[at:]
    fast, _, _ = read_all(writing.pcap([writing.Record(T0, plain)]))
    for field in ("status", "a_hi", "a_lo", "b_lo", "ports", "reversed", "payload", "vlan", "version"):
        assert int(slow[field][0]) == int(fast[field][0]), field
    assert slow["status"][0] == (ARP_STATUS if kind == 0x0806 else TRANSPORT)


def test_what_holds_no_network_header_is_no_error(writing, read_all):
    others = [
        (8, b"\1\x80" + bytes(14) + FOUR),  # compressed
        (10, b"\x41" + ENDS + SNAP + b"\x08\x00" + FOUR),  # a frame of the ring itself
        (123, b"\x01\x00\x00\x22" + SNAP + b"\x08\x00" + FOUR),  # not with LLC
        (239, bytes([7, 0, 0, 1]) + part(9, FOUR, "little")),  # of a bridge
        (239, bytes([2, 0, 0, 1]) + b"\3\0\x09\0" + FOUR),  # a part shorter than its own header
        (258, (8).to_bytes(4, "little") + b"\1\0\0\0\1\0\0\0" + ENDS),
        (284, ENDS + b"\xc0\x18\x00\x00\x88\xcc" + FOUR),
    ]
    for link, record in others:
        rows, counts, _ = read_all(writing.pcap([writing.Record(T0, record)], link=link))
        assert (rows["status"].tolist(), counts.errors) == ([NOT_IP], {}), (link, record)


@given(st.sampled_from(sorted(LOCATORS)), st.binary(max_size=200))
def test_any_bytes_are_borne(link, record):
    at, kind, vlan = LOCATORS[link](record)
    assert (at, kind, vlan) == NOWHERE or (0 <= at < len(record) and kind and 0 <= vlan < 1 << 24)


@given(st.sampled_from(sorted(CASES)), st.data())
def test_cut_anywhere_the_place_is_the_same_or_none(name, data):
    link, record, *place = CASES[name]
    cut = record[: data.draw(st.integers(0, len(record)))]
    assert LOCATORS[link](cut) in (tuple(place), NOWHERE)
