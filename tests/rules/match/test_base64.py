from __future__ import annotations

import base64

from hypothesis import given, settings
from hypothesis import strategies as st

from rules.match.base64 import decode


@settings(max_examples=50)
@given(st.binary(max_size=40))
def test_what_was_encoded_comes_back(data: bytes):
    text = base64.b64encode(data)
    for mode in ("rfc4648", "rfc2045", "strict"):
        assert decode(text, mode) == data


def test_up_to_what_cannot_be_decoded():
    assert decode(b"YWJj!!YWJj") == b"abc"
    assert decode(b"YW\r\nJj", "rfc2045") == b"abc"
    assert decode(b"YWJj!!", "strict") == b""
    assert decode(b"YWJjZ") == b"abc"
