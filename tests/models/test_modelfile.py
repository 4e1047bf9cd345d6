"""Model files: what is written is read, and what was changed is refused."""

from __future__ import annotations

import hashlib

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from citywall.errors import ModelRefused
from models.modelfile import MAGIC, Card, load, pack, require, save, unpack

CARD = Card(
    "flow", 1, "2026-03-02T00:00:00Z", ("a", "b"), ("normal", "attack"), 0.5, 7, {"sha256": "00"}, {}, {}
)  # fmt: skip
ARRAYS = {"x": np.arange(6, dtype=np.float32).reshape(2, 3), "y": np.array([1, -2], np.int64)}


def code(data: bytes) -> str:
    with pytest.raises(ModelRefused) as caught:
        unpack(data, "m.model")
    assert "m.model" in str(caught.value)
    assert "m.model" in caught.value.text("zh")
    return caught.value.code


def sealed(header: object, body: bytes = b"") -> bytes:
    text = msgspec.json.encode(header)
    whole = MAGIC + len(text).to_bytes(8, "little") + text + body
    return whole + hashlib.sha256(whole).digest()


def test_a_model_comes_back(tmp_path):
    written = save(tmp_path / "deep" / "m.model", CARD, ARRAYS)
    read = load(tmp_path / "deep" / "m.model")
    assert read.card == written.card == CARD
    assert read.id == written.id
    for name, array in ARRAYS.items():
        np.testing.assert_array_equal(read.arrays[name], array)
        assert read.arrays[name].dtype == array.dtype
    assert pack(CARD, dict(reversed(ARRAYS.items()))) == pack(CARD, ARRAYS)
    assert not list((tmp_path / "deep").glob("*.part"))


@settings(max_examples=60)
@given(at=st.integers(0, 1 << 30), to=st.integers(1, 255))
def test_one_byte_changed_is_refused(at, to):
    data = bytearray(pack(CARD, ARRAYS))
    data[at % len(data)] ^= to
    assert code(bytes(data)) in {"changed", "no_model", "newer"}


@given(cut=st.integers(0, 1 << 20), more=st.binary(max_size=3))
@settings(max_examples=30)
def test_cut_or_padded_files_are_refused(cut, more):
    data = pack(CARD, ARRAYS)
    assert code(data[: cut % len(data)] + more) in {"changed", "no_model"}


def test_a_newer_schema_is_refused_whatever_else_it_says():
    card = msgspec.to_builtins(CARD) | {"schema": 2, "invention": True}
    assert code(sealed({"card": card, "arrays": []})) == "newer"
    assert code(sealed({}).replace(MAGIC, b"citywall-model 2")) == "newer"


@pytest.mark.parametrize(
    "array",
    [
        {"name": "x", "dtype": "|O", "shape": [1], "offset": 0},
        {"name": "x", "dtype": "<f4", "shape": [-1], "offset": 0},
        {"name": "x", "dtype": "<f4", "shape": [1 << 62, 4], "offset": 0},
        {"name": "x", "dtype": "<f4", "shape": [3], "offset": 0},
        {"name": "x", "dtype": "<f4", "shape": [1], "offset": 4},
        {"name": "x", "dtype": "<f4", "shape": [1], "offset": -64},
        {"name": "x", "dtype": "<f4", "shape": [1, 1, 1, 1, 1], "offset": 0},
    ],
)
def test_arrays_that_lie_are_refused(array):
    assert code(sealed({"card": msgspec.to_builtins(CARD), "arrays": [array]}, bytes(8))) == "damaged"


def test_a_header_that_is_none_is_refused():
    assert code(sealed(["what"])) == "damaged"
    assert code(sealed({"card": {"schema": 1}, "arrays": []})) == "damaged"
    whole = MAGIC + (1 << 40).to_bytes(8, "little") + b"{}"
    assert code(whole + hashlib.sha256(whole).digest()) == "damaged"


def test_files_that_cannot_be_read(tmp_path):
    with pytest.raises(ModelRefused, match="cannot be read"):
        load(tmp_path / "nothing.model")


def test_a_feature_missing_is_refused():
    model = unpack(pack(CARD, ARRAYS), "m.model")
    require(model, "flow", ("b", "c", "a"), "m.model")
    with pytest.raises(ModelRefused, match="features that there are not: b"):
        require(model, "flow", ("a",), "m.model")
    with pytest.raises(ModelRefused, match="kind flow, not dga"):
        require(model, "dga", ("a", "b"), "m.model")


def test_only_plain_arrays_are_written():
    with pytest.raises(ValueError, match="do not hold"):
        pack(CARD, {"x": np.array([object()])})
