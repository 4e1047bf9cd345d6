from __future__ import annotations

from tests.rules.conftest import tcp

ASK = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"


def test_a_protocol_is_told_when_it_becomes_known(sids):
    text = """
alert tcp any any -> any any (app-layer-protocol:http; sid:1;)
alert tcp any any -> any any (app-layer-protocol:!http; sid:2;)
alert tcp any any -> any any (app-layer-protocol:http,to_server; flow:to_client; sid:3;)
"""
    scene = tcp([(0, ASK), (1, b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"), (0, ASK)])
    assert sorted(sids(text, scene)) == [1, 1, 3]


def test_each_direction_by_itself(sids):
    text = """
alert tcp any any -> any any (app-layer-protocol:http,to_server; app-layer-protocol:ssh,to_client; sid:1;)
alert tcp any any -> any any (app-layer-protocol:ssh,either; sid:2;)
alert tcp any any -> any any (app-layer-event:applayer_mismatch_protocol_both_directions; sid:3;)
"""
    scene = tcp([(0, ASK), (1, b"SSH-2.0-OpenSSH_9.0\r\n"), (1, b"more\r\n"), (0, b"x")], dport=22)
    assert set(sids(text, scene)) == {1, 2, 3}


def test_what_a_flow_went_over_to(sids):
    magic = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0\0\6\4\0\0\0\0\0\0\2\0\0\0\0"
    scene = tcp([
        (0, b"GET /x HTTP/1.1\r\nHost: a\r\nUpgrade: h2c\r\n\r\n"),
        (1, b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\n\r\n"), (0, magic),
        (1, magic[24:]), (0, magic[24:]),
    ])  # fmt: skip
    text = """
alert tcp any any -> any any (app-layer-protocol:http,original; app-layer-protocol:http2,final; sid:1;)
alert http2 any any -> any any (http.uri; content:"/x"; sid:2;)
"""
    assert set(sids(text, scene)) == {1, 2}
