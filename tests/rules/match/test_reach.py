from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rules.language.model import ByteJump, Content, IsDataAt
from rules.match.inspect import Inspection, Ops
from rules.match.reach import ANYWHERE, beginning, literal_of, reach

PLACE = st.one_of(st.none(), st.integers(0, 6))
CONTENT = st.builds(
    Content, st.sampled_from([b"a", b"ab", b"b", b"A"]), nocase=st.booleans(), negated=st.booleans(),
    offset=PLACE, depth=st.one_of(st.none(), st.integers(2, 8)), starts=st.booleans(),
)  # fmt: skip
BEHIND = st.builds(
    Content, st.sampled_from([b"a", b"ab", b"b"]), distance=st.integers(-3, 4), ends=st.booleans(),
    within=st.one_of(st.none(), st.integers(2, 8)),
)  # fmt: skip
OTHER = st.one_of(
    st.builds(IsDataAt, st.integers(0, 3), relative=st.booleans()),
    st.builds(ByteJump, st.just(1), offset=st.just(0), relative=st.booleans()),
)


@settings(max_examples=300)
@given(st.lists(st.one_of(CONTENT, BEHIND, OTHER), min_size=1, max_size=5), st.text("abA\2", max_size=20))
def test_a_literal_is_in_reach_wherever_all_ops_agree(ops, text: str):
    data = text.encode()
    if Inspection().holds(Ops(tuple(ops)), data):
        for op in ops:
            if isinstance(op, Content) and not op.negated:
                assert literal_of(op) in data[: reach(ops, literal_of(op))].lower()


@settings(max_examples=300)
@given(st.lists(st.one_of(CONTENT, BEHIND, OTHER), min_size=1, max_size=5), st.text("abA\2", max_size=9))
def test_the_first_bytes_are_as_wanted_wherever_all_ops_agree(ops, text: str):
    mask, word = (number.to_bytes(8, "little") for number in beginning(ops))
    if Inspection().holds(Ops(tuple(ops)), text.encode()):
        assert all(not m or text.encode()[i : i + 1] == word[i : i + 1] for i, m in enumerate(mask))


@pytest.mark.parametrize(
    ("ops", "wanted"),
    [
        ([Content(b"\x18\x03", depth=2), Content(b"\1", offset=5, depth=1)], b"\x18\x03...\1.."),
        ([Content(b"ab", starts=True), Content(b"d", offset=3, depth=2)], b"ab......"),
        ([Content(b"ab", starts=True, offset=2)], b"..ab...."),
        ([Content(b"a-b", offset=2, depth=3, nocase=True)], b"...-...."),
        ([Content(b"ab", offset=7, depth=2), Content(b"c", depth=1, negated=True)], b"........"),
        ([Content(b"ab", offset="n", depth=2), Content(b"ab"), Content(b"c", within=1)], b"........"),
    ],
)
def test_what_is_wanted_of_the_first_bytes(ops, wanted: bytes):
    mask, word = (number.to_bytes(8, "little") for number in beginning(ops))
    assert bytes(w if m else ord(".") for m, w in zip(mask, word, strict=True)) == wanted


@pytest.mark.parametrize(
    ("ops", "far"),
    [
        ([Content(b"abc")], ANYWHERE),
        ([Content(b"abc", depth=5)], 5),
        ([Content(b"abc", offset=2, depth=5)], 7),
        ([Content(b"abc", offset=2)], ANYWHERE),
        ([Content(b"abc", starts=True)], 3),
        ([Content(b"abc", within=9)], 9),
        ([Content(b"x", depth=1), Content(b"abc", distance=3, within=4)], 8),
        ([Content(b"x", depth="n"), Content(b"abc", distance=3, within=4)], ANYWHERE),
        ([Content(b"x", depth=1), Content(b"abc", distance=3, within="n")], ANYWHERE),
        ([Content(b"x", depth=1), ByteJump(1, 0), Content(b"abc", within=4)], ANYWHERE),
        ([Content(b"x", depth=1), IsDataAt(9), Content(b"abc", within=4)], 5),
        ([Content(b"xabcx", depth=5, chop=(1, 3)), Content(b"abc")], 5),
    ],
)
def test_how_far_a_literal_can_be(ops, far: int):
    assert min(reach(ops, b"abc"), ANYWHERE) == far
