from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rules.language.parser import Parser
from rules.match.inspect import Inspection, Ops
from rules.match.verify.kernels import NO, PERHAPS, YES
from rules.match.verify.programs import Programs


def ops_of(body: str) -> Ops:
    found = Parser().text(f"alert tcp any any -> any any ({body} sid:1;)")
    assert not found.rejected, found.rejected
    check = found.rules[0].payload()
    assert check is not None
    return Ops(check.ops, check.decoded)


def verdict(ops: Ops, data: bytes, start: int = 0, looked: int = 0) -> int:
    programs = Programs()
    number = programs.add(ops)
    one = [np.array([n], np.int64) for n in (0, len(data), number, start, looked)]
    told = programs.ready().verify(np.frombuffer(data + b"\0", np.uint8), *one)
    return int(told[0])


WORDS = st.lists(st.sampled_from(["a", "b", "A", "B", "|00|"]), min_size=1, max_size=3).map("".join)
PLACES = st.one_of(
    st.just(""),
    st.integers(0, 4).map(lambda n: f" offset:{n};"),
    st.tuples(st.integers(0, 4), st.integers(4, 9)).map(lambda n: f" offset:{n[0]}; depth:{n[1]};"),
    st.integers(-3, 4).map(lambda n: f" distance:{n};"),
    st.integers(4, 8).map(lambda n: f" within:{n};"),
    st.tuples(st.integers(-2, 3), st.integers(4, 6)).map(lambda n: f" distance:{n[0]}; within:{n[1]};"),
    st.just(" startswith;"),
    st.just(" endswith;"),
)
CONTENTS = st.tuples(st.sampled_from(["", "", "!"]), WORDS, PLACES, st.sampled_from(["", " nocase;"])).map(
    lambda c: f'content:{c[0]}"{c[1]}";{c[2]}{c[3]}'
)
NUMBERS = st.one_of(
    st.tuples(st.sampled_from(["", "!"]), st.integers(0, 9), st.sampled_from(["", ",relative"])).map(
        lambda c: f"isdataat:{c[0]}{c[1]}{c[2]};"
    ),
    st.tuples(
        st.integers(1, 4), st.sampled_from(["", "!"]), st.sampled_from(["<", ">", "=", "&", "^", "<=", ">="]),
        st.integers(0, 100_000), st.integers(-2, 5), st.sampled_from(["", ",relative"]),
        st.sampled_from(["", ",little"]),
    ).map(lambda c: f"byte_test:{c[0]},{c[1]}{c[2]},{c[3]},{c[4]}{c[5]}{c[6]};"),
    st.tuples(
        st.integers(1, 2), st.integers(0, 4), st.sampled_from(["", ",relative"]),
        st.sampled_from(["", ",align", ",from_beginning", ",multiplier 2"]),
    ).map(lambda c: f"byte_jump:{c[0]},{c[1]}{c[2]}{c[3]};"),
)  # fmt: skip
BODIES = st.lists(st.one_of(CONTENTS, CONTENTS, NUMBERS), min_size=1, max_size=5).map(" ".join)
DATA = st.lists(st.sampled_from([b"a", b"b", b"A", b"B", b"\0", b"\x03"]), max_size=14).map(b"".join)


@settings(max_examples=300)
@given(BODIES, DATA, st.sampled_from([0, 0, 0, 3]), st.integers(0, 14))
def test_the_kernel_decides_as_the_interpreter(body, data, start, looked):
    found = Parser().text(f"alert tcp any any -> any any ({body} sid:1;)")
    if found.rejected:  # modifiers that do not go together
        return
    check = found.rules[0].payload()
    assert check is not None
    ops = Ops(check.ops, check.decoded)
    agrees = Inspection().holds(ops, data, start=start)
    told = verdict(ops, data, start)
    assert told in ({YES} if agrees else {NO})
    looked = min(looked, len(data))
    if looked:
        before = Inspection().holds(ops, data[:looked], start=start)
        assert verdict(ops, data, start, looked) == (YES if agrees and not before else NO)


