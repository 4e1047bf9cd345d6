from __future__ import annotations

from tests.rules.conftest import tcp, udp


def test_contents_then_all_that_is_left(sids):
    text = r"""
alert udp any any -> any any (content:"abc"; pcre:"/abc[0-9]/"; sid:1;)
alert udp any any -> any any (content:"abc"; ttl:1; sid:2;)
alert udp any any -> any any (content:"abc"; ipv4.hdr; content:"|11|"; offset:9; depth:1; sid:3;)
alert udp any any -> any any (content:"ab"; depth:2; sid:4;)
"""
    assert sids(text, [udp(b"abc1"), udp(b"xabc"), udp(b"ab")]) == [1, 3, 4, 3, 4]


def test_sizes_of_streams_are_asked_packet_by_packet(sids):
    text = 'alert tcp any any -> any any (stream_size:client,>,6; content:"cd"; sid:1;)'
    assert sids(text, tcp([(0, b"ab cd"), (0, b"cd")])) == [1]
