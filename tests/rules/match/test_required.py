"""Literals that an expression cannot match without."""

from __future__ import annotations

import re
from functools import cache

import hypothesis.strategies as st
import pytest
from hypothesis import given

from rules.language.model import Pcre
from rules.language.parser import Parser
from rules.match.required import MOST, required
from rules.pack import SHIPPED


@pytest.mark.parametrize(
    ("pattern", "texts"),
    [
        (rb"^/abc\.PHP$", {b"/abc.php"}),
        (rb"(abc|def)ghi", {b"abcghi", b"defghi"}),
        (rb"a(bc)?d", {b"abcd", b"ad"}),
        (rb"x+abc\d{2}longer", {b"longer"}),
        (rb"(abc|\d+)", set()),  # one may be without
        (rb"(abc)*", set()),
        (rb"(abcd)+\w", {b"abcd"}),
        (rb"[aA][bB]c", {b"abc"}),
        (rb"[a-f]bc", {b"bc"}),
        (rb"one(?!two)three", {b"onethree"}),
        (rb"(?i)\x41\x2f\bb", {b"a/b"}),
        (rb"[[:alpha:]]abc", set()),  # read otherwise by Python
        (rb"\vabc", set()),
        (rb"(abc", set()),
        (rb"[[]abc", {b"[abc"}),  # Python warns of it
        (rb"(?>abc)\Rd", {b"abc"}),
        (rb"(a|b)(c|d)(e|f)(g|h)(i|j)(k|l)", None),
    ],
)
def test_what_must_be_there(pattern, texts):
    found = set(required(pattern, ""))
    if texts is None:
        assert 0 < len(found) <= MOST
    else:
        assert found == texts


@cache
def shipped() -> list[tuple[bytes, str]]:
    rules = Parser().files([SHIPPED]).rules
    ops = [op for rule in rules for check in rule.buffers for op in check.ops]
    found = sorted({(op.pattern, op.flags) for op in ops if isinstance(op, Pcre) and not op.negated})
    return [one for one in found if required(*one)]


@given(st.data())
def test_one_of_them_is_in_whatever_matches(data):
    """Of the expressions that ship: texts that agree, made by another's reading of them."""
    pattern, flags = data.draw(st.sampled_from(shipped()))
    options = sum(getattr(re, flag.upper()) for flag in flags if flag in "ims")
    text = data.draw(st.from_regex(re.compile(pattern.decode("latin-1"), options | re.ASCII)))
    raw = text.encode("latin-1", "replace").lower()
    assert any(literal in raw for literal in required(pattern, flags))


pieces = st.recursive(
    st.sampled_from([b"a", b"B", b"ab", b".", b"[ab]", b"[^a]", b"\\d", b"^", b"$", b"\\b", b"(?=a)"]),
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=3).map(b"".join),
        st.lists(inner, min_size=1, max_size=3).map(lambda some: b"(" + b"|".join(some) + b")"),
        st.tuples(inner, st.sampled_from([b"?", b"*", b"+", b"{2}", b"{0,1}", b"{1,2}?"])).map(
            lambda pair: b"(?:" + pair[0] + b")" + pair[1]
        ),
    ),
    max_leaves=8,
)


@given(pieces, st.text("aAbB1 ", max_size=8))
def test_made_up_expressions(pattern, text):
    found = required(pattern, "i")
    if found and re.search(pattern, text.encode(), re.IGNORECASE):
        assert any(literal in text.lower().encode() for literal in found)
