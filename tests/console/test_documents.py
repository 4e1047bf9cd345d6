from __future__ import annotations

from typing import Any

from console import documents
from console.documents import Alert


def test_values_are_found_nested_and_flat():
    assert documents.value({"a": {"b": 1}}, "a.b") == 1
    assert documents.value({"a.b": 2}, "a.b") == 2
    assert documents.value({"a": 3}, "a.b") is None
    assert documents.value({}, "a") is None


def test_words_are_safe_to_print():
    assert documents.words({"a": ["x", "\x1b[2J"]}, "a") == "x, \\x1b[2J"
    assert documents.words({}, "a") == ""


def test_numbers_that_are_none():
    assert documents.number({"a": "12"}, "a") == 12
    assert documents.number({"a": [7, 8]}, "a") == 7
    assert [documents.number({"a": bad}, "a") for bad in ("x", None, [], {})] == [0, 0, 0, 0]


def test_alert_in_both_languages(make_alert: Any):
    english, chinese = Alert.of(make_alert(), "en"), Alert.of(make_alert(), "zh")
    assert (english.title, chinese.title) == ("Port scan", "端口扫描")
    assert (english.source, english.target) == ("10.0.0.5", "10.0.1.0/24")
    assert (english.count, english.severity, english.session) == (3, 4, "s1")
    assert english.first == "2024-05-01T12:00:01.000000000Z"
    assert english.time == "2024-05-01T12:00:03.000000000Z"


def test_a_kind_that_has_a_name_of_its_own_is_the_title(make_alert: Any):
    document = make_alert(rule="flood")
    document["event"]["action"] = "syn_flood"
    assert (Alert.of(document, "en").title, Alert.of(document, "zh").title) == ("SYN flood", "SYN 洪泛")


def test_an_empty_document_is_shown_all_the_same():
    bare = Alert.of({}, "en")
    assert (bare.title, bare.source, bare.severity, bare.count) == ("", "", 0, 1)


def test_sides():
    assert (
        documents.side({"source": {"address": "2001:db8::1", "port": 53}}, "source", "en")
        == "[2001:db8::1]:53"
    )
    assert documents.side({"source": {"address": "10.0.0.1", "port": 53}}, "source", "en") == "10.0.0.1:53"
    in_domain = {"source": {"address": "10.0.0.5"}, "citywall": {"source": {"domain": "vlan 12"}}}
    assert documents.side(in_domain, "source", "en") == "10.0.0.5 (vlan 12)"
    many = {"citywall": {"sources": {"count": 37623, "exact": False, "sample": ["192.0.2.1"]}}}
    assert documents.side(many, "source", "en") == "~37,623 hosts"
    assert documents.side(many, "source", "zh") == "~37,623 台主机"
    one = {"citywall": {"sources": {"count": 1, "exact": True, "sample": ["192.0.2.1"]}}}
    assert documents.side(one, "source", "en") == "192.0.2.1"
    assert documents.side({"source": {"mac": "AA-BB-CC-DD-EE-FF"}}, "source", "en") == "AA-BB-CC-DD-EE-FF"


def test_hosts_are_those_named_else_those_listed():
    named = {
        "destination": {"address": "10.0.0.1", "ip": "10.0.0.1", "mac": "AA-BB-CC-DD-EE-FF"},
        "citywall": {"targets": {"sample": ["10.9.9.9"]}},
    }
    assert documents.hosts(named, "destination") == ["10.0.0.1", "AA-BB-CC-DD-EE-FF"]
    listed = {"citywall": {"sources": {"sample": ["192.0.2.1", "192.0.2.2"]}}}
    assert documents.hosts(listed, "source") == ["192.0.2.1", "192.0.2.2"]
    assert documents.hosts({}, "source") == []
