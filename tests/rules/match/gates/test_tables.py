from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from citywall.addresses import to_words
from rules.language.addresses import holds
from rules.language.model import Rule
from rules.language.parser import Parser
from rules.match.compiled import ONCE, Compiled, compile_rules
from rules.match.gates.tables import Answers, Ends, Gates

Some = tuple[str, int, str, int, int]  # source, port, target, port, protocol


def ends_of(some: list[Some], heads: int, answers: Answers | None = None) -> Ends:
    words = [(*to_words(s), *to_words(t)) for s, _, t, _, _ in some]
    numbers = [(sp, tp, protocol, 6 if ":" in s else 4, 1) for s, sp, _, tp, protocol in some]
    return Ends(
        heads, np.array(words, np.uint64).reshape(-1, 4).T.copy(),
        np.array(numbers, np.int64).reshape(-1, 5).T.copy(), np.arange(len(some)),
        answers=answers,
    )  # fmt: skip


def compiled(*heads: str) -> list[Compiled]:
    return compile_rules(
        Parser().text("\n".join(f"alert {h} (sid:{i};)" for i, h in enumerate(heads, 1))).rules
    )


def agrees(head: str, some: Some) -> bool:
    rules = compiled(head)
    gates = Gates(rules)
    return bool(gates.agree(rules[0].head, ends_of([some], len(gates)))[0])


def oracle(rule: Rule, protocols: set[int], some: Some) -> bool:
    """A header against endpoints, as its words say."""

    def way(source: str, sport: int, target: str, tport: int) -> bool:
        sides = ((rule.source, source), (rule.target, target))
        ports = ((rule.source_ports, sport), (rule.target_ports, tport))
        return all(holds(ranges, (w := to_words(a))[0] << 64 | w[1]) for ranges, a in sides) and all(
            any(low <= port <= high for low, high in ranges) for ranges, port in ports
        )

    source, sport, target, tport, protocol = some
    if protocols and protocol not in protocols:
        return False
    return way(source, sport, target, tport) or (rule.both_ways and way(target, tport, source, sport))


def test_headers():
    there = ("10.0.0.1", 4000, "198.51.100.7", 80, 6)
    assert agrees("tcp $HOME_NET any -> $EXTERNAL_NET 80", there)
    assert not agrees("tcp $EXTERNAL_NET any -> $HOME_NET 80", there)
    assert agrees("tcp $EXTERNAL_NET 80 <> $HOME_NET any", there)
    assert not agrees("udp any any -> any any", there)
    assert not agrees("tcp any any -> any [1:79,81:]", there)
    assert agrees("ipv4 any any -> any any", there)
    assert not agrees("ipv6 any any -> any any", there)
    six = ("2001:db8::1", 0, "2001:db8::2", 0, 58)
    assert agrees("icmp any any -> any any", six)
    assert agrees("ip 2001:db8::/64 any -> 2001:db8::2 any", six)
    assert not agrees("ip 2001:db8::/64 any -> 2001:db8::3 any", six)


def test_equal_headers_are_one():
    assert (
        len(Gates(compiled("tcp any any -> any 80", "tcp any any -> any 80", "udp any any -> any 80"))) == 2
    )


ADDRESSES = st.integers(0, 12).map(lambda n: f"10.0.0.{n}") | st.integers(0, 3).map(
    lambda n: f"2001:db8::{n}"
)
PORTS = st.integers(0, 5)
SOME = st.tuples(ADDRESSES, PORTS, ADDRESSES, PORTS, st.sampled_from([1, 6, 17]))
LISTS = st.one_of(
    st.just("any"),
    st.lists(st.one_of(ADDRESSES, st.just("10.0.0.4/30"), st.just("!10.0.0.9")), min_size=1, max_size=4)
    .filter(lambda parts: any(not p.startswith("!") for p in parts))
    .map(lambda parts: f"[{','.join(parts)}]"),
)
PORT_LISTS = st.sampled_from(["any", "1", "[1,3:4]", "!2", "2:"])
HEADS = st.tuples(
    st.sampled_from(["ip", "tcp", "udp"]), LISTS, PORT_LISTS, st.sampled_from(["->", "<>"]), LISTS, PORT_LISTS
).map(" ".join)


