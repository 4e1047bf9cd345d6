"""SM3 against the examples of GB/T 32905-2016 (appendix A) and against OpenSSL's."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from citywall import sm3

EXAMPLES = {
    b"abc": "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0",
    b"abcd" * 16: "debe9ff92275b8a138604889c18e5a4d6fdb70e5387e5765293dcba39c0c5732",
}


@pytest.mark.parametrize(("data", "expected"), EXAMPLES.items(), ids=["A.1", "A.2"])
def test_examples_of_the_standard(data: bytes, expected: str) -> None:
    assert sm3.PlainSm3(data).hexdigest() == expected
    assert sm3.hexdigest(data) == expected


@pytest.mark.skipif("sm3" not in hashlib.algorithms_available, reason="this OpenSSL has no SM3")
@given(st.lists(st.binary(max_size=200), max_size=4))
def test_as_openssl_does_whatever_the_pieces(pieces: list[bytes]) -> None:
    plain = sm3.PlainSm3()
    for piece in pieces:
        plain.update(piece)
        plain.digest()  # looking does not disturb
    assert plain.digest() == hashlib.new("sm3", b"".join(pieces)).digest()


@pytest.mark.parametrize("length", [0, 54, 55, 56, 63, 64, 65, 119, 120, 128])
def test_padding_at_the_edges_of_a_block(length: int) -> None:
    whole = sm3.PlainSm3(b"x" * length)
    split = sm3.PlainSm3(b"x" * (length // 2))
    split.update(b"x" * (length - length // 2))
    assert whole.hexdigest() == split.hexdigest()
    if "sm3" in hashlib.algorithms_available:
        assert whole.hexdigest() == hashlib.new("sm3", b"x" * length).hexdigest()


def test_plain_python_where_openssl_has_none(monkeypatch: pytest.MonkeyPatch) -> None:
    def without(name: str, *_: object, **__: object) -> object:
        raise ValueError(f"unsupported hash type {name}")

    monkeypatch.setattr(hashlib, "new", without)
    assert isinstance(sm3.new(b"a"), sm3.PlainSm3)
    assert sm3.hexdigest(b"abc") == EXAMPLES[b"abc"]
