from __future__ import annotations

from tests.rules.conftest import SERVER, tcp, udp


def test_where_a_match_was(alerts):
    text = 'alert udp any any -> any any (content:"abc"; sid:1;)'
    (found,) = alerts(text, [udp(b"xyz"), udp(b"abc", back=True)])
    assert (found.frame, found.direction, found.transaction, found.action) == (2, 1, -1, "alert")


def test_protocols_are_known_only_once_they_spoke(sids):
    turns = [(0, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"), (1, b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")]
    text = f"""
alert tcp any any -> {SERVER} any (app-layer-protocol:http; flags:S; sid:1;)
alert tcp any any -> {SERVER} any (app-layer-protocol:http; flags:FA; sid:2;)
alert tcp any any -> {SERVER} any (app-layer-protocol:!http; flags:FA; sid:3;)
alert tcp any any -> any any (flow:not_established; flags:S; sid:4;)
alert tcp any any -> any any (flow:established; flags:S; sid:5;)
"""
    assert sids(text, tcp(turns)) == [4, 2]
