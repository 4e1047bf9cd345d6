from __future__ import annotations

import pytest

from posture import reading
from posture.records import Register, from_text, impersonal, to_text


def test_there_and_back(small, write):
    register = reading.read([write(small)])
    assert from_text(to_text(register)) == register
    assert from_text(to_text(Register())) == Register()


def test_what_goes_into_a_run_names_nobody(small, write):
    text = to_text(impersonal(reading.read([write(small)])))
    for personal in ("赵", "钱", "Data Bureau", "Public zone"):
        assert personal not in text
    assert "大数据局" in text


@pytest.mark.parametrize("text", ["", "{", "[]", '{"units": [{"id": 1}]}', '{"assets": [{}]}'])
def test_what_is_no_register(text: str):
    with pytest.raises(ValueError, match="no register"):
        from_text(text)
