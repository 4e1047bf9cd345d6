from __future__ import annotations

import pytest

from rules.flowlogs.answering import caseless, literal_of, why_not
from rules.language.parser import Parser


def rule(head: str, options: str):
    return Parser().rule(f'alert {head} (msg:"m"; {options} sid:1;)')


@pytest.mark.parametrize(
    ("head", "options"),
    [
        ("ip [203.0.113.0/24] any -> any any", "threshold:type limit,track by_src,count 1,seconds 60;"),
        ("tcp any any -> any 23", "flow:to_server,established; flowbits:set,x;"),
        ("dns any any -> any any", 'dns.query; dotprefix; content:".evil.example"; endswith; nocase;'),
        ("tls any any -> any any", 'tls.sni; content:"evil.example"; bsize:12;'),
        (
            "http any any -> any any",
            'http.method; content:"POST"; http.uri; content:"/Gate.php"; pcre:"/x$/";',
        ),
    ],
)
def test_what_flow_logs_can_answer(head: str, options: str):
    assert why_not(rule(head, options)) == ""


@pytest.mark.parametrize(
    ("head", "options", "reason"),
    [
        ("tcp any any -> any any", 'content:"abc";', "payload"),
        ("tcp any any -> any any", "flags:S;", "fields or events"),
        ("tcp any any -> any any", "flowbits:isset,x;", "flowbits"),
        ("tcp any any -> any any", "noalert; flowbits:set,x;", "noalert"),
        (
            "tcp any any -> any any",
            "threshold:type threshold,track by_src,count 5,seconds 60;",
            "counts packets",
        ),
        ("http any any -> any any", 'http.header; content:"abc";', "no http.header"),
        ("http any any -> any any", 'http.uri; content:"abc"; endswith;', "beginning"),
        ("http any any -> any any", 'http.uri; content:"ab";', "long enough"),
        ("dns any any -> any any", "", "application protocol alone"),
        ("tcp any any -> any any", "app-layer-protocol:http;", "application layers"),
        ("tls any any -> any any", 'tls.sni; to_md5; content:"abcd";', "transforms"),
        ("dns any any -> any any", 'dns.query; content:"abc"; isdataat:5,relative;', "numbers or lengths"),
    ],
)
def test_why_flow_logs_cannot(head: str, options: str, reason: str):
    assert reason in why_not(rule(head, options))


def test_a_rule_that_lets_pass():
    assert "pass" in why_not(Parser().rule("pass ip any any -> any any (sid:1;)"))


def test_texts_are_kept_in_lower_case():
    found = rule(
        "http any any -> any any",
        'http.uri; content:"/Ab"; content:"/Longer"; http.method; content:"OPTIONS";',
    )
    literal = literal_of(found)
    assert literal is not None
    assert literal[1] == b"/longer"
    assert all(op.nocase for op in caseless(found.buffers[0]).ops)  # type: ignore[union-attr]
