from __future__ import annotations

import pytest

from rules.language.parser import Parser
from rules.match.compiled import ONCE, PACKET, STREAM, TRANSACTION, compile_rules


def ready(*rules: str):
    return compile_rules(Parser().text("\n".join(rules)).rules)


@pytest.mark.parametrize(
    ("rule", "kind"),
    [
        ('alert tcp any any -> any any (content:"abcd"; sid:1;)', STREAM),
        ('alert tcp-pkt any any -> any any (content:"abcd"; sid:1;)', PACKET),
        ('alert tcp any any -> any any (content:"abcd"; dsize:>5; sid:1;)', PACKET),
        ('alert http any any -> any any (http.uri; content:"abcd"; sid:1;)', TRANSACTION),
        ("alert http any any -> any any (sid:1;)", PACKET),
        ("alert ip 10.0.0.1 any -> any any (sid:1;)", ONCE),
        ("alert tcp any any -> any 22 (sid:1;)", ONCE),
        ("alert icmp any any -> any any (sid:1;)", ONCE),
        ("alert ip !10.0.0.1 any -> any any (sid:1;)", PACKET),
        ("alert ip $EXTERNAL_NET any -> any any (sid:1;)", PACKET),
        ("alert ip 10.0.0.1 any -> any any (flow:to_server; sid:1;)", PACKET),
    ],
)
def test_kinds(rule: str, kind: str):
    assert ready(rule)[0].kind == kind


@pytest.mark.parametrize(
    ("options", "literal"),
    [
        ('content:"abc"; content:"Longer";', b"longer"),
        ('content:"abc"; fast_pattern; content:"Longer";', b"abc"),
        ('content:"abc"; content:!"not this one";', b"abc"),
        ('content:"ab";', b""),
        ('http.host; dotprefix; content:".evil.example"; endswith;', b"evil.example"),
        ('http.uri; to_sha256; content:"abcdef"; http.method; content:"POST";', b"post"),
    ],
)
def test_the_literal_for_the_prefilter(options: str, literal: bytes):
    head = "http" if "http." in options else "tcp"
    assert ready(f"alert {head} any any -> any any ({options} sid:1;)")[0].literal == literal


UUID = "367abb81-9844-35f1-ad32-98f038001003"


@pytest.mark.parametrize(
    ("options", "kind", "texts"),
    [
        (f"dcerpc.iface:{UUID.upper()}; dcerpc.opnum:12;", "dcerpc.iface", (UUID.encode(),)),
        (f'dcerpc.iface:{UUID}; dcerpc.stub_data; content:"abcdef";', "dcerpc.iface", (UUID.encode(),)),
        ('http.uri; pcre:"/^\\/(Abc|defg)/i";', "http.uri", (b"/abc", b"/defg")),
        ('http.uri; content:"a"; pcre:"/(abc|defg)/";', "http.uri", (b"abc", b"defg")),
        ('http.uri; content:"long enough"; pcre:"/abcd/";', "http.uri", (b"long enough",)),
        ('http.uri; pcre:"/abcd|[0-9]/";', "", ()),
        ('http.uri; pcre:!"/abcd/";', "", ()),
        ('http.request_body; url_decode; pcre:"/abcd/";', "", ()),
    ],
)
def test_texts_of_which_one_must_be_there(options: str, kind: str, texts: tuple[bytes, ...]):
    protocol = "dcerpc" if "dcerpc" in options else "http"
    (compiled,) = ready(f"alert {protocol} any any -> any any ({options} sid:1;)")
    assert (compiled.literal_kind, compiled.alternatives) == (kind, texts)
    assert compiled.literal == (texts[0] if texts else b"")


def test_passes_come_first_then_who_sets_bits():
    order = [
        c.rule.sid
        for c in ready(
            "alert tcp any any -> any any (flowbits:isset,a; sid:1;)",
            "alert tcp any any -> any any (flowbits:set,a; sid:2;)",
            "pass tcp any any -> any any (sid:3;)",
            "drop tcp any any -> any any (sid:4;)",
        )
    ]
    assert order == [3, 4, 2, 1]


def test_what_can_never_match_is_left_out():
    assert ready("alert tcp any any -> any any (geoip:src,CN; sid:1;)") == []
