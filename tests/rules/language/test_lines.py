from __future__ import annotations

import pytest

from citywall.errors import RuleFault
from rules.language.lines import LONGEST, logical_lines, sid_of, split


def test_lines_go_on_behind_a_backslash():
    lines = list(logical_lines("# c\n\na \\\nb\r\nc\n"))
    assert [(line.number, line.text) for line in lines] == [(3, "a b"), (5, "c")]


def test_options_have_columns_and_escapes():
    parts = split(r'alert tcp [a, b] 1 -> c 2 (msg:"x\; y"; sid:1;)')
    assert parts.header == ("alert", "tcp", "[a,b]", "1", "->", "c", "2")
    assert [(o.name, o.value, o.column) for o in parts.options] == [("msg", r'"x\; y"', 28), ("sid", "1", 41)]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("alert tcp a b -> c d", "no options"),
        ("alert tcp a b -> c d (sid:1;", "closing"),
        ("alert tcp a b -> c d (sid:1)", "semicolon"),
        ("alert tcp a b -> c d (;)", "without a name"),
        ("alert tcp [a b -> c d (sid:1;)", "bracket"),
        ("a" * (LONGEST + 1), "characters"),
        ("alert tcp a b -> c d (" + "a;" * 600 + ")", "options"),
    ],
)
def test_refused(text: str, said: str):
    with pytest.raises(RuleFault, match=said):
        split(text)


def test_the_sid_of_a_broken_line():
    assert sid_of("alert (msg; sid: 12;") == 12
    assert sid_of("alert") is None
