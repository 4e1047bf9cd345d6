from __future__ import annotations

import lzma

import pytest

from citywall.applicationsettings import ApplicationSettings
from ingest.applications.http1 import Http1
from ingest.applications.tables import ANOMALIES, KIND

GET = (0, b"GET /x HTTP/1.1\r\nHost: a\r\n\r\n")


def test_the_example(said):
    found = said("http")
    assert found.values("http.uri") == [b"/b c?q=A"]
    assert found.values("http.host") == [b"example.org"]
    assert found.values("file.data") == [b"hello"]
    assert found.transactions[0].complete == 3


def test_pipelined_requests_meet_their_answers(speak):
    ask = b"".join(b"GET /%d HTTP/1.1\r\nHost: a\r\n\r\n" % i for i in range(3))
    answer = b"".join(b"HTTP/1.1 20%d OK\r\nContent-Length: 1\r\n\r\n%d" % (i, i) for i in range(3))
    found = speak("http", [(0, ask), (1, answer)])
    assert [(b["http.uri"], b["http.stat_code"], b["http.response_body"]) for b in found.buffers] == [
        ([b"/%d" % i], [b"20%d" % i], [b"%d" % i]) for i in range(3)
    ]


def test_a_request_body_has_a_length_and_a_form_has_files(speak):
    form = b'--b\r\nContent-Disposition: form-data; name="f"; filename="a.txt"\r\n\r\nfile\r\n--b--\r\n'
    head = b"POST /up HTTP/1.1\r\nHost: a\r\nContent-Type: multipart/form-data; boundary=b\r\n"
    found = speak("http", [(0, head + b"Content-Length: %d\r\n\r\n" % len(form) + form), GET])
    assert found.values("http.request_body") == [form]
    assert (found.values("file.name"), found.values("file.data")) == ([b"a.txt"], [b"file"])
    assert found.values("http.uri") == [b"/up", b"/x"]


def test_an_answer_without_a_length_goes_on_to_the_end(speak):
    found = speak("http", [GET, (1, b"HTTP/1.0 200 OK\r\n\r\nall"), (1, b" of it")])
    assert found.values("http.response_body") == [b"all of it"]


def test_head_has_no_body_and_continue_is_no_answer(speak):
    found = speak(
        "http",
        [(0, b"HEAD / HTTP/1.1\r\nHost: a\r\n\r\n"), (1, b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"),
         GET,
         (1, b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n")],
    )  # fmt: skip
    assert found.values("http.stat_code") == [b"200", b"404"]


def test_a_gap_in_a_body_leaves_the_file_incomplete(speak):
    found = speak("http", [GET, (1, b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc")])
    parser = found.parser
    assert found.values("http.response_body") == [b"abc"]
    assert found.integers("file.complete") == [0]
    assert not found.values("file.md5")
    assert not parser.open


def test_over_bytes_lost_in_a_head_is_read_on():
    parser = Http1(ApplicationSettings(), (4000, 80))

    def feed(d, data, frame):
        parser.feed(d, data, ([len(data)], [frame], [frame]))

    feed(0, b"GET /mali", 1)
    parser.gap(0, 1, 2)
    feed(0, b"cious HTTP/1.1\r\nHost: a\r\n\r\n", 2)
    feed(1, b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab", 3)
    parser.gap(1, 40, 4)  # the rest of the body, and more
    feed(1, b"HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n", 4)
    (made,) = parser.closed
    values = [value for kind, *_, value in made.buffers if kind == KIND["http.uri"]]
    assert (values, made.response_frame) == ([b"/malicious"], 4)


def test_a_body_is_kept_up_to_its_limit(speak):
    answer = (1, b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n" + b"x" * 100)
    found = speak("http", [GET, answer], settings=ApplicationSettings(body_bytes=10))
    assert found.values("http.response_body") == [b"x" * 10]
    assert found.integers("file.size") == [100]


@pytest.mark.parametrize(
    ("head", "event"),
    [
        (b"Host: a b\r\n", "http.request_header_host_invalid"),
        (
            b"Host: a\r\nContent-Length: 0\r\nContent-Length: 0\r\n",
            "http.duplicate_content_length_field_in_request",
        ),
        (b"Host: a\r\nAuthorization: Fancy x\r\n", "http.request_auth_unrecognized"),
        (b"", "http.missing_host_header"),
        (b"Host: a\r\nnonsense\r\n", "http.request_field_missing_colon"),
    ],
)
def test_what_is_odd_is_told(speak, head, event):
    found = speak("http", [(0, b"GET / HTTP/1.1\r\n" + head + b"\r\n")])
    assert event in [ANOMALIES[kind] for kind, *_ in found.parser.anomalies]


def test_an_upgrade_is_another_protocol(speak):
    found = speak("http", [GET, (1, b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n")])
    assert found.parser.becomes == "?"


def test_a_body_that_nobody_announced_is_one(speak):
    found = speak("http", [(0, b"POST /a HTTP/1.1\r\nHost: a\r\n\r\nlogin=foo&password=bar")])
    assert found.values("http.request_body") == [b"login=foo&password=bar"]
    assert "http.request_body_unexpected" in [ANOMALIES[kind] for kind, *_ in found.parser.anomalies]
    pipelined = speak("http", [(0, GET[1] + GET[1])])
    assert len(pipelined.values("http.uri")) == 2


def test_a_request_that_forgot_its_protocol_has_fields(speak):
    found = speak("http", [(0, b"GET /gen.php?a=1\r\nUser-Agent: x\r\n\r\n")])
    assert found.values("http.user_agent") == [b"x"]
    assert found.values("http.uri") == [b"/gen.php?a=1"]
    assert speak("http", [(0, b"GET /old\r\n")]).values("http.uri") == [b"/old"]


def test_h2c_goes_on_as_http2(speak):
    ask = b"GET /x?y HTTP/1.1\r\nHost: a\r\nUpgrade: h2c\r\n\r\n"
    found = speak("http", [(0, ask), (1, b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\n\r\n")])
    assert found.parser.becomes == "http2:GET /x?y"


CHUNKED = b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"


@pytest.mark.parametrize("head", [
    b"HTTP/1.1 200 OK\r",  # a bare CR ends the status line
    b"HTTP/1.1 200 OK\n\rA: b\n\r",
    b"HTTP/1.1 200 OK\r\nA: b\r\n ",  # what seems to go on is a field
    b"HTTP/1.1 200 OK\r\nA: b\r\n\r\r",
    b"foobar\r\nHTTP/1.1 200 OK\r\n",  # a line of something else before the status
    b"HTTP/1.1 204 No\r\n",  # a body that is announced is there
    b"HTTP/1.1 101 Switching\r\n",
    b"HTTP/1.1 100 Continue\r\n",
])  # fmt: skip
@pytest.mark.parametrize("cut", [0, 12, 17, 24, 40])
def test_answers_are_read_as_lenient_browsers_read_them(speak, head, cut):
    answer = head + CHUNKED
    found = speak("http", [GET, *((1, part) for part in (answer[:cut], answer[cut:]) if part)])
    assert found.values("http.response_body") == [b"hello"]


def test_lzma_is_undone_where_it_is_asked_for(speak):

    body = lzma.compress(b"hello", lzma.FORMAT_ALONE)
    head = b"HTTP/1.1 200 OK\r\nContent-Encoding: lzma\r\nContent-Length: %d\r\n\r\n" % len(body)
    assert speak("http", [GET, (1, head + body)]).values("http.response_body") == [body]
    settings = ApplicationSettings(lzma=True)
    assert speak("http", [GET, (1, head + body)], settings=settings).values("http.response_body") == [
        b"hello"
    ]
