"""What heads of HTTP/1 are told for."""

from __future__ import annotations

import pytest

from ingest.applications.http1_odd import MOST_FIELDS
from ingest.applications.tables import ANOMALIES

GET = (0, b"GET /x HTTP/1.1\r\nHost: a\r\n\r\n")


def events(found):
    return {ANOMALIES[kind].removeprefix("http.") for kind, *_ in found.parser.anomalies}


@pytest.mark.parametrize(("head", "event"), [
    (b"GET /x\r\nHost: a\r\n", "request_line_missing_protocol"),
    (b"GET /x HTTP/1.1\r\nHost: a\r\nA: 1\r\nA: 2\r\n", "request_header_repetition"),
    (b"GET /x HTTP/1.1\r\nHost: a\r\nA(: 1\r\n", "request_header_invalid"),
    (b"GET /x HTTP/1.1\r\nHost: a\r\n" + b"".join(b"h%d: 1\r\n" % i for i in range(MOST_FIELDS)),
     "request_too_many_headers"),
])  # fmt: skip
def test_requests(speak, head, event):
    assert events(speak("http", [(0, head + b"\r\n")])) == {event}


@pytest.mark.parametrize(("head", "event"), [
    (b"A: 1\r\nA: 2\r\n", "response_header_repetition"),
    (b"Transfer-Encoding: chunked, x\r\n", "response_abnormal_transfer_encoding"),
    (b"Content-Type: multipart/byteranges; boundary=x\r\n", "response_multipart_byteranges"),
    (b"Content-Encoding: gzip, identity, gzip\r\n", "too_many_encoding_layers"),
    (b"Content-Encoding: xgzip\r\n", "abnormal_ce_header"),
])  # fmt: skip
def test_answers(speak, head, event):
    assert events(speak("http", [GET, (1, b"HTTP/1.1 200 OK\r\n" + head + b"\r\n")])) == {event}


def test_lengths_that_differ(speak):
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: %d\r\n\r\nx"
    name = "duplicate_content_length_field_in_response"
    assert name in events(speak("http", [GET, (1, head % 2)]))
    assert name not in events(speak("http", [GET, (1, head % 1)]))


def test_chunks_of_an_old_protocol_and_with_extensions(speak):
    answer = b"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;x=y\r\na\r\n0\r\n\r\n"
    found = speak("http", [GET, (1, answer)])
    assert events(found) == {"response_chunked_old_proto", "response_chunk_extension"}
    assert found.values("http.response_body") == [b"a"]


def test_going_on_is_said_once(speak):
    again = b"HTTP/1.1 100 Continue\r\n\r\n"
    done = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
    assert events(speak("http", [GET, (1, again + done)])) == set()
    assert events(speak("http", [GET, (1, again + again + done)])) == {"100_continue_already_seen"}


def test_a_line_without_an_end_is_given_up(speak):
    found = speak("http", [(0, b"GET /" + b"x" * 20_000), (0, b"y" * 100)])
    assert events(found) == {"request_field_too_long"}
    assert found.parser.done == [True, True]


@pytest.mark.parametrize("head", [b"Host: a\r\nAccept: */*\r\n", b"Host: a\r\nCookie: b\r\n"])
def test_ordinary_heads_are_told_for_nothing(speak, head):
    answer = (1, b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 0\r\n\r\n")
    assert events(speak("http", [(0, b"GET / HTTP/1.1\r\n" + head + b"\r\n"), answer])) == set()
