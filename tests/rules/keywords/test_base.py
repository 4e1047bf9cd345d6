from __future__ import annotations

import pytest

from citywall.errors import RuleFault
from rules.keywords.base import TOP, bounds, pattern_of, plain
from rules.language.builder import Builder
from rules.language.model import Rule

BUILDER = Builder(Rule("alert", "tcp", "", "-", 1))


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("5", (5, 5, False)),
        ("!5", (5, 5, True)),
        ("<5", (0, 4, False)),
        ("<=5", (0, 5, False)),
        (">5", (6, TOP, False)),
        (">= 5", (5, TOP, False)),
        ("5<>9", (6, 8, False)),
        ("0x10", (16, 16, False)),
        (">2kb", (2049, TOP, False)),
    ],
)
def test_bounds(text, found):
    assert bounds(BUILDER, text, "ttl") == found


@pytest.mark.parametrize("text", ["", "x", "9<>5", "5<>6", "<0", "1<>2<>3"])
def test_no_bounds(text):
    with pytest.raises(RuleFault):
        bounds(BUILDER, text, "ttl")


def test_patterns():
    assert pattern_of(BUILDER, r"a|0d 0A|\;\"b") == b'a\r\n;"b'
    assert pattern_of(BUILDER, "é") == "é".encode()
    assert plain(r"a\;b") == "a;b"
    for wrong in ("|0|", "|zz|", "|00", r"\a", 'a"b'):
        with pytest.raises(RuleFault):
            pattern_of(BUILDER, wrong)
