from __future__ import annotations

from collections.abc import Callable

import pytest

from rules.language.model import Asn1
from rules.language.parser import Parser
from tests.rules.conftest import tcp

_RULE = 'alert tcp any any -> any any (flow:to_server; content:"|30|"; asn1:%s; sid:1;)'


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("bitstring_overflow, relative_offset 54", Asn1(bits=True, offset=54, relative=True)),
        ("oversize_length 1024 double_overflow", Asn1(longest=1024, double=True)),
        ("absolute_offset 7,oversize_length 0x10", Asn1(longest=16, offset=7)),
    ],
)
def test_what_may_be_said(text: str, expected: Asn1):
    found = Parser().text(_RULE % text, "t.rules")
    (op,) = [op for op in found.rules[0].buffers[0].ops if isinstance(op, Asn1)]
    expected.column = op.column
    assert (op, found.rules[0].cannot) == (expected, [])


@pytest.mark.parametrize(
    "text", ["", "oversize_length", "overflow", "absolute_offset 1", "oversize_length x"]
)
def test_what_may_not(text: str):
    assert Parser().text(_RULE % text, "t.rules").rejected


def test_in_a_stream(alerts: Callable[..., list[object]]):
    rule = _RULE % "bitstring_overflow, relative_offset -1"
    assert len(alerts(rule, tcp([(0, b"xx\x30\x03\x03\x01\xff")], dport=99))) == 1
    assert not alerts(rule, tcp([(0, b"xx\x30\x03\x03\x01\x01")], dport=99))
