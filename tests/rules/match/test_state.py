from __future__ import annotations

import pytest

from rules.language.model import Limit
from rules.language.parser import Parser
from rules.match.state import Memory, Where

SECOND = 1_000_000_000


def rule(options: str):
    return Parser().text(f"alert tcp any any -> any any ({options} sid:1;)").rules[0]


def at(seconds: float, flow: int = 1, source: int = 10, target: int = 20) -> Where:
    return Where(flow, source, target, int(seconds * SECOND))


def test_bits_of_flows_hosts_and_pairs():
    memory = Memory()
    memory.change(rule("flowbits:set,a; xbits:set,b,track ip_pair,expire 5; hostbits:set,c,dst;"), at(0))
    assert memory.agrees(rule("flowbits:isset,x|a;"), at(1))
    assert not memory.agrees(rule("flowbits:isset,a;"), at(1, flow=2))
    assert memory.agrees(rule("xbits:isset,b,track ip_pair;"), at(5, source=20, target=10))
    assert not memory.agrees(rule("xbits:isset,b,track ip_pair;"), at(6))
    assert memory.agrees(rule("hostbits:isset,c,src;"), at(1, source=20, target=5))
    memory.change(rule("flowbits:toggle,a;"), at(2))
    assert memory.agrees(rule("flowbits:isnotset,a;"), at(3))


def test_bits_of_flows_alone_stand_as_rules_agree():
    memory = Memory()
    memory.change(rule("flowbits:set,a; flowbits:isset,c;"), at(0))
    memory.bits["flow", 1, "b"] = 5 * SECOND  # until then
    for options in (
        "isset,a",
        "isset,a|x",
        "isset,x|b",
        "isset,x",
        "isnotset,a",
        "isnotset,x",
        "isnotset,x|b",
    ):
        for flow, now in ((1, 1), (2, 1), (1, 6)):
            demand = rule(f"flowbits:{options};")
            asked = [(bits.op == "isset", bits.names) for bits in demand.bits]
            expected = memory.agrees(demand, at(now, flow=flow))
            assert memory.stand(asked, flow, now * SECOND) is expected, (options, flow, now)
    assert ("flow", 1, "c") not in memory.bits


def test_numbers_of_flows():
    memory = Memory()
    assert memory.agrees(rule("flowint:n,notset;"), at(0))
    assert not memory.agrees(rule("flowint:n,<,5;"), at(0))
    for _ in range(3):
        memory.change(rule("flowint:n,+,2;"), at(0))
    assert memory.agrees(rule("flowint:n,==,6;"), at(0))
    memory.change(rule("flowint:m,=,n;"), at(0))
    assert memory.agrees(rule("flowint:m,>=,n; flowint:m,isset;"), at(0))


@pytest.mark.parametrize(
    ("kind", "count", "told"),
    [
        ("limit", 2, [1, 1, 0, 0, 1, 1]),
        ("threshold", 2, [0, 1, 0, 1, 0, 1]),
        ("both", 2, [0, 1, 0, 0, 0, 1]),
        ("detection_filter", 2, [0, 0, 1, 1, 0, 0]),
    ],
)
def test_limits(kind: str, count: int, told: list[int]):
    memory, limit = Memory(), Limit(kind, "by_src", count, 10)
    assert [int(memory.tells(1, limit, at(t))) for t in (0, 1, 2, 3, 20, 21)] == told


def test_a_backoff_tells_ever_more_seldom():
    memory, limit = Memory(), Limit("backoff", "by_flow", 1, 0, 3)
    assert [n for n in range(1, 30) if memory.tells(1, limit, at(n))] == [1, 3, 9, 27]


@pytest.mark.parametrize("track", ["by_src", "by_dst", "by_both", "by_rule", "by_flow"])
def test_what_is_tracked(track: str):
    memory, limit = Memory(), Limit("limit", track, 1, 60)
    assert memory.tells(1, limit, at(0))
    assert not memory.tells(1, limit, at(1))
    assert memory.tells(1, limit, at(1, flow=2, source=11, target=21)) is (track != "by_rule")


def test_memory_is_bounded():
    memory = Memory(most=3)
    for flow in range(9):
        memory.change(rule("flowbits:set,a; flowint:n,+,1;"), at(0, flow=flow))
        memory.tells(flow, Limit("limit", "by_flow", 1, 60), at(0, flow=flow))
    assert (len(memory.bits), len(memory.numbers), len(memory.counts)) == (3, 3, 3)
