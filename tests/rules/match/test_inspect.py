from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rules.language.model import ByteExtract, ByteJump, ByteMath, ByteTest, Content, IsDataAt, Pcre, Size
from rules.language.parser import Parser
from rules.match.inspect import Inspection, Ops


def holds(data: bytes, *ops) -> bool:
    return Inspection().holds(Ops(ops), data)


NUMBER = {10: rb"\s*[-+]?[0-9]+", 16: rb"\s*[-+]?(0[xX](?=[0-9a-fA-F]))?[0-9a-fA-F]+", 8: rb"\s*[-+]?[0-7]+"}
WORDS = {
    "<": lambda a, b: a < b, ">": lambda a, b: a > b, "=": lambda a, b: a == b, "&": lambda a, b: bool(a & b),
    "^": lambda a, b: a != b, ">=": lambda a, b: a >= b,
}  # fmt: skip


def number(op, data: bytes, last: int) -> tuple[int, int, int] | None:
    """What an op reads: the value, from where, up to where."""
    at = op.offset + last * op.relative
    if not data or not 0 <= at <= len(data) - op.count:
        return None
    raw = data[at : at + op.count]
    if not op.base:
        return int.from_bytes(raw, "little" if op.little else "big"), at, at + op.count
    if (found := re.match(NUMBER[op.base], raw)) is None:
        return None
    return int(found[0], op.base) % 2**64, at, at + found.end()


def naive_number(op, rest, data: bytes, last: int) -> bool:
    if (found := number(op, data, last)) is None:
        return False
    value, _, end = found
    if isinstance(op, ByteTest):
        return WORDS[op.op](value, op.value) is not op.negated and naive(rest, data, last)
    if isinstance(op, ByteExtract):
        return naive(rest, data, end)
    value *= op.multiplier
    while op.align and value % 4:
        value += 1
    place = value + op.post + {"here": end, "beginning": 0, "end": len(data)}[op.origin]
    return place <= len(data) and naive(rest, data, max(place, 0))


def naive(ops, data: bytes, last: int = 0) -> bool:
    """Every place tried, by what the words mean."""
    if not ops:
        return True
    op, *rest = ops
    if isinstance(op, IsDataAt):
        there = last + op.amount <= len(data) if op.relative else op.amount < len(data)
        return there is not op.negated and naive(rest, data, last)
    if isinstance(op, Size):
        return (op.low <= len(data) <= op.high) is not op.negated and naive(rest, data, last)
    if not isinstance(op, Content):
        return naive_number(op, rest, data, last)
    places = []
    for at in range(len(data) - len(op.pattern) + 1):
        part = data[at : at + len(op.pattern)]
        if (part.lower() != op.pattern.lower()) if op.nocase else (part != op.pattern):
            continue
        end = at + len(op.pattern)
        if op.relative:
            begin = max(0, last + (op.distance or 0))
            if at < begin or (op.within is not None and end > last + (op.distance or 0) + op.within):
                continue
        else:
            if at < (op.offset or 0) or (op.depth is not None and end > (op.offset or 0) + op.depth):
                continue
            if op.starts and at != 0:
                continue
        if op.ends and end != len(data):
            continue
        places.append(end)
    if op.negated:
        return not places and naive(rest, data, last)
    return any(naive(rest, data, end) for end in places)


LETTERS = st.text("abA", min_size=1, max_size=3).map(str.encode)
SMALL = st.one_of(st.none(), st.integers(-2, 5))


@st.composite
def contents(draw):
    if draw(st.integers(0, 5)) == 0:
        return IsDataAt(draw(st.integers(0, 6)), draw(st.booleans()), draw(st.booleans()))
    op = Content(
        draw(LETTERS), draw(st.integers(0, 4)) == 0, draw(st.booleans()), ends=draw(st.integers(0, 6)) == 0
    )
    place = draw(st.integers(0, 3))
    if place == 1:
        op.offset = draw(st.integers(0, 4))
        op.depth = draw(st.one_of(st.none(), st.integers(len(op.pattern), 6)))
    elif place == 2:
        op.distance, op.within = draw(SMALL), draw(st.one_of(st.none(), st.integers(len(op.pattern), 6)))
    elif place == 3:
        op.starts = True
    return op


@st.composite
def numbers(draw):
    kind = draw(st.integers(0, 6))
    if kind == 0:
        low = draw(st.integers(0, 14))
        return Size(low, low + draw(st.integers(0, 9)), draw(st.booleans()))
    base = draw(st.sampled_from([0, 0, 8, 10, 16]))
    common = {
        "count": draw(st.integers(1, 3)), "offset": draw(st.integers(-2, 4)), "relative": draw(st.booleans()),
        "little": draw(st.booleans()), "base": base,
    }  # fmt: skip
    if kind < 3:
        return ByteTest(
            op=draw(st.sampled_from(sorted(WORDS))), value=draw(st.sampled_from([0, 1, 2, 10, 97, 0x6162])),
            negated=draw(st.booleans()), **common,
        )  # fmt: skip
    if kind == 3:
        return ByteExtract(name="n", **common)
    return ByteJump(
        multiplier=draw(st.integers(1, 2)), align=draw(st.booleans()), post=draw(st.integers(-3, 2)),
        origin=draw(st.sampled_from(["here", "beginning", "end"])), **common,
    )  # fmt: skip


