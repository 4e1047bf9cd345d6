from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rules.language.model import Asn1
from rules.match.ber import MOST, meets

#: X.690 (2002), A.3.
RECORD = bytes.fromhex(
    "6081856110 1a044a6f686e1a0150 1a05536d697468 a00a1a084469726563746f72 420133 a10a43083139373130393137"
    "a21261101a044d6172791a01541a05536d697468 a342311f61111a0552616c7068 1a01541a05536d697468 a00a4308"
    "3139353731313131 311f61111a0553757361 6e1a01421a054a6f6e6573a00a4308 3139353930373137"
)
LONG = b"\x09\x82\x01\x01" + b"\x05" * 257


@pytest.mark.parametrize(
    ("op", "data", "last", "expected"),
    [
        (Asn1(longest=132), RECORD, 0, True),
        (Asn1(longest=133), RECORD, 0, False),
        (Asn1(bits=True), b"\x03\x01\xff", 0, True),
        (Asn1(bits=True), b"\x03\x01\x07", 0, False),
        (Asn1(bits=True), b"\x30\x03\x03\x01\xff", 0, True),  # in a sequence
        (Asn1(bits=True), b"\xa0\x03\x03\x01\xff", 0, False),  # a context's own: not looked into
        (Asn1(bits=True), b"\x30\x80\x03\x01\xff\0\0", 0, True),  # closed by a mark
        (Asn1(bits=True), b"\x30\x80\x03\x01\xff", 0, False),
        (Asn1(bits=True), b"\x04\x01a\x03\x01\xff", 0, True),  # behind another
        (Asn1(bits=True), b"\x04\x05a\x03\x01\xff", 0, False),  # cut off
        (Asn1(bits=True, offset=2), b"xx\x03\x01\xff", 9, True),
        (Asn1(bits=True, offset=-1, relative=True), b"xx\x03\x01\xff", 3, True),
        (Asn1(bits=True, offset=-4, relative=True), b"xx\x03\x01\xff", 3, False),
        (Asn1(double=True), LONG, 0, True),
        (Asn1(double=True), b"\x09\x82\x01\x00" + LONG[4:-1], 0, False),
        (Asn1(double=True), LONG[:4] + b"\x80" + LONG[5:], 0, False),  # in binary
        (Asn1(longest=5), b"\x1f\x85\x09\x06abcdef", 0, True),  # a long tag
        (Asn1(longest=0), b"\x04\x01a" * (MOST + 1), 0, False),
        (Asn1(longest=0), b"\x04\x8faaaa", 0, False),
        (Asn1(longest=0), b"\x30" * 600, 0, False),
    ],
)
def test_what_is_odd(op: Asn1, data: bytes, last: int, expected: bool):
    assert meets(op, data, last) is expected


@given(st.binary(max_size=60), st.integers(-3, 70), st.booleans())
@settings(max_examples=60, deadline=None)
def test_any_bytes_have_an_answer(data: bytes, last: int, relative: bool):
    assert meets(Asn1(longest=3, bits=True, double=True, relative=relative), data, last) in {True, False}


def test_deep_objects_end():
    inner = b""
    for _ in range(400):
        size = len(inner)
        head = bytes([size]) if size < 128 else b"\x82" + size.to_bytes(2, "big")
        inner = b"\x30" + head + inner
    assert meets(Asn1(longest=1), inner, 0) is False
