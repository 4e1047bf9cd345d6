from __future__ import annotations

import hashlib
import struct

import pytest
from scapy.layers.inet import IP, TCP, UDP
from scapy.layers.l2 import Dot1Q, Ether
from scapy.packet import Raw
from scapy.utils import rdpcap, wrpcap

from bench.errors import BenchError
from bench.generator.mixing import moved, write_mix


@pytest.fixture
def folder(tmp_path):
    """Two captures, one of them twice, and one that is left out."""
    (tmp_path / "in" / "scan").mkdir(parents=True)
    for name, at in (("a.pcap", 10.0), ("b.pcap", 99.0), ("scan/c.pcap", 5.0)):
        packets = [
            Ether() / IP(src="10.1.2.3", dst="10.9.8.7") / UDP(sport=5000, dport=53) / Raw(bytes([i]) * 20)
            for i in range(5)
        ]
        for i, packet in enumerate(packets):
            packet.time = at + i
        wrpcap(str(tmp_path / "in" / name), packets)
    (tmp_path / "in" / "same.pcap").write_bytes((tmp_path / "in" / "a.pcap").read_bytes())
    (tmp_path / "in" / "short.pcap").write_bytes(b"\xd4\xc3\xb2\xa1")
    return tmp_path / "in"


def test_rounds_repeat_with_other_addresses_and_right_checksums(folder, tmp_path):
    out = tmp_path / "mix.pcap"
    assert write_mix(out, folder, 11)["rounds"] == 2
    first = hashlib.sha256(out.read_bytes()).digest()
    packets = rdpcap(str(out))
    assert len(packets) == 20
    assert {p[IP].src for p in packets} == {"10.1.2.3", "10.1.13.3"}
    assert [p.time for p in packets] == sorted(p.time for p in packets)
    for packet in packets:
        sums = packet[IP].chksum, packet[UDP].chksum
        del packet[IP].chksum, packet[UDP].chksum
        again = Ether(bytes(packet))
        assert (again[IP].chksum, again[UDP].chksum) == sums
    write_mix(out, folder, 11)
    assert hashlib.sha256(out.read_bytes()).digest() == first


@pytest.mark.parametrize("layers", [TCP(sport=1, dport=2), UDP(sport=1, dport=2)])
def test_tags_are_stepped_over(layers):
    frame = bytes(Ether() / Dot1Q(vlan=5) / IP(src="10.0.255.1", dst="224.0.0.1") / layers / Raw(b"x"))
    found = Ether(moved(frame, 1))
    assert found[IP].src == "10.0.10.1"  # 255 + 11 goes round
    assert found[IP].dst == "224.0.0.1"
    assert moved(frame, 0) == frame


def test_what_is_no_ipv4_stays():
    for frame in (b"", b"\0" * 40, bytes(Ether(type=0x86DD) / Raw(b"y" * 60)), struct.pack(">14s", b"z")):
        assert moved(frame, 3) == frame


def test_a_folder_without_captures_is_said(tmp_path):
    with pytest.raises(BenchError, match="no captures to mix"):
        write_mix(tmp_path / "out.pcap", tmp_path, 10)


def test_the_mix_of_the_captures_beside_the_project(shared_data, tmp_path):
    """As the prototype makes it, of which the figures of Suricata are."""
    out = tmp_path / "mix.pcap"
    write_mix(out, shared_data, 30_000)
    told = hashlib.sha256(out.read_bytes()).hexdigest()
    assert told == "c26a78211096aeadc3c174a554365cf0aa1a25ec8c3d7e5a127f6e23b38aa1cb"