BYTES = st.lists(
    st.sampled_from([b"a", b"b", b"A", b"\0", b"\1", b"\2", b"1", b" ", b"0x"]), max_size=12
).map(b"".join)


@settings(max_examples=400, deadline=None)
@given(st.lists(st.one_of(contents(), numbers()), min_size=1, max_size=4), BYTES)
def test_equals_a_naive_interpreter_that_reads_numbers(ops, data: bytes):
    assert holds(data, *ops) == naive(ops, data)


@settings(max_examples=400, deadline=None)
@given(st.lists(contents(), min_size=1, max_size=4), st.text("abA", max_size=14).map(str.encode))
def test_equals_a_naive_interpreter(ops, data: bytes):
    assert holds(data, *ops) == naive(ops, data)


@pytest.mark.parametrize(
    ("ops", "data", "answer"),
    [
        ([Size(3, 3)], b"abc", True),
        ([Size(3, 3, True)], b"abc", False),
        ([ByteTest(2, ">", 255, 0)], b"\x01\x00", True),
        ([ByteTest(2, "=", 1, 0, little=True)], b"\x01\x00", True),
        ([ByteTest(1, "&", 0x80, 0)], b"\x7f", False),
        ([ByteTest(3, "=", 123, 1, base=10)], b"x123", True),
        ([ByteTest(4, "=", 0, 0)], b"abc", False),
        ([ByteTest(1, "=", 2, 0, mask=0xF0)], b"\x2f", True),
        ([ByteJump(1, 0), IsDataAt(1, relative=True)], b"\x02abc", True),
        ([ByteJump(1, 0), IsDataAt(2, relative=True)], b"\x02abc", False),
        ([ByteJump(1, 0), Content(b"d", distance=0, within=1)], b"\x03abcd", True),
        ([ByteJump(0, 0, origin="end", post=-1), Content(b"z", distance=0)], b"zaz", True),
        ([ByteJump(1, 0)], b"\x09a", False),
        ([ByteExtract(1, 0, "n"), Content(b"x", offset="n", depth=1)], b"\x02ax", True),
        ([ByteExtract(1, 0, "n"), ByteTest(1, "=", "n", 1)], b"\x05\x05", True),
        ([ByteMath(1, 0, "*", 2, "n"), ByteTest(1, "=", "n", 1)], b"\x03\x06", True),
        ([ByteMath(1, 0, "/", 0, "n")], b"\x03", False),
        ([ByteMath(1, 0, "+", 1, "n", mask=0xF0), ByteTest(1, "=", "n", 1)], b"\x1f\x02", True),
        ([ByteMath(1, 0, "<<", 64, "n"), ByteTest(1, "=", "n", 1)], b"\x1f\x00", True),
        ([ByteJump(4, 0, base=10), Content(b"b", distance=0, within=1)], b"1 ab", False),
        ([ByteJump(4, 0, base=10), Content(b"a", distance=0, within=1)], b"1 ab", True),
        ([ByteTest(2, "=", 0, 0, base=16)], b"0x", True),
        ([ByteJump(0, 0, origin="end")], b"", False),
        ([Content(b"ab"), Pcre(rb"^\d+", relative=True)], b"..ab12", True),
        ([Content(b"ab"), Pcre(rb"^\d+", relative=True)], b"..ab.12", False),
        ([Pcre(rb"a.", ""), Content(b"c", distance=0, within=1)], b"abaac", True),
        ([Pcre(rb"x", negated=True)], b"abc", True),
    ],
)  # fmt: skip
def test_ops(ops, data: bytes, answer: bool):
    assert holds(data, *ops) is answer


def test_steps_are_limited():
    ops = [Content(b"a"), *(Content(b"a", distance=0) for _ in range(30)), Content(b"b", distance=0)]
    assert not holds(b"a" * 200, *ops)


def test_base64_is_looked_into():
    options = 'content:"k="; base64_decode:relative; base64_data; content:"secret"; sid:1;'
    check = Parser().text(f"alert tcp any any -> any any ({options})").rules[0].buffers[0]
    ops = Ops(check.ops, check.decoded)
    assert Inspection().holds(ops, b"k=YSBzZWNyZXQ=")
    assert not Inspection().holds(ops, b"k=YSBub3RoaW5n")
