from __future__ import annotations

import hashlib
import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from citywall import canonical

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(1 << 63), (1 << 63) - 1) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)


class Pair(msgspec.Struct):
    b: int
    a: str


def test_form() -> None:
    assert canonical.encode({"b": [1, None, True], "a": "城\n"}) == '{"a":"城\\n","b":[1,null,true]}'.encode()


@given(VALUES)
def test_reading_and_writing_again_gives_the_same_bytes(value: Any) -> None:
    written = canonical.encode(value)
    assert canonical.decode(written) == json.loads(written) == value
    oracle = json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    assert written == oracle.encode()


@pytest.mark.parametrize(
    "data",
    [b"", b"{", b'{"a": 1}', b'{"b":1,"a":2}', b'{"a":1,"a":1}', b'"\\u00e9"', b"1.50", b"\xff",
     b"[" * 60_000, b'"\\ud800"', b"NaN", b"1 "],
)  # fmt: skip
def test_what_is_no_canonical_form(data: bytes) -> None:
    with pytest.raises(ValueError):
        canonical.decode(data)


@pytest.mark.parametrize("value", [1.5, {1: 2}, [b"x"], {"a": {"b": {1, 2}}}, "\ud800", 1 << 70])
def test_what_has_no_canonical_form_is_refused(value: Any) -> None:
    with pytest.raises(ValueError):
        canonical.encode(value)


def test_digest_of_a_struct_is_that_of_its_fields() -> None:
    assert canonical.digest(Pair(1, "x")) == canonical.digest({"a": "x", "b": 1})
    assert canonical.digest(Pair(1, "x")) != canonical.digest(Pair(1, "y"))
    assert canonical.digest(Pair(1, "x")).startswith("sm3:")


def test_both_hashes() -> None:
    sm3, sha256 = canonical.hashes(b"abc")
    assert sm3.startswith("66c7f0f4")
    assert sha256 == hashlib.sha256(b"abc").hexdigest()
