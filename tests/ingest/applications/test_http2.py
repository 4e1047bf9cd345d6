from __future__ import annotations

import pytest

from citywall.applicationsettings import ApplicationSettings
from ingest.applications.http2 import MAGIC, looks
from ingest.applications.tables import ANOMALIES, UNITS


def frame(kind, flags, stream, body=b""):
    return len(body).to_bytes(3, "big") + bytes((kind, flags)) + stream.to_bytes(4, "big") + body


def events(found):
    return {ANOMALIES[kind] for kind, *_ in found.parser.anomalies}


def test_requests_and_responses_by_their_http_names(said):
    found = said("http2")
    exchange = next(b for b in found.buffers if b.get("http.method") == [b"POST"])
    assert exchange["http.uri"] == [b"/a/b?q=1"]
    assert exchange["http.host"] == [b"example.org"]
    assert exchange["http.host.raw"] == [b"User@Example.ORG:8443"]
    assert exchange["http.user_agent"] == [b"agent/1"]
    assert exchange["http.request_line"] == [b"POST /a/b?q=1 HTTP/2\r\n"]
    assert b"x-a: one\r\nx-a: two\r\n" in exchange["http.header"][0]
    assert b"cookie" not in exchange["http.header"][0]
    assert exchange["http.cookie"] == [b"k=v", b"z=1"]
    assert exchange["http.request_body"] == [b"a=1&b=2"]
    assert exchange["http.response_body"] == [b"hello"]
    assert exchange["http.stat_code"] == [b"200"]
    assert exchange["http2.header_name"][:2] == [b":method", b":scheme"]


def test_frames_are_counted_by_stream(said):
    found = said("http2")
    assert found.integers("http2.frametype").count(4) == 2  # the empty one says nothing
    assert found.integers("http2.settings") == [2 << 32, 3 << 32 | 100]
    assert found.integers("http2.window") == [256]
    assert found.integers("http2.errorcode") == [8]
    assert found.values("http.method") == [b"POST", b"GET"]  # the second came in two frames
    assert [t.complete for t in found.transactions].count(3) == 1


def test_what_authority_must_not_be(said):
    assert {"http2.userinfo_in_uri", "http2.authority_host_mismatch"} <= events(said("http2"))


@pytest.mark.parametrize(
    ("body", "event"),
    [
        (frame(3, 0, 1, b"abc"), "http2.invalid_frame_length"),
        (frame(1, 4, 1, b"\x40\x09short"), "http2.invalid_frame_data"),
        (frame(1, 4, 1, b"\xff\x80\x01"), "http2.invalid_header"),
        (frame(0, 0, 0, b"x"), "http2.data_stream_zero"),
        (frame(8, 0, 0, bytes(300) * 250), "http2.long_frame_data"),
        (frame(1, 4, 1, b"\x7f" + b"\xff" * 10 + b"\1\1v"), "http2.header_integer_overflow"),
    ],
)
def test_what_is_odd_is_told(speak, body, event):
    start = MAGIC + frame(6, 0, 0, bytes(8))
    cut = 9 + 300 if event == "http2.long_frame_data" else None
    turns = [
        (0, start),
        *((0, body[at : at + (cut or len(body))]) for at in range(0, len(body), cut or len(body))),
    ]
    assert event in events(speak("http2", turns))


def test_bodies_are_kept_up_to_their_limit(speak):
    turns = [(0, MAGIC + frame(1, 4, 1, b"\x83\x84") + frame(0, 0, 1, b"x" * 50) + frame(0, 1, 1, b"y" * 50))]
    found = speak("http2", turns, settings=ApplicationSettings(body_bytes=10))
    assert found.values("http.request_body") == [b"x" * 10]
    assert found.integers("file.size") == [100]
    assert found.integers("file.complete") == [0]


def test_an_upgraded_request_is_the_first_stream(speak):
    found = speak("http2", [(0, MAGIC), (1, frame(1, 5, 1, b"\x88"))], about="GET /old")
    assert found.buffers[0]["http.uri"] == [b"/old"]
    assert found.buffers[0]["http.stat_code"] == [b"200"]


def test_units_only_where_they_are_wanted(speak, examples):
    turns = examples["http2"][0]
    assert not speak("http2", turns).parser.units
    units = speak("http2", turns, settings=ApplicationSettings(units=True)).parser.units
    assert [UNITS[kind] for kind, *_ in units[:3]] == ["http2.hdr", "http2.data", "http2.pdu"]
    assert units[2][3] == units[0][3] + units[1][3]


def test_how_it_is_recognised():
    assert looks(0, MAGIC, (1, 80))
    assert looks(0, b"PRI", (1, 80)) is None
    assert looks(1, frame(4, 0, 0, bytes(6)), (1, 80))
    assert not looks(1, frame(4, 0, 1, bytes(6)), (1, 80))
    assert not looks(0, b"GET / HTTP/1.1", (1, 80))
