from __future__ import annotations

import fnmatch
import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts import times
from alerts.terms import Finder, Span, compare, glob, network_of, values_at, within
from citywall.addresses import to_words


@given(st.text(alphabet="ab*", max_size=10), st.text(alphabet="abc", max_size=10))
def test_glob_is_fnmatch(pattern: str, text: str) -> None:
    assert glob(pattern, text) == fnmatch.fnmatchcase(text, pattern)


def test_glob_is_quick_on_hostile_patterns() -> None:
    assert not glob("a*" * 2000 + "b", "a" * 100_000)


@given(st.one_of(st.ip_addresses(v=4), st.ip_addresses(v=6)))
def test_networks_agree_with_the_vocabulary(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> None:
    hi, lo = to_words(str(address))
    assert network_of(str(address)) == (hi << 64 | lo, hi << 64 | lo)
    start, stop = network_of(f"{address}/16")
    assert start <= hi << 64 | lo <= stop


def test_values_are_found_through_lists_and_dots() -> None:
    document = {"a": [{"b": 1}, {"b": [2, 3]}, {"c": {"d.e": 4}}, None], "x": {"y": None, "z": {"q": 1}}}
    assert list(values_at(document, "a.b")) == [1, 2, 3]
    assert list(values_at(document, "a.c.d.e")) == [4]
    assert list(values_at(document, "x.y")) == list(values_at(document, "x.z")) == []
    assert list(values_at(document, "nothing.at.all")) == []


_NAMES = st.sampled_from(["a", "b", "c", "a.b", "b.c", "a.b.c"])
_DOCUMENTS = st.recursive(
    st.none() | st.booleans() | st.text("xy", max_size=1),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_NAMES, inner, max_size=4),
    max_leaves=12,
)


@given(_DOCUMENTS, st.lists(_NAMES, max_size=6))
def test_one_walk_finds_what_several_find(document: object, paths: list[str]) -> None:
    assert Finder(paths)(document) == [values_at(document, path) for path in paths]


@pytest.mark.parametrize("op", [":", "<", "<=", ">", ">="])
def test_a_span_of_one_is_a_number(op: str) -> None:
    for time in (9, 10, 11):
        assert within(op, time, Span(10, 11, "")) == compare(op, time, 10)


def test_after_a_day_is_after_its_end() -> None:
    day = Span(*times.interval("2024-05-01"), "2024-05-01")
    noon = times.from_iso("2024-05-01T12:00")
    assert not within(">", noon, day)
    assert within(">=", noon, day)
    assert within("<=", noon, day)
    assert not within("<", noon, day)
    assert within(">", times.from_iso("2024-05-02"), day)
