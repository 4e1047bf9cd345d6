from __future__ import annotations

from scapy.layers.inet import IP
from scapy.layers.l2 import Ether
from scapy.packet import Raw

from tests.rules.conftest import tcp


def test_decoder_events(sids):
    short = Ether() / IP(src="10.0.0.1", dst="10.0.0.2", proto=6) / Raw(b"\0" * 8)
    text = "alert pkthdr any any -> any any (decode-event:tcp.pkt_too_small; sid:1;)\n"
    text += "alert pkthdr any any -> any any (decode-event:udp.pkt_too_small; sid:2;)"
    assert sids(text, [short]) == [1]


def test_sizes_of_streams(sids):
    turns = [(0, b"a" * 100), (1, b"b" * 300)]
    text = "alert tcp any any -> any any (stream_size:server,>,300; flags:PA; sid:1;)\n"
    text += "alert tcp any any -> any any (stream_size:both,>,300; sid:2;)"
    assert sids(text, tcp(turns, dport=9999)) == [1]
