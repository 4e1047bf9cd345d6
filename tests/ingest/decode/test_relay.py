"""Frame relay: each way that RFC 2427 has for IP, what has none, and what is cut off anywhere."""

from __future__ import annotations

import pytest
from scapy.layers.inet import IP, TCP
from scapy.layers.inet6 import IPv6
from scapy.layers.l2 import ARP, Dot1Q, Ether

from citywall.batches import ARP as ARP_STATUS
from citywall.batches import NOT_IP, PACKET, TRANSPORT
from ingest.decode import relay

T0 = 1_700_000_000 * 10**9
SYN = bytes(IP(src="10.0.0.1", dst="10.0.0.2") / TCP(sport=1234, dport=80, flags="S") / b"hello")
SIX = bytes(IPv6(src="2001:db8::1", dst="2001:db8::2") / TCP(sport=1234, dport=80))
ASKED = bytes(ARP(psrc="10.0.0.1", pdst="10.0.0.2"))
FRAME = bytes(Ether(src="02:00:00:00:00:01", dst="02:00:00:00:00:02") / Dot1Q(vlan=12) / IP(SYN))
TWO, THREE, FOUR = b"\x18\x41", b"\x18\x40\x01", b"\x18\x40\x00\x01"
SNAP = b"\x03\x00\x80"
CASES = [
    (TWO + b"\x03\xcc" + SYN, SYN, 0x0800, 0), (FOUR + b"\x03\xcc" + SYN, SYN, 0x0800, 0),
    (THREE + b"\x03\x00\x8e" + SIX, SIX, 0x86DD, 0), (TWO + b"\x08\x00" + SYN, SYN, 0x0800, 0),
    (TWO + SNAP + b"\0\0\0\x08\x06" + ASKED, ASKED, 0x0806, 0),
    (TWO + SNAP + b"\0\x80\xc2\x00\x07" + FRAME, SYN, 0x0800, 12),
    (TWO + SNAP + b"\0\x80\xc2\x00\x01" + FRAME + b"fcs!", SYN, 0x0800, 12),
    (TWO + b"\x03\xcf\x00\x21" + SYN, SYN, 0x0800, 0),
]  # fmt: skip


@pytest.mark.parametrize(("record", "packet", "kind", "vlan"), CASES)
def test_where_the_network_header_is(record, packet, kind, vlan):
    at, told, tag = relay.locate(record)
    assert (told, tag, record[at:].startswith(packet)) == (kind, vlan, True)


@pytest.mark.parametrize(
    "record",
    [
        b"", b"\x01", b"\x18", b"\x19\x41\x03\xcc" + SYN, b"\x18\x40\x00\x00\x01" + SYN,
        TWO + b"\x03\x08\x00\x75" + SYN, TWO + b"\x03\xcf\xc0\x21" + SYN,
        TWO + SNAP + b"\0\0\x0c\x08\x00" + SYN,
        TWO + SNAP + b"\0\x80\xc2\x00\x0e" + FRAME, TWO + b"\x88\xcc" + SYN,
    ],
)  # fmt: skip
def test_what_holds_no_network_header(record):
    """Signalling (LMI), the control protocol of PPP, other numbers, addresses that are none."""
    assert relay.locate(record) == (-1, 0, 0)


@pytest.mark.parametrize("record", [case[0] for case in CASES])
def test_what_is_cut_off_anywhere_is_never_beyond_its_end(record):
    for size in range(len(record)):
        assert relay.locate(record[:size])[0] <= size


def test_rows_are_those_of_raw_ip(writing, read_all):
    records = [writing.Record(T0, case[0]) for case in CASES]
    rows, counts, _ = read_all(writing.pcap([*records, writing.Record(T0, TWO + b"\x03\x08")], link=107))
    assert rows["status"].tolist() == [*([TRANSPORT] * 4), ARP_STATUS, *([TRANSPORT] * 3), NOT_IP]
    assert (counts.errors, counts.slow_path) == ({}, len(CASES) + 1)
    fast, _, _ = read_all(writing.pcap([writing.Record(T0, SYN)], link=101))
    for name in set(PACKET.names) - {"captured", "wire", "offset", "payload_at", "network"}:
        assert rows[name][0] == fast[name][0], name
