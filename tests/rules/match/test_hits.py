from __future__ import annotations

import numpy as np

from rules.language.parser import Parser
from rules.match.compiled import compile_rules
from rules.match.hits import Parts, speaks, spread
from tests.rules.conftest import tcp

HTTP = [(0, b"GET /a?needle=1 HTTP/1.1\r\nHost: needle.example\r\nUser-Agent: ab\r\n\r\n"),
        (1, b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")]  # fmt: skip


def test_rules_are_of_the_protocols_that_they_name():
    text = 'alert http any any -> any any (http.uri; content:"abc"; sid:1;)\n'
    text += 'alert tcp any any -> any any (http.uri; content:"abc"; sid:2;)'
    text += '\nalert tcp any any -> any any (http.uri; content:"a"; sid:3;)\n'
    text += 'alert tcp any any -> any any (content:"needle"; http.uri; bsize:3; sid:4;)'
    rules = compile_rules(Parser().text(text).rules)
    told = {c.rule.sid: speaks(rules, ("http", "dns"))[c.order].tolist() for c in rules}
    assert told == {1: [True, False], 2: [True, True], 3: [True, False], 4: [True, False]}
    assert np.array(speaks([], ("http",))).shape == (0, 1)


def test_literals_lead_to_rules_and_contents_decide(sids):
    text = """
alert http any any -> any any (http.uri; content:"needle"; offset:3; sid:1;)
alert http any any -> any any (http.uri; content:"needle"; startswith; sid:2;)
alert http any any -> any any (http.host; content:"needle"; http.uri; content:"/a"; sid:3;)
alert dns any any -> any any (dns.query; content:"needle"; sid:4;)
alert tcp any any -> any any (http.host; content:"needle"; pcre:"/^needle\\.ex/"; sid:5;)
"""
    assert sorted(sids(text, tcp(HTTP))) == [1, 3, 5]


def test_rules_without_a_literal_are_looked_for_where_they_can_be(sids):
    text = """
alert http any any -> any any (http.user_agent; content:"ab"; sid:1;)
alert http any any -> any any (http.user_agent; content:"xy"; sid:2;)
alert http any any -> any 81 (http.user_agent; content:"ab"; sid:3;)
alert http any any -> any any (http.user_agent; content:!"xy"; bsize:2; sid:4;)
alert http any any -> any any (http.stat_code; content:"20"; sid:5;)
"""
    assert sorted(sids(text, tcp(HTTP))) == [1, 4, 5]


def test_ranges_are_spread_out_in_order():
    numbers, which = spread(np.array([3, 7, 7]), np.array([5, 7, 9]))
    assert (numbers.tolist(), which.tolist()) == ([3, 4, 7, 8], [0, 0, 2, 2])
    assert [len(some) for some in spread(np.zeros(0, np.int64), np.zeros(0, np.int64))] == [0, 0]


def test_parts_are_what_a_rule_demands_beside_its_literal():
    text = 'alert http any any -> any any (http.host; content:"needle"; http.uri; content:"/a"; sid:1;)\n'
    text += 'alert tcp any any -> any any (content:"abc"; sid:2;)'
    rules = compile_rules(Parser().text(text).rules)
    programs = {c.order: tuple(range(7, 7 + len(c.checks))) for c in rules if c.checks}
    parts = Parts.of(rules, programs)
    (order,) = programs
    part = slice(parts.first[order], parts.first[order + 1])
    assert [parts.names[kind] for kind in parts.kinds[part]] == ["http.uri"]
    assert len(parts.programs) == 1
    assert rules[order].checks[parts.programs[part][0] - 7].demand.kind == "http.uri"


def test_every_further_buffer_must_agree_and_one_of_several_is_enough(sids):
    host = 'alert http any any -> any any (http.host; content:"needle"; '
    rules = [
        'http.uri; content:"/b";', 'http.cookie; content:"a";',
        'http.request_header; content:": ab"; endswith;', 'http.cookie; content:!"a";',
        'http.uri; content:"/A"; nocase;',
    ]  # fmt: skip
    told = sids("".join(f"{host}{rule} sid:{i};)\n" for i, rule in enumerate(rules, 1)), tcp(HTTP))
    assert sorted(told) == [3, 5]


def test_transactions_are_held_to_rules_of_the_ends_of_their_own_connection(sids):
    way = "any -> any"
    text = f"""
alert http any {way} 80 (http.uri; content:"needle"; sid:1;)
alert http any {way} 81 (http.uri; content:"needle"; sid:2;)
alert http any 80 -> any any (http.uri; content:"needle"; sid:3;)
alert http any 80 -> any any (http.stat_code; content:"200"; sid:4;)
alert http any 80 <> any any (http.uri; bsize:>3; sid:5;)
alert http any {way} 81 (http.uri; bsize:>3; sid:6;)
"""
    assert sorted(sids(text, tcp(HTTP))) == [1, 4, 5]
    assert sorted(sids(text, [*tcp(HTTP, dport=81), *tcp(HTTP, sport=40001)])) == [1, 2, 4, 5, 6]
