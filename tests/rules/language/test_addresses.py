from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from citywall.errors import RuleFault
from rules.language.addresses import ALL_ADDRESSES, MAPPED, Lists, holds, merge, subtract

LISTS = Lists(
    {"HOME": "[10.0.0.0/8,!10.1.0.0/16]", "OUT": "!$HOME", "SELF": "$SELF"}, {"WEB": "[80,8000:8010,!8005]"}
)


def inside(text: str, address: str) -> bool:
    number = int(ipaddress.ip_address(address)) + (MAPPED if "." in address else 0)
    return holds(LISTS.addresses(text), number)


@pytest.mark.parametrize(
    ("text", "address", "answer"),
    [
        ("any", "2001:db8::1", True),
        ("10.0.0.1", "10.0.0.1", True),
        ("10.0.0.0-10.0.0.9", "10.0.0.10", False),
        ("$HOME", "10.2.0.1", True),
        ("$HOME", "10.1.0.1", False),
        ("$OUT", "10.1.0.1", True),
        ("$OUT", "2001:db8::1", True),
        ("$OUT", "10.2.0.1", False),
        ("[$OUT,8.8.8.8]", "9.9.9.9", False),
        ("!2001:db8::/32", "2001:db8::5", False),
        ("[1.1.1.1, [2.2.2.2, 3.3.3.3]]", "3.3.3.3", True),
        ("1.1.1.1,[2.2.2.2,3.3.3.3]", "3.3.3.3", True),
        ("10.0.0.0/8,!$HOME", "10.1.2.3", True),
        ("10.0.0.0/8,!$HOME", "10.2.2.3", False),
    ],
)
def test_lists(text: str, address: str, answer: bool):
    assert inside(text, address) is answer


@pytest.mark.parametrize(
    ("text", "answer"),
    [("any", False), ("10.0.0.1", False), ("!10.0.0.1", True), ("$HOME", True), ("[8.8.8.8,$OUT]", True)],
)
def test_what_negates(text: str, answer: bool):
    assert LISTS.negates(text) is answer


def test_ports():
    assert LISTS.ports("$WEB") == ((80, 80), (8000, 8004), (8006, 8010))
    assert LISTS.ports("25,80:81") == ((25, 25), (80, 81))
    assert LISTS.ports("!80") == ((0, 79), (81, 65535))
    assert LISTS.ports(":1023") == ((0, 1023),)


@pytest.mark.parametrize(
    "text", ["", "!any", "$NONE", "$SELF", "[1.1.1.1", "1.1.1", "9.9.9.9-1.1.1.1", "[!any]"]
)
def test_refused(text: str):
    with pytest.raises(RuleFault):
        LISTS.addresses(text)


RANGES = st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)).map(sorted).map(tuple), max_size=5)


@settings(max_examples=100)
@given(RANGES, RANGES)
def test_sets_of_ranges_are_sets(a, b):
    def points(ranges):
        return {n for low, high in ranges for n in range(low, high + 1)}

    assert points(merge(a)) == points(a)
    assert points(subtract(merge(a), merge(b), 30)) == points(a) - points(b)
    assert ALL_ADDRESSES[0][0] == 0
