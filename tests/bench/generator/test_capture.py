"""Generated captures: as many packets, flows and IPv6 as promised, readable by other programs."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from bench.generator.capture import EXTRANET, FILE_HEADER, MILLION, Profile, estimated_bytes, write_capture

SMALL = Profile(concurrent=200)
PACKETS = 20_000


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    path = tmp_path_factory.mktemp("generated") / "small.pcap"
    return path, write_capture(path, PACKETS, SMALL, seed=5)


def parsed(path: Path):
    dpkt = pytest.importorskip("dpkt")
    with path.open("rb") as file:
        for time, data in dpkt.pcap.Reader(file):
            yield time, dpkt.ethernet.Ethernet(data)


def test_every_packet_can_be_parsed_and_flows_and_addresses_are_as_told(written):
    dpkt = pytest.importorskip("dpkt")
    path, facts = written
    flows, v6, packets, payload, last = set(), 0, 0, 0, 0.0
    for time, ethernet in parsed(path):
        packets += 1
        assert time >= last
        last = time
        network = ethernet.data
        six = isinstance(network, dpkt.ip6.IP6)
        v6 += six
        transport = network.data
        if isinstance(transport, dpkt.tcp.TCP | dpkt.udp.UDP):
            ports = (transport.sport, transport.dport)
            payload += len(transport.data)
        else:
            assert isinstance(transport, dpkt.icmp.ICMP | dpkt.icmp6.ICMP6)
            ports = (0, 0)
            payload += len(network.data.data.data)
        vlan = ethernet.vlan_tags[0].id if getattr(ethernet, "vlan_tags", None) else 0
        ends = tuple(sorted(zip((network.src, network.dst), ports, strict=True)))
        flows.add((ends, network.p if not six else network.get_proto(network.nxt), vlan))
    assert packets == facts.packets == PACKETS
    assert len(flows) == facts.flows
    assert v6 == facts.ipv6_packets
    assert payload == facts.payload_bytes
    assert path.stat().st_size == facts.bytes


def test_three_packets_in_ten_are_ipv6(tmp_path):
    facts = write_capture(tmp_path / "c.pcap", 100_000, EXTRANET)
    assert 0.28 < facts.ipv6_packets / facts.packets < 0.32


def test_frames_are_as_long_as_real_ones(tmp_path):
    facts = write_capture(tmp_path / "c.pcap", 200_000, EXTRANET)
    assert 380 < (facts.bytes - len(FILE_HEADER)) / facts.packets - 16 < 450
    assert facts.bytes < estimated_bytes(facts.packets)


def test_a_million_flows_are_alive_at_once(tmp_path):
    facts = write_capture(tmp_path / "c.pcap", 2_000_100, MILLION)
    assert 1_000_000 <= facts.flows < 1_000_010
    assert facts.seconds < 60
    assert facts.bytes < estimated_bytes(facts.packets, MILLION)


def test_scapy_dissects_them(written):
    from scapy.layers.inet import IP, TCP, UDP
    from scapy.layers.inet6 import IPv6
    from scapy.utils import PcapReader

    path, _ = written
    seen = {IP: 0, IPv6: 0, TCP: 0, UDP: 0}
    with PcapReader(str(path)) as reader:
        for packet, _ in zip(reader, range(300), strict=False):
            for layer in seen:
                seen[layer] += layer in packet
            if IP in packet:
                told = packet[IP].chksum
                del packet[IP].chksum
                assert IP(bytes(packet[IP])).chksum == told
    assert seen[IP] + seen[IPv6] == 300
    assert min(seen.values()) > 20


def test_the_same_seed_gives_the_same_bytes_and_another_does_not(tmp_path):
    a, b, c = (tmp_path / name for name in "abc")
    write_capture(a, 2000, SMALL, seed=7)
    write_capture(b, 2000, SMALL, seed=7, chunk=313)
    write_capture(c, 2000, SMALL, seed=8)
    assert a.read_bytes() == b.read_bytes() != c.read_bytes()


def test_a_shorter_capture_is_a_prefix(tmp_path):
    short, long = tmp_path / "short", tmp_path / "long"
    write_capture(short, 1500, SMALL)
    write_capture(long, 4000, SMALL)
    assert long.read_bytes().startswith(short.read_bytes())


def test_tcp_flows_begin_with_a_handshake_or_are_under_way(written):
    dpkt = pytest.importorskip("dpkt")
    first = {}
    for _, ethernet in parsed(written[0]):
        transport = ethernet.data.data
        if isinstance(transport, dpkt.tcp.TCP):
            ends = frozenset([(ethernet.data.src, transport.sport), (ethernet.data.dst, transport.dport)])
            first.setdefault(ends, []).append(transport.flags)
    begun = [flags for flags in first.values() if flags[0] == 0x02]
    assert len(first) - SMALL.concurrent < len(begun) < len(first)
    for flags in begun:
        assert flags[1:2] in ([0x12], [0x14], [])
    assert all(0x02 not in flags and 0x12 not in flags for flags in first.values() if flags not in begun)


def test_addresses_are_private_or_for_documentation(written):
    for _, ethernet in parsed(written[0]):
        for address in (ethernet.data.src, ethernet.data.dst):
            if len(address) == 4:
                assert socket.inet_ntoa(address).startswith(("10.", "172.16."))
            else:
                assert address.startswith(bytes.fromhex("20010db8"))


@pytest.mark.parametrize(
    ("packets", "profile"),
    [
        (-1, SMALL),
        (1, Profile(concurrent=0)),
        (1, Profile(burst=0)),
        (1, Profile(clients=0)),
        (1, Profile(clients=1_000_001)),
        (1, Profile(sweep=3)),
        (1, Profile(sweep=0)),
        (1, Profile(packets_per_second=0)),
        (1, Profile(packets_per_second=1_000_001)),
    ],
)
def test_a_profile_that_cannot_be_written_is_refused(tmp_path, packets, profile):
    with pytest.raises(ValueError):
        write_capture(tmp_path / "c.pcap", packets, profile)
    assert list(tmp_path.iterdir()) == []


def test_no_half_capture_is_left(tmp_path, monkeypatch):
    def fail(*_):
        raise OSError("disk full")

    monkeypatch.setattr("bench.generator.capture.os.fsync", fail)
    with pytest.raises(OSError, match="disk full"):
        write_capture(tmp_path / "c.pcap", 10, SMALL)
    assert list(tmp_path.iterdir()) == []