UNKNOWN = st.sampled_from(
    ['pcre:"/b/";', 'pcre:"/a./R";', 'pcre:!"/bb/R";', "byte_extract:1,0,n;", "byte_extract:1,1,n,relative;"]
)
PARTLY = st.lists(st.one_of(CONTENTS, CONTENTS, NUMBERS, UNKNOWN), min_size=2, max_size=6).map(" ".join)


@settings(max_examples=200)
@given(PARTLY, DATA)
def test_what_is_left_out_makes_no_program_refuse_too_much(body, data):
    found = Parser().text(f"alert tcp any any -> any any ({body} sid:1;)")
    if found.rejected:
        return
    check = found.rules[0].payload()
    assert check is not None
    ops = Ops(check.ops, check.decoded)
    if verdict(ops, data) == NO:
        assert not Inspection().holds(ops, data)


LONG = st.lists(st.sampled_from([b"a", b"b", b"A", b"\0", b"\x01", b"`"]), max_size=70).map(b"".join)


@settings(max_examples=300)
@given(
    st.lists(st.sampled_from(["a", "b", "A", "|00|", "|01|", "`"]), min_size=1, max_size=12).map("".join),
    LONG, st.integers(0, 9), st.sampled_from(["", " nocase;"]), st.integers(0, 60),
)  # fmt: skip
def test_contents_are_found_eight_places_at_once(word, data, offset, case, depth):
    """As bytes alone have it, at every place of eight and near the end."""
    ops = ops_of(f'content:"{word}";{case} offset:{offset}; depth:{depth + 12};')
    pattern = word.replace("|00|", "\0").replace("|01|", "\x01").encode()
    there = data[offset : offset + depth + 12]
    if case:
        pattern, there = pattern.lower(), there.lower()
    assert verdict(ops, data) == (YES if pattern in there else NO)


@pytest.mark.parametrize(
    ("body", "data", "told"),
    [
        ('pcre:"/c.d/"; content:"ab"; depth:3;', b"xxab", NO),
        ('pcre:"/c.d/"; content:"ab"; depth:4;', b"xxab", PERHAPS),
        (
            'content:"a"; pcre:"/c.d/R"; content:"b"; distance:7; content:"x"; content:"z"; distance:0;',
            b"xab",
            NO,
        ),
        (
            'content:"a"; pcre:"/c.d/R"; content:"b"; distance:7; content:"x"; content:"a"; distance:0;',
            b"xab",
            PERHAPS,
        ),
        ('content:"ab"; pcre:"/c.d/R";', b"xxab", PERHAPS),
        ('content:"ab"; pcre:"/c.d/R";', b"xxba", NO),
        ('content:"ab"; pcre:"/c.d/R"; content:"e"; within:1;', b"xxab", NO),
        ('content:"ab"; pcre:"/c.d/R"; content:"e"; within:1; nocase;', b"E ab", PERHAPS),
        ('content:"ab"; pcre:"/c.d/R"; content:!"e"; within:1;', b"e ab", PERHAPS),
        ('byte_extract:1,0,n; content:"ab"; offset:n;', b"xx", NO),
        ('byte_extract:1,0,n; content:"ab"; offset:n;', b"xxab", PERHAPS),
        ('content:"ab"; byte_test:2,>,5,0,string,dec;', b"xxab", PERHAPS),
        ('content:"ab"; base64_decode:relative; base64_data; content:"x";', b"ab", PERHAPS),
    ],
)
def test_what_is_not_understood_is_left_to_the_interpreter(body, data, told):
    ops = ops_of(body)
    assert verdict(ops, data) == told
    if told == NO:
        assert not Inspection().holds(ops, data)


def test_a_place_that_another_buffer_tells_leaves_a_program_unsure():
    ops = ops_of('content:"ab";')
    ops = Ops([replace(ops.ops[0], offset="n")])
    assert verdict(ops, b"xxab") == PERHAPS
    assert verdict(ops, b"xxba") == NO


def test_steps_are_limited_as_the_interpreters_are():
    ops = ops_of(
        'content:"a"; content:"a"; distance:0; content:"a"; distance:0; content:"b"; distance:0; within:1;'
    )
    data = b"a" * 200
    assert verdict(ops, data) == NO
    assert not Inspection().holds(ops, data)
    late = b"a" * 18 + b"ab"
    assert verdict(ops, late) == (YES if Inspection().holds(ops, late) else NO)
