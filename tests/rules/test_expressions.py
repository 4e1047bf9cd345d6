from __future__ import annotations

import pytest

from citywall.errors import RuleFault
from rules import expressions

CASES = [
    (rb"ab+c", "", b"xabbc", (1, 5)),
    (rb"AB", "i", b"xab", (1, 3)),
    (rb"a.c", "s", b"a\nc", (0, 3)),
    (rb"^b", "m", b"a\nb", (2, 3)),
    (rb"\x{41}[[:digit:]]", "", b"A7", (0, 2)),
    (rb"\/a\-b", "", b"/a-b", (0, 4)),
    (rb"(?<n>a)b", "", b"ab", (0, 2)),
    (rb"b", "A", b"ab", None),
    (rb"x", "", b"abc", None),
]


@pytest.mark.parametrize(("expression", "flags", "subject", "span"), CASES)
def test_both_ways_of_searching_agree(expression, flags, subject, span):
    for search in (expressions.compiled(expression, flags), expressions._translated(expression, flags)):
        found = search(subject, 0)
        assert (found and tuple(found[0])) == span


def test_groups_and_places():
    search = expressions.compiled(rb"(a)(b)?", "")
    assert search(b"xa", 0)[1] == (1, 2)
    assert search(b"aXa", 1)[0] == (2, 3)


@pytest.mark.parametrize("expression", [rb"(", rb"[a", rb"a{2,1}"])
def test_what_does_not_compile_is_said(expression):
    with pytest.raises(RuleFault, match="pcre"):
        expressions.compiled(expression, "")
    with pytest.raises(RuleFault, match="pcre"):
        expressions._translated(expression, "")


def test_an_expression_without_end_gives_up():
    if expressions._library() is None:
        pytest.skip("libpcre2 is not here: Python's re knows no limit")
    assert expressions.compiled(rb"^(a+)+$", "")(b"a" * 40 + b"!", 0) is None
