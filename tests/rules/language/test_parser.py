from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rules.classes import CLASSES
from rules.keywords.registry import KEYWORDS
from rules.language.model import TO_CLIENT, TO_SERVER
from rules.language.parser import Parser, RuleSet

HEAD = "alert tcp any any -> any any "


def one(options: str, head: str = HEAD) -> RuleSet:
    return Parser(classes=CLASSES).text(f"{head}({options} sid:1;)")


def rule(options: str, head: str = HEAD):
    found = one(options, head)
    assert not found.rejected, found.rejected
    return found.rules[0]


def reason(options: str, head: str = HEAD) -> str:
    found = one(options, head)
    assert len(found.rejected) == 1
    return found.rejected[0].reason


def test_a_fault_names_its_place_and_keeps_nothing_else_back():
    text = (
        "# a comment\n\n"
        'alert tcp any any -> any any (msg:"fine"; sid:1;)\n'
        'alert tcp any any -> any any (msg:"bad"; contnet:"x"; sid:2;)\n'
        'alert tcp any any -> any any (\\\n  msg:"two lines"; \\\n  sid:3;)\n'
        "alert tcp $NOWHERE any -> any any (sid:4;)\n"
        "nonsense\n"
    )
    found = Parser().text(text, "x.rules")
    assert [r.sid for r in found.rules] == [1, 3]
    assert found.rules[1].line == 5
    assert [(r.file, r.line, r.column, r.sid) for r in found.rejected] == [
        ("x.rules", 4, 42, 2),
        ("x.rules", 8, 11, 4),
        ("x.rules", 9, 9, None),
    ]
    assert "contnet" in found.rejected[0].reason
    assert "$NOWHERE" in found.rejected[1].reason
    assert found.total == 5


def test_a_later_revision_takes_the_place_of_an_earlier_one():
    text = f"{HEAD}(sid:1; rev:1;)\n{HEAD}(sid:1; rev:2;)\n{HEAD}(sid:1; rev:2;)\n"
    found = Parser().text(text)
    assert [(r.sid, r.rev) for r in found.rules] == [(1, 2)]
    assert [r.line for r in found.rejected] == [1, 3]


def test_what_is_for_another_version_is_left_out_without_a_fault():
    found = Parser().text("alert nosuch any any -> any any (requires: version >= 10; sid:1;)\n")
    assert (found.left_out, found.rules, found.rejected) == (1, [], [])
    text = f'{HEAD}(requires: version >= 7.0.3 < 8 | >= 8.0.1, keyword content; sid:2; content:"x";)'
    assert len(Parser().text(text).rules) == 1


def test_old_style_modifiers_move_the_content():
    found = rule('content:"a"; http_uri; content:"b"; content:"c"; distance:0; http_header;')
    assert [check.kind for check in found.buffers] == ["http.uri", "payload", "http.header"]


def test_sticky_buffers_and_transforms():
    options = 'http.uri; content:"a"; from_base64: offset 3; content:"b"; file_data; content:"c"; pkt_data;'
    options += 'content:"d";'
    found = rule(options, "alert http any any -> any any ")
    assert [(c.kind, [t.name for t in c.transforms]) for c in found.buffers] == [
        ("http.uri", []), ("http.uri", ["from_base64"]), ("file.data", []), ("payload", []),
    ]  # fmt: skip


def test_class_gives_the_priority_unless_the_rule_does():
    assert rule("classtype:trojan-activity;").priority == 1
    assert rule("classtype:trojan-activity; priority:7;").priority == 7


