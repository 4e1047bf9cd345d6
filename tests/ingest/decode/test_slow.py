"""The slow path: Scapy finds the network header, rows mean what they mean on the fast one."""

from __future__ import annotations

import random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scapy.layers.dot11 import Dot11, Dot11Beacon, Dot11FCS, RadioTap
from scapy.layers.inet import IP, TCP
from scapy.layers.inet6 import IPv6
from scapy.layers.l2 import ARP, LLC, SNAP, Dot1Q

from citywall.batches import ARP as ARP_STATUS
from citywall.batches import NOT_IP, PACKET, TRANSPORT
from citywall.kernels import JIT
from ingest.decode.kernels import decode_located
from ingest.decode.slow import compile_slow, locate

T0 = 1_700_000_000 * 10**9
SYN = IP(src="10.0.0.1", dst="10.0.0.2") / TCP(sport=1234, dport=80, flags="S") / b"hello"


def wireless(network, kind=0x0800):
    return Dot11(type=2) / LLC(dsap=0xAA, ssap=0xAA, ctrl=3) / SNAP(code=kind) / network


@pytest.mark.parametrize(("link", "wrap"), [(105, wireless), (127, lambda p: RadioTap() / wireless(p))])
def test_rows_are_those_of_raw_ip(writing, read_all, link, wrap):
    packet = bytes(wrap(SYN))
    slow, counts, _ = read_all(writing.pcap([writing.Record(T0, packet)], link=link))
    fast, _, _ = read_all(writing.pcap([writing.Record(T0, bytes(SYN))], link=101))
    assert counts.slow_path == 1
    assert counts.errors == {}
    at = packet.index(bytes(SYN))
    for name in set(PACKET.names) - {"captured", "wire", "offset"}:
        expected = int(fast[name][0]) + (at if name in {"payload_at", "network"} else 0)
        assert int(slow[name][0]) == expected, name
    assert slow["status"][0] == TRANSPORT


def test_arp_ipv6_tags_and_frames_without_network(writing, read_all):
    frames = [
        wireless(ARP(psrc="10.0.0.1", pdst="10.0.0.2"), 0x0806),
        wireless(IPv6(src="::1", dst="::2") / TCP(), 0x86DD),
        wireless(Dot1Q(vlan=12) / SYN, 0x8100),
        Dot11(type=0, subtype=8) / Dot11Beacon(),
    ]
    rows, counts, _ = read_all(writing.pcap([writing.Record(T0, bytes(f)) for f in frames], link=105))
    assert rows["status"].tolist() == [ARP_STATUS, TRANSPORT, TRANSPORT, NOT_IP]
    assert rows["vlan"].tolist() == [0, 0, 12, 0]
    assert counts.slow_path == 4
    assert counts.errors == {}


def test_a_trailer_behind_the_network_layer_does_not_move_it():
    frame = bytes(Dot11FCS(type=2) / LLC(dsap=0xAA, ssap=0xAA, ctrl=3) / SNAP(code=0x0800) / SYN)
    tap = bytes(RadioTap(present="Flags", Flags="FCS")) + frame
    place = locate(127, tap)
    assert place is not None
    assert tap[place[0] :].startswith(bytes(SYN))


def test_link_types_nobody_knows_stay_unknown(writing, read_all):
    rows, counts, _ = read_all(writing.pcap([writing.Record(T0, bytes(SYN))] * 3, link=9999))
    assert counts.errors == {"link_type_unknown": 3}
    assert counts.slow_path == 0
    assert rows["status"].tolist() == [0, 0, 0]


def test_pcapng_interfaces_of_both_kinds(writing, read_all):
    w = writing
    data = w.section() + w.interface(105) + w.interface(101)
    for i in range(6):
        packet = bytes(wireless(SYN)) if i % 2 == 0 else bytes(SYN)
        data += w.enhanced(w.Record(T0, packet), i % 2)
    rows, counts, _ = read_all(data, batch=4)
    assert counts.slow_path == 3
    assert set(rows["status"].tolist()) == {TRANSPORT}
    assert len(set(rows["hash"].tolist())) == 1


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, 2**32), st.sampled_from([105, 127, 119, 192, 163, 220, 189, 7]))
def test_hostile_records_never_break_it(writing, read_all, seed, link):
    rng = random.Random(seed)
    records = []
    for _ in range(5):
        data = bytearray(bytes(RadioTap() / wireless(SYN)) if rng.random() < 0.5 else rng.randbytes(60))
        for _ in range(3):
            data[rng.randrange(len(data))] = rng.randrange(256)
        records.append(writing.Record(T0, bytes(data[: rng.randrange(1, len(data) + 1)])))
    rows, counts, _ = read_all(writing.pcap(records, link=link))
    assert len(rows) == 5
    assert sum(counts.errors.values()) == int((rows["reason"] > 0).sum())


@pytest.mark.skipif(not JIT, reason="nothing is compiled")
def test_the_kernel_is_compiled_for_what_captures_are(writing, read_all):
    compile_slow()
    known = set(decode_located.signatures)
    read_all(writing.pcap([writing.Record(T0, bytes(wireless(SYN)))], link=105))
    assert set(decode_located.signatures) == known
