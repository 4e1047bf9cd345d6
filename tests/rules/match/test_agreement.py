from __future__ import annotations

from rules.language.parser import Parser
from rules.match.agreement import conditions_of
from rules.match.compiled import compile_rules


def test_rules_that_demand_the_same_share_what_is_found():
    text = """
alert tcp any any -> any 80 (flow:established,to_server; ttl:>5; content:"abc"; sid:1;)
alert tcp any 99 -> any any (flow:established,to_server; ttl:>5; content:"other"; sid:2;)
alert tcp any any -> any any (flow:established,to_server; ttl:>6; content:"abc"; sid:3;)
alert tcp any any -> any any (flow:established,to_server; ttl:>5; flags:S; content:"abc"; sid:4;)
"""
    keys = {c.rule.sid: conditions_of(c) for c in compile_rules(Parser().text(text).rules)}
    assert keys[1] == keys[2]
    assert len({keys[1], keys[3], keys[4]}) == 3