def test_directions():
    assert rule("flow:established,from_server;").flow.direction == TO_CLIENT
    assert rule("flow:to_server,not_established;").flow.direction == TO_SERVER


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ('content:"abc"; depth:2;', "less than the content's"),
        ('content:"abc"; depth:3; within:5;', "cannot be mixed"),
        ('content:"abc"; startswith; offset:1;', "cannot be mixed"),
        ('content:!"abc"; depth:5; fast_pattern;', "negated"),
        ('content:"abc"; fast_pattern; content:"d"; fast_pattern;', "twice"),
        ('content:"|4|";', "odd number"),
        ('content:"|4x|";', "not hexadecimal"),
        ('content:"|41";', "not closed"),
        ("content:abc;", "double quotes"),
        ('content:"";', "empty"),
        ("nocase;", "needs a content"),
        ("http.uri;", "nothing to look for"),
        ('http.uri; content:"a"; http_header;', "after a sticky buffer"),
        ('pcre:"/(/";', "pcre"),
        ('pcre:"/a/K";', "flag"),
        ('pcre:"a";', "slashes"),
        ('content:"a"; distance:nowhere;', "no variable"),
        ("byte_test:2,~,3,0;", "comparison"),
        ("dsize:9<>3;", "backwards"),
        ("flow:to_server,to_client;", "exclude"),
        ("flowbits:set;", "name"),
        ("threshold:type limit, track by_src, count 1;", "takes"),
        ("threshold:type limit, track by_all, count 1, seconds 1;", "track"),
        ('http.host; content:"A.example";', "lower case"),
        ('http.uri; content:"a"; http.stat_code; content:"200";', "=>"),
        ('flow:to_client; http.uri; content:"a";', "never goes"),
        ('http.uri; content:"a"; tls.sni; content:"b";', "go together"),
        ("bsize:3;", "sticky buffer"),
        ('http.uri; content:"abcd"; bsize:3;', "no room"),
        ("sid:7;", "twice"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said(options: str, said: str):
    assert said in reason(options)


@pytest.mark.parametrize(
    ("head", "said"),
    [
        ("alert tcp any any any any ", "words"),
        ("shout tcp any any -> any any ", "action"),
        ("alert xyz any any -> any any ", "protocol"),
        ("alert tcp any any <- any any ", "direction"),
        ("alert tcp any 99999 -> any any ", "range of ports"),
        ("alert tcp !any any -> any any ", "!any"),
        ("alert tcp [10.0.0.0/8,!10.0.0.0/8] any -> any any ", "empty"),
        ("alert icmp any 80 -> any any ", "no ports"),
        ("alert tls any any -> any any ", "belongs to"),
    ],
)
def test_what_is_wrong_with_a_header(head: str, said: str):
    assert said in reason('http.uri; content:"a";' if "tls" in head else "", head)


@settings(max_examples=60)
@given(st.text(max_size=200))
def test_no_text_crashes_the_parser(text: str):
    Parser().text(text)
    Parser().text(f"{HEAD}({text} sid:1;)")


@settings(max_examples=150)
@given(st.sampled_from(sorted(KEYWORDS)), st.text(alphabet='abf019,:!<>=|"/ .-\\', max_size=24))
def test_no_value_crashes_a_keyword(keyword: str, value: str):
    found = Parser().text(f'{HEAD}(content:"abc"; {keyword}:{value}; sid:1;)\n')
    assert len(found.rules) + len(found.rejected) + found.left_out <= 1


def test_the_open_rules_are_all_understood(shared_data: Path):
    path = shared_data / "rules" / "et-300.rules"
    found = Parser(classes=CLASSES).files([path])
    assert found.rejected == []
    assert len(found.rules) == found.total == 300


def test_dns_over_https_is_both():
    found = Parser().text('alert doh2 any any -> any any (dns.opcode:0; http.host; content:"x"; sid:1;)\n')
    assert not found.rejected
    assert Parser().text('alert doh2 any any -> any any (ssh.proto; content:"x"; sid:1;)\n').rejected


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ('http.uri; content:"a";', "request and on the response"),
        ('content:"a";', "request and on the response"),
        ('flow:to_server; http.uri; content:"a"; http.stat_code; content:"200";', "no direction"),
        ('http.uri; content:"a"; http.stat_code; content:"2"; http.connection; content:"c";', "which way"),
    ],
)
def test_a_rule_on_both_sides_asks_something_of_both(options, said):
    found = Parser().text(f"alert http any any => any any ({options} sid:1;)")
    assert not found.rules
    assert said in found.rejected[0].reason
