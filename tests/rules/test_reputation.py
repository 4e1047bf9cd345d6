from __future__ import annotations

import ipaddress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from citywall.errors import InputError
from rules import reputation
from rules.language.addresses import ALL_ADDRESSES, MAPPED, holds, merge
from rules.language.model import Number, Reputation, Rule
from rules.language.parser import Parser

CATEGORIES = "# ours\n1,BadHosts,Known bad\n2,Mail,Sends mail\nx,y\n"
LISTS = """10.0.0.0/8,1,10
10.1.0.0/16,1,80
10.1.2.3,1,5
2001:db8::/32,1,100
192.0.2.1,2,50
1.2.3,1,1
9.9.9.9,7,1
"""


@pytest.fixture
def known(tmp_path: Path) -> reputation.Reputations:
    (tmp_path / "c.txt").write_text(CATEGORIES)
    (tmp_path / "l.list").write_text(LISTS)
    return reputation.read(tmp_path / "c.txt", [tmp_path / "l.list"])


def number(address: str) -> int:
    ip = ipaddress.ip_address(address)
    return int(ip) + (MAPPED if ip.version == 4 else 0)


def rule(text: str, head: str = "alert ip any any -> any any") -> Rule:
    return Parser().rule(f"{head} ({text} sid:1;)")


def test_lists_are_read_and_what_cannot_be_is_told(known: reputation.Reputations):
    assert "badhosts" in known
    assert "none" not in known
    assert known.refused_count == 3
    assert [line.partition(", line ")[2].partition(":")[0] for line in known.refused] == ["4", "6", "7"]


@pytest.mark.parametrize(
    ("asked", "yes", "no"),
    [
        (
            Reputation("src", "BadHosts", Number("", 11, 127)),
            ["10.1.0.1", "2001:db8::1"],
            ["10.1.2.3", "10.2.0.1"],
        ),
        (
            Reputation("src", "badhosts", Number("", 0, 10)),
            ["10.1.2.3", "10.2.0.1"],
            ["10.1.0.1", "11.0.0.1"],
        ),
        (Reputation("src", "Mail", Number("", 0, 127)), ["192.0.2.1"], ["10.1.0.1"]),
        (Reputation("src", "Mail", Number("", 0, 127), missing=True), ["10.1.0.1", "::1"], ["192.0.2.1"]),
    ],
)
def test_the_longest_prefix_decides(known, asked: Reputation, yes: list[str], no: list[str]):
    found = known.having(asked)
    assert all(holds(found, number(address)) for address in yes)
    assert not any(holds(found, number(address)) for address in no)


def test_what_is_asked_is_part_of_the_header(known: reputation.Reputations):
    unknown, one, two, ends, either, bound, strange, none, other = reputation.applied(
        [
            rule("iprep:src,Sailors,>,1;"),
            rule("iprep:src,BadHosts,>,20;", "alert tcp 10.1.0.0/24 any -> any 80"),
            rule("iprep:dst,Mail,isset;"),
            rule("iprep:both,BadHosts,>=,80;"),
            rule("iprep:any,Mail,=,50;"),
            rule("iprep:any,Mail,=,50;", "alert tcp any any -> any 80"),
            rule("iprep:src,Mail,=,50;", "alert tcp any any <> any any"),
            rule("iprep:src,Mail,>,126;"),
            rule("dsize:1;"),
        ],
        known,
    )
    assert unknown.cannot == ["iprep: there is no category Sailors"]
    assert (one.cannot, one.source, one.target) == (
        [], merge([(number("10.1.0.0"), number("10.1.0.255"))]), ALL_ADDRESSES,
    )  # fmt: skip
    assert two.target == ((number("192.0.2.1"),) * 2,)
    assert ends.source == ends.target
    assert (either.cannot, either.both_ways, either.source) == ([], True, two.target)
    assert bound.cannot
    assert strange.cannot
    assert none.cannot == ["iprep: no address has such a reputation"]
    assert other.source == ALL_ADDRESSES
    [without] = reputation.applied([rule("iprep:src,Mail,isset;")], None)
    assert without.cannot == [reputation.NO_LISTS]


def test_what_cannot_be_read_at_all(tmp_path: Path):
    (tmp_path / "c.txt").write_text("# nothing\n")
    for name in ("c.txt", "absent"):
        with pytest.raises(InputError):
            reputation.read(tmp_path / name, [])


_SPANS = st.builds(
    lambda place, bits: (place >> bits << bits, ((place >> bits) + 1 << bits) - 1),
    st.integers(0, 255), st.integers(0, 8),
)  # fmt: skip


@given(st.dictionaries(_SPANS, st.integers(0, 127), max_size=12))
@settings(max_examples=60, deadline=None)
def test_prefixes_in_prefixes(entries: dict[tuple[int, int], int]):
    known = reputation.Reputations()
    known.know("x", entries)
    for place in range(257):
        about = [(high - low, value) for (low, high), value in entries.items() if low <= place <= high]
        wanted = min(about)[1] if about else None
        for value in {0, wanted or 0}:
            there = holds(known.having(Reputation("src", "x", Number("", value, value))), place)
            assert there is (wanted == value)
        assert holds(known.having(Reputation("src", "x", Number("", 0, 0), True)), place) is (wanted is None)


@given(*(st.lists(st.tuples(st.integers(0, 40), st.integers(0, 9)), max_size=6) for _ in range(2)))
@settings(max_examples=40, deadline=None)
def test_what_is_in_both(one: list[tuple[int, int]], other: list[tuple[int, int]]):
    a, b = (merge([(low, low + size) for low, size in each]) for each in (one, other))
    assert {n for low, high in reputation.both(a, b) for n in range(low, high + 1)} == {
        n for n in range(60) if holds(a, n) and holds(b, n)
    }