@settings(max_examples=40)
@given(st.lists(HEADS, min_size=1, max_size=6), st.lists(SOME, min_size=1, max_size=8))
def test_headers_against_what_their_words_say(heads, some):
    found = Parser().text("\n".join(f"alert {h} (sid:{i};)" for i, h in enumerate(heads, 1)))
    rules = compile_rules(found.rules)
    gates = Gates(rules)
    ends = ends_of(some, len(gates))
    protocols = {"ip": set(), "tcp": {6}, "udp": {17}}
    wanted = {
        (i, c.order)
        for c in rules
        for i, s in enumerate(some)
        if oracle(c.rule, protocols[c.rule.protocol], s)
    }
    assert {(i, c.order) for c in rules for i in np.flatnonzero(gates.agree(c.head, ends))} == wanted
    again = ends_of(some, len(gates))
    assert {(i, c.order) for c in rules for i in range(len(some)) if gates.agrees(c.head, i, again)} == wanted
    # those about addresses alone, looked up
    told, orders = gates.once(np.arange(len(some)), ends_of(some, len(gates)))
    broad = {c.order for c in gates.broad}
    once = {c.order for c in rules if c.kind == ONCE}
    assert set(zip(told.tolist(), orders.tolist(), strict=True)) == {
        (i, o) for i, o in wanted if o in once - broad
    }


def test_what_was_known_of_others_is_not_taken_for_known():
    """The same room, some hundred times, for endpoints that agree and for others."""
    rules = compiled("tcp 10.0.0.0/8 any -> any any", "udp any any -> any 53", "tcp any any <> any 80")
    gates, answers = Gates(rules), Answers()
    dice = np.random.default_rng(5)
    for _ in range(200):
        some = [
            (
                f"{dice.integers(9, 12)}.0.0.1",
                1,
                "1.2.3.4",
                int(dice.choice([53, 80])),
                int(dice.choice([6, 17])),
            )
            for _ in range(dice.integers(0, 6))
        ]
        kept, own = ends_of(some, len(gates), answers), ends_of(some, len(gates))
        for rule in rules:
            for end in range(len(some)):
                assert gates.agrees(rule.head, end, kept) == gates.agrees(rule.head, end, own)
                assert gates.agrees(rule.head, end, kept) == gates.agrees(rule.head, end, own)  # from memory
            assert gates.agree(rule.head, kept).tolist() == gates.agree(rule.head, own).tolist()


@given(st.lists(SOME, min_size=1, max_size=4), st.data())
def test_headers_are_held_to_the_directions_of_a_flow_as_far_as_they_are_known(some, data):
    rules = compiled(
        "tcp 10.0.0.0/30 any -> any 1:3", "udp any any <> any 2", "ip 10.0.0.4/30 any -> any any"
    )
    gates, ends = Gates(rules), ends_of(some, 3)
    sides = data.draw(st.lists(st.integers(-1, len(some) - 1), min_size=4, max_size=4))
    ends.of_side = np.array(sides, np.int64)
    ways = np.array(data.draw(st.lists(st.integers(0, 3), min_size=3, max_size=3)), np.int64)
    pairs = [(rule.order, flow) for rule in rules for flow in (0, 1)]
    orders, flows = np.array(pairs, np.int64).T
    asked = ends_of(some, 3)

    def agrees_with(order: int, side: int) -> bool:
        return side < 0 or gates.agrees(rules[order].head, side, asked)

    assert gates.open_to(orders, flows, ways, ends).tolist() == [
        any(agrees_with(order, sides[2 * flow + d]) for d in (0, 1) if ways[order] >> d & 1)
        for order, flow in pairs
    ]
