from __future__ import annotations

import struct

from rules.countries import NO_DATABASE
from rules.language.model import Flags, Number, StreamSize
from tests.rules.conftest import tcp, udp
from tests.rules.keywords.reading import read, refused


def test_header_fields():
    rule = read(
        "ttl:<5; dsize:10<>20; flags:SA,CE; fragbits:+M; ip_proto:!tcp; stream_size:client,>,100;ipopts:rr;"
    )
    assert rule.numbers == [
        Number("ip.ttl", 0, 4), Number("dsize", 11, 19), Number("ip.proto", 6, 6, True),
        Number("ip.option", 7, 7),
    ]  # fmt: skip
    assert rule.flags == [Flags("tcp.flags", 18, "=", 192), Flags("ip.fragbits", 1, "+")]
    assert rule.stream_sizes == [StreamSize("client", ">", 100)]


def test_what_cannot_be_decided_is_said():
    asked = read("geoip:src,CN;")
    assert (asked.numbers, asked.cannot) == ([Number("geoip,src,CN", 1, 1)], [NO_DATABASE])
    assert read("geoip:!cn,RU;").numbers == [Number("geoip,any,!CN,RU", 1, 1)]
    for bad in ("geoip:;", "geoip:src;", "geoip:China;", "geoip:src,CN,!RU;"):
        assert refused(bad)


def test_calls_of_remote_procedures(sids):
    text = """
alert udp any any -> any any (rpc:100000; sid:1;)
alert udp any any -> any any (rpc:100000,2,3; sid:2;)
alert udp any any -> any any (rpc:100000,*,4; sid:3;)
alert udp any any -> any any (rpc:100000,3,*; sid:4;)
alert tcp any any -> any any (rpc:100003,3,*; sid:5;)
"""
    call = struct.pack(">10I", 7, 0, 2, 100000, 2, 3, 0, 0, 0, 0)
    answer = struct.pack(">10I", 7, 1, 2, 100000, 2, 3, 0, 0, 0, 0)
    framed = struct.pack(">11I", 1 << 31 | 40, 7, 0, 2, 100003, 3, 1, 0, 0, 0, 0)
    assert sids(text, [udp(call, dport=111), udp(answer, dport=111), udp(call[:20], dport=111)]) == [1, 2]
    assert sids(text, tcp([(0, framed)], dport=2049)) == [5]


def test_refused():
    assert refused("rpc:1,2,3,4;")
    assert refused("rpc:*;")
    assert "does not know" in refused("flags:Q;")
    assert "not within" in refused("ttl:300;")
    assert "comparison" in refused("stream_size:client,~,100;")
    assert "ipopts" in refused("ipopts:none;")
    assert "valid or invalid" in refused("ipv4-csum:wrong;")
