"""Where heads end."""

from __future__ import annotations

from ingest.applications.http1_heads import MOST_TRIES

GET = (0, b"GET /x HTTP/1.1\r\nHost: a\r\n\r\n")


def test_a_line_of_blanks_ends_a_request_but_not_an_answer(speak):
    found = speak("http", [(0, b"GET /x HTTP/1.1\r\nHost: a\r\n \r\nPOST /y HTTP/1.1\r\nHost: b\r\n\r\n")])
    assert found.values("http.uri") == [b"/x", b"/y"]
    answer = b"HTTP/1.1 200 OK\r\nA: b\r\n \r\nContent-Length: 2\r\n\r\nhi"
    assert speak("http", [GET, (1, answer)]).values("http.response_body") == [b"hi"]


def test_a_strange_head_that_comes_byte_by_byte_is_read_so_often_and_no_more(speak):
    answer = b"HTTP/1.1 200 OK\rA: " + b"x" * (MOST_TRIES // 2) + b"\r\nContent-Length: 2\r\n\r\nhi"
    assert speak("http", [GET, (1, answer)], cut=1).values("http.response_body") == [b"hi"]
    long = b"HTTP/1.1 200 OK\rA: " + b"x" * 2 * MOST_TRIES + b"\r\nContent-Length: 2\r\n\r\nhi"
    assert speak("http", [GET, (1, long)], cut=1).parser.tries <= 2 * MOST_TRIES


def test_what_is_no_status_line_is_skipped_before_one_and_else_a_body(speak):
    assert speak("http", [GET, (1, b"junk\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx")]).values(
        "http.stat_code"
    ) == [b"200"]
    assert speak("http", [GET, (1, b"junk\r\nmore")]).values("http.response_body") == [b"junk\r\nmore"]
