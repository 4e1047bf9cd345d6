from __future__ import annotations

import pytest
from scapy.utils import wrpcap

from rules.language.parser import Parser
from rules.match.engine import Engine
from rules.match.explain import explain
from stream.matching import matched
from tests.rules.conftest import tcp, udp

WEB = tcp([
    (0, b"GET /a HTTP/1.1\r\nHost: a.example\r\n\r\n"), (1, b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"),
    (0, b"GET /admin HTTP/1.1\r\nHost: b.example\r\n\r\n"),
    (1, b"HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n"),
])  # fmt: skip


@pytest.fixture
def why(tmp_path):
    def explained(options, packets, protocol="http"):
        path = tmp_path / "a.pcap"
        wrpcap(str(path), packets)
        rule = Parser().text(f"alert {protocol} any any -> any any ({options} sid:1;)").rules[0]
        return explain(rule, matched(path, Engine([rule])))

    return explained


def test_the_nearest_transaction_and_where_it_failed(why):
    told = why('http.uri; content:"/admin"; http.host; content:"a.example";', WEB)
    assert told.told == ()
    steps = told.nearest.steps
    assert [step.met for step in steps] == [True] * 5 + [False]
    assert told.nearest.thing == "transaction"
    assert "b.example" in steps[-1].saw


def test_a_rule_that_told_meets_all(why):
    told = why('http.uri; content:"/admin";', WEB)
    assert len(told.told) == 1
    assert all(step.met for step in told.nearest.steps)


def test_packets_by_header_fields_and_contents(why):
    told = why('dsize:>5; content:"abc"; content:"x"; distance:0;', [udp(b"abcd"), udp(b"abcdefgh")], "udp")
    assert (told.nearest.frame, told.nearest.steps[-1].kind) == (2, "content")
    assert told.nearest.steps[-1].met is False
    assert why("dsize:>50;", [udp(b"abcd")], "udp").nearest.steps[-1].saw == "4"


def test_streams_that_are_cut(why):
    told = why('content:"AllWork"; content:"NoPlay";', tcp([(0, b"..All"), (0, b"Work..")]), "tcp")
    assert told.nearest.thing == "stream"
    assert [step.met for step in told.nearest.steps][-2:] == [True, False]
    assert why('content:"a";', [], "tcp").nearest is None
