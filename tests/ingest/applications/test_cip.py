from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.applications.cip import ATTRIBUTE, CLASS, INSTANCE, Malformed, read

PATH = b"\3\x20\1\x24\1\x30\5"


def test_a_request_names_what_it_is_about():
    message, size = read(b"\x0e" + PATH)
    assert (message.service, message.answer, size) == (14, False, 8)
    assert message.segments == [(CLASS, 1), (INSTANCE, 1), (ATTRIBUTE, 5)]


def test_numbers_of_two_and_four_bytes():
    message, _ = read(b"\x0e\5\x21\0\x34\x12\x26\0\1\0\0\x80")
    assert message.segments == [(CLASS, 0x1234), (INSTANCE, 0x80000001)]


def test_lists_of_attributes():
    assert read(b"\3\0\2\0\7\0\x08\0")[0].attributes == [7, 8]
    assert read(b"\4\0\2\0\7\0\1")[0].attributes == [7]


def test_an_answer_has_a_status():
    message, size = read(b"\x8e\0\5\2\1\2rest")
    assert (message.status, message.extended, size) == (5, b"\1\2", 6)


def test_messages_in_a_message():
    inner = b"\x0e" + PATH
    message, _ = read(b"\x0a\0\2\0\6\0\x0e\0" + inner * 2)
    assert [(at, size, one.service) for at, size, one in message.inner] == [(8, 8, 14), (16, 8, 14)]


@pytest.mark.parametrize(
    "data",
    [b"", b"\x0e", b"\x0e\1\x20", b"\x0e\1\x40\1", b"\x8e\0\0\5", b"\x0a\0\1\0\xff\xff", b"\3\0\2\0\7\0"],
)
def test_what_is_none_is_refused(data):
    with pytest.raises(Malformed):
        read(data)


@given(st.binary(max_size=60))
def test_any_bytes_are_read_or_refused(data):
    try:
        message, size = read(data)
    except Malformed:
        return
    assert size > 0
    assert len(message.inner) <= 256
