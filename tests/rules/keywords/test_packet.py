from __future__ import annotations

from rules.countries import NO_DATABASE
from rules.language.model import Flags, Number, StreamSize
from tests.rules.conftest import tcp
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


def test_calls_of_remote_procedures():
    assert read("rpc:100000,*,4;").numbers == [
        Number("rpc.program", 100000, 100000), Number("rpc.procedure", 4, 4),
    ]  # fmt: skip


def test_refused():
    assert refused("rpc:1,2,3,4;")
    assert refused("rpc:*;")
    assert "does not know" in refused("flags:Q;")
    assert "not within" in refused("ttl:300;")
    assert "comparison" in refused("stream_size:client,~,100;")
    assert "ipopts" in refused("ipopts:none;")
    assert "valid or invalid" in refused("ipv4-csum:wrong;")


def test_another_size_is_one_of_a_payload_that_is_there(sids):
    text = "alert tcp any any -> any any (dsize:!5; sid:1;)"
    assert sids(text, tcp([(0, b"12345"), (1, b"1234")])) == [1]
