from __future__ import annotations

import itertools

from rules.language.parser import Parser
from rules.match import sought
from rules.match.engine import Engine


def sids(engine: Engine, index: sought.Index) -> list[int]:
    return sorted(engine.rules[order].rule.sid for order in index.rules.tolist())


def test_rules_are_looked_for_where_they_can_agree():
    text = """
alert tcp-pkt any any -> any any (flow:to_server; content:"abcd"; depth:32; sid:1;)
alert tcp-pkt any any -> any any (flow:to_server; content:"abcd"; depth:33; sid:2;)
alert tcp-pkt any any -> any any (content:"abcd"; dsize:<20; sid:3;)
alert tcp any any -> any any (flow:to_client; content:"abcd"; sid:4;)
alert udp any any -> any any (content:"abcd"; depth:9; sid:5;)
alert tcp any any -> any any (content:"abcd"; depth:9; sid:6;)
alert tcp any any -> any any (flow:only_stream; content:"abcd"; depth:9; sid:7;)
"""
    engine = Engine(Parser().text(text).rules)
    assert sids(engine, engine.payload) == [1, 2, 3, 4, 5, 6, 7]
    told = [(a.direction, a.most, sids(engine, a.what)) for a in engine.beside_streams]
    assert [(way, found) for way, most, found in told if most == sought.NEAR] == [(0, [1, 3, 6]), (1, [3, 6])]
    assert [(way, found) for way, most, found in told if most != sought.NEAR] == [(0, [2]), (1, [])]
    assert [sids(engine, index) for index in engine.in_streams] == [[6, 7], [4, 6, 7]]


def test_indexes_as_one():
    one, two = sought.index([(b"abc", 5), (b"def", 6), (b"abc", 7)]), sought.index([(b"abc", 9)])
    every = sought.joined({"a": one, "b": two})
    assert every.begin == {"a": 0, "b": 2}
    first = every.first.tolist()
    assert [every.rules[a:b].tolist() for a, b in itertools.pairwise(first)] == [[5, 7], [6], [9]]


def test_few_headers_of_an_index_are_known(monkeypatch):
    text = "\n".join(
        f'alert tcp-pkt any any -> any {port} (flow:to_server; content:"abcd"; sid:{port};)'
        for port in (1, 2, 2 << 4)
    )
    rules = Parser().text(text).rules
    engine = Engine(rules)
    heads = {(a.direction, a.most): a.heads for a in engine.beside_streams}
    assert heads[0, sought.ANYWHERE] == tuple(sorted({c.head for c in engine.rules}))
    assert heads[0, sought.NEAR] == heads[1, sought.ANYWHERE] == ()
    monkeypatch.setattr(sought, "FEW", 2)
    assert {a.heads for a in Engine(rules).beside_streams} == {(), None}
