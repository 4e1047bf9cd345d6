from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from citywall.addresses import to_words
from rules.language.addresses import MAPPED, holds, merge
from rules.language.parser import Parser
from rules.match.compiled import compile_rules
from rules.match.heads import Addresses, Ends, Heads


def ends(source: str, sport: int, target: str, dport: int, protocol: int = 6, version: int = 4) -> Ends:
    a, b = to_words(source), to_words(target)
    numbers = [np.array([n], np.int64) for n in (sport, dport, protocol, version)]
    words = [np.array([n], np.uint64) for n in (*a, *b)]
    return Ends(words[0], words[1], numbers[0], words[2], words[3], numbers[1], numbers[2], numbers[3])


def agrees(head: str, of: Ends) -> bool:
    rules = compile_rules(Parser().text(f"alert {head} (sid:1;)").rules)
    return bool(Heads(rules).agree(rules[0].head, of)[0])


def test_headers():
    there = ends("10.0.0.1", 4000, "198.51.100.7", 80)
    assert agrees("tcp $HOME_NET any -> $EXTERNAL_NET 80", there)
    assert not agrees("tcp $EXTERNAL_NET any -> $HOME_NET 80", there)
    assert agrees("tcp $EXTERNAL_NET 80 <> $HOME_NET any", there)
    assert not agrees("udp any any -> any any", there)
    assert not agrees("tcp any any -> any [1:79,81:]", there)
    assert agrees("ipv4 any any -> any any", there)
    assert agrees("icmp any any -> any any", ends("2001:db8::1", 0, "2001:db8::2", 0, 58, 6))
    assert not agrees(
        "ip 2001:db8::/64 any -> 2001:db8::3 any", ends("2001:db8::1", 0, "2001:db8::2", 0, 58, 6)
    )


def test_equal_headers_are_one():
    heads = ("tcp any any -> any 80", "tcp any any -> any 80", "udp any any -> any 80")
    text = "\n".join(f"alert {head} (sid:{n};)" for n, head in enumerate(heads, 1))
    assert len(Heads(compile_rules(Parser().text(text).rules))) == 2


NUMBERS = st.integers(0, 40).map(lambda n: MAPPED + n)


@settings(max_examples=60)
@given(
    st.lists(st.tuples(NUMBERS, NUMBERS).map(sorted).map(tuple), max_size=4), st.lists(NUMBERS, min_size=1)
)
def test_sets_of_addresses(ranges, numbers):
    merged = merge(ranges)
    lo = np.array(numbers, np.uint64)
    found = Addresses(merged).hold(np.zeros(len(lo), np.uint64), lo)
    assert found.tolist() == [holds(merged, n) for n in numbers]
