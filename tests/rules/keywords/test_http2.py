from __future__ import annotations

import pytest

from rules.language.model import Number
from tests.rules.keywords.reading import read, refused


def test_frames_by_name_and_number():
    assert read("http2.frametype:GOAWAY;", "http2").fields == [Number("http2.frametype", 7, 7)]
    assert read("http2.errorcode:INADEQUATE_SECURITY;", "http2").fields == [Number("http2.errorcode", 12, 12)]
    assert read("http2.priority:>100;", "http2").fields == [Number("http2.priority", 101, 255)]


@pytest.mark.parametrize(
    "options", ["http2.frametype:NONE;", "http2.settings:OTHER=1;", "http2.priority:300;"]
)
def test_refused(options):
    assert refused(options, "http2")


def frame(kind, flags, stream, body=b""):
    return len(body).to_bytes(3, "big") + bytes((kind, flags)) + stream.to_bytes(4, "big") + body


def test_settings_are_compared_one_by_one(sids):
    from tests.rules.conftest import tcp

    start = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame(4, 0, 0, b"\0\2\0\0\0\0" + b"\0\3\0\0\0\x64")
    text = """
alert http2 any any -> any any (http2.settings:SETTINGS_ENABLE_PUSH=0; sid:1;)
alert http2 any any -> any any (http2.settings:SETTINGS_ENABLE_PUSH!=0; sid:2;)
alert http2 any any -> any any (http2.settings:SETTINGS_MAX_CONCURRENT_STREAMS>50; sid:3;)
alert http2 any any -> any any (http2.settings:SETTINGS_MAX_FRAME_SIZE; sid:4;)
alert http2 any any -> any any (frame:http2.hdr; content:"|04|"; offset:3; depth:1; sid:5;)
"""
    assert sorted(sids(text, tcp([(0, start)]))) == [1, 3, 5]
