from __future__ import annotations

import numpy as np
import pytest
from scapy.layers.inet import IP, TCP, UDP, fragment
from scapy.layers.inet6 import IPv6, IPv6ExtHdrFragment, IPv6ExtHdrHopByHop, fragment6
from scapy.layers.l2 import GRE, Dot1Q, Ether
from scapy.layers.vxlan import VXLAN
from scapy.packet import Raw

from tests.rules.conftest import ping


@pytest.mark.parametrize(
    ("options", "answer"),
    [
        ("seq:7;", 1), ("ack:9;", 1), ("window:512;", 1), ("id:77;", 1), ("tos:8;", 1), ("ttl:33;", 1),
        ("tcp.mss:1400;", 1), ("tcp.wscale:5;", 1), ("tcp.mss:>1400;", 0), ("flags:S;", 1), ("flags:+SA;", 0),
        ("flags:!A;", 1), ("fragbits:D;", 1), ("sameip;", 0), ("ipopts:nop;", 0), ("fragoffset:0;", 1),
        ('tcp.hdr; content:"|00 00 00 07|"; offset:4; depth:4;', 1), ("ip_proto:6;", 1), ("dsize:0;", 1),
    ],
)  # fmt: skip
def test_header_fields_of_tcp(sids, options: str, answer: int):
    packet = Ether() / IP(src="10.0.0.1", dst="10.0.0.2", id=77, tos=8, ttl=33, flags="DF") / TCP(
        flags="S", seq=7, ack=9, window=512, options=[("MSS", 1400), ("WScale", 5)]
    )  # fmt: skip
    assert len(sids(f"alert tcp any any -> any any ({options} sid:1;)", [packet])) == answer


def test_a_fragment_of_tcp_has_no_options(sids):
    packet = (
        Ether()
        / IP(src="10.0.0.1", dst="10.0.0.2")
        / TCP(flags="S", options=[("MSS", 1400)])
        / Raw(bytes(40))
    )
    pieces = [Ether() / piece for piece in fragment(packet[IP], 8)]
    text = "alert tcp any any -> any any (tcp.mss:1400; sid:1;)\n"
    text += "alert ip any any -> any any (tcp.mss:<9; sid:2;)"
    assert sids(text, pieces[:1] + pieces[2:]) == []
    assert sids(text, pieces) == [1]


def test_behind_ipv6_extension_headers(sids):
    packet = (
        Ether()
        / IPv6(src="2001:db8::1", dst="2001:db8::2", hlim=9)
        / IPv6ExtHdrHopByHop()
        / TCP(seq=5, flags="S")
    )
    text = "alert tcp any any -> any any (seq:5; ttl:9; sid:1;)\nalert ipv4 any any -> any any (sid:2;)"
    assert sids(text, [packet]) == [1]


def test_fields_of_icmp(sids):
    text = "alert icmp any any -> any any (icmp_id:7; icmp_seq:3; sid:1;)"
    assert sids(text, [ping(3), ping(4)]) == [1]


NEEDLE = Raw(b"a" * 1190 + b"a needle in fragments" + b"b" * 900)


@pytest.mark.parametrize("backwards", [False, True])
def test_what_lies_across_fragments_is_found(alerts, backwards: bool):
    text = 'alert udp any any -> any 53 (content:"needle in fragments"; offset:1190; sid:1;)\n'
    text += "alert ip any any -> any any (fragbits:M; sid:2;)"
    four = fragment(IP(src="10.0.0.1", dst="10.0.0.2") / UDP(sport=9, dport=53) / NEEDLE, 1200)
    whole = (
        IPv6(src="2001:db8::1", dst="2001:db8::2") / IPv6ExtHdrFragment() / UDP(sport=9, dport=53) / NEEDLE
    )
    six = fragment6(whole, 1280)
    for pieces, more in ((four, True), (six, False)):
        packets = [Ether(bytes(Ether() / p)) for p in (pieces[::-1] if backwards else pieces)]
        found = [(a.rule.sid, a.frame) for a in alerts(text, packets)]
        assert (1, len(packets)) in found
        assert [sid for sid, _ in found].count(1) == 1
        assert ((2, 1) in found) is (more and not backwards)


def test_what_travels_in_a_tunnel_is_found(sids):
    inner = IP(src="10.1.0.1", dst="10.1.0.2") / UDP(sport=9, dport=53) / Raw(b"needle")
    text = 'alert udp 10.1.0.1 any -> 10.1.0.2 53 (content:"needle"; vxlan_vni:77; sid:1;)\n'
    text += 'alert udp 10.1.0.1 any -> 10.1.0.2 53 (content:"needle"; vlan.layers:0; sid:2;)\n'
    text += 'alert udp 10.1.0.1 any -> 10.1.0.2 53 (content:"needle"; vlan.id:9; sid:3;)'
    outer = IP(src="192.0.2.1", dst="192.0.2.2")
    packet = Ether() / outer / UDP(dport=4789) / VXLAN(vni=77, flags=8) / Ether() / inner
    assert sids(text, [packet]) == [1, 2]
    assert sids(text, [Ether() / Dot1Q(vlan=9) / outer / GRE() / inner]) == [3]


def test_only_packet_rows_make_a_scene():
    from rules.match.scene import Names, Scene

    with pytest.raises(ValueError, match="PACKET"):
        Scene(np.zeros(1, np.int64), np.zeros(1, np.uint8), None, Names((), (), (), ()))
