"""Frames set in bytes are what Scapy would have built."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drills.forge import Forge, Side, complement, ones_sum
from drills.packets import checksum

FOUR = Side("10.20.1.10", "02:00:00:00:00:01"), Side("192.0.2.7", "02:00:00:00:00:02")
SIX = Side("fd20::10", "02:00:00:00:00:01"), Side("2001:db8::7", "02:00:00:00:00:02")
ENDS = pytest.mark.parametrize("ends", [FOUR, SIX], ids=["IPv4", "IPv6"])


def rebuilt(frame: bytes) -> bytes:
    from scapy.layers.l2 import Ether

    layer = read = Ether(frame)
    while layer:
        for name in ("chksum", "cksum", "len", "plen", "ihl", "dataofs"):
            layer.fields.pop(name, None)
        layer = layer.payload
    return bytes(read)


@given(st.binary(max_size=64).filter(any))
def test_sums(data: bytes):
    assert complement(ones_sum(data)) == checksum(data)


@ENDS
@pytest.mark.parametrize("flags", [2, 18, 16, 24, 17, 4])
@pytest.mark.parametrize("payload", [b"", b"x", b"some text"])
def test_tcp(forge: Forge, ends, flags, payload):
    frame = forge.tcp(*ends, (4000, 443), flags, seq=1 << 33, ack=7, payload=payload)
    assert rebuilt(frame) == frame
    assert (b"\x02\x04\x05\xb4" in frame) == bool(flags & 2)
    assert frame.endswith(payload)


@ENDS
@pytest.mark.parametrize("payload", [b"", b"x", b"xy" * 600])
def test_udp(forge: Forge, ends, payload):
    frame = forge.udp(*ends, (53, 999), payload)
    assert rebuilt(frame) == frame


def test_udp_checksum_is_never_zero(forge: Forge):
    seen = {forge.udp(*SIX, (1, 2), n.to_bytes(2, "big"))[60:62] for n in range(65536)}
    assert b"\0\0" not in seen
    assert b"\xff\xff" in seen


@ENDS
@pytest.mark.parametrize("payload", [b"", b"odd"])
def test_icmp(forge: Forge, ends, payload):
    frame = forge.icmp(*ends, 8 if ends is FOUR else 128, rest=b"\0\1\0\2", payload=payload)
    assert rebuilt(frame) == frame


def test_neighbours(forge: Forge):
    for frame in (
        forge.arp(1, *FOUR),
        forge.arp(2, *FOUR),
        forge.solicit(SIX[0], "fd20::99"),
        forge.advertise(*SIX),
    ):
        assert rebuilt(frame) == frame
    assert forge.arp(1, *FOUR)[:6] == b"\xff" * 6
    assert forge.arp(2, *FOUR)[:6] == FOUR[1].mac
    assert forge.solicit(SIX[0], "fd20::1234")[:6] == bytes.fromhex("3333ff001234")


def test_names(forge: Forge):
    from scapy.layers.dns import DNS

    asked = DNS(forge.dns(0x1234, "www.example"))
    assert (asked.id, asked.qr, asked.qd[0].qname) == (0x1234, 0, b"www.example.")
    answered = DNS(forge.dns(7, "www.example", "2001:db8::1"))
    assert (answered.id, answered.qr, answered.an[0].rdata) == (7, 1, "2001:db8::1")
    assert DNS(forge.no_such_name(9, "nope.example")).rcode == 3


def test_time_and_management(forge: Forge):
    assert [forge.ntp(mode)[0] & 7 for mode in (3, 4)] == [3, 4]
    assert len(forge.ntp(3)) == 48
    assert forge.snmp(False) != forge.snmp(True)
    assert b"public" in forge.snmp(False)
