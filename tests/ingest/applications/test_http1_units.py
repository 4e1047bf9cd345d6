from __future__ import annotations

from citywall.applicationsettings import ApplicationSettings
from ingest.applications.http1 import Http1
from ingest.applications.http1_units import MOST_UNIT, Kept
from ingest.applications.tables import UNITS


def test_a_request_and_an_answer_are_units_from_their_first_byte_to_their_last(speak):
    ask = b"POST /%d HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc"
    answer = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nxy\r\n0\r\n\r\n"
    turns = [(0, ask % 1), (1, answer), (0, ask % 2), (1, answer)]
    for cut in (1, 7, 1000):
        found = speak("http", turns, (4000, 80), cut=cut, settings=ApplicationSettings(units=True))
        assert [(UNITS[kind], data) for kind, _, _, data, _ in found.parser.units] == [
            ("http.request", ask % 1), ("http.response", answer),
            ("http.request", ask % 2), ("http.response", answer),
        ]  # fmt: skip


def test_what_lost_bytes_beside_a_body_is_no_unit():
    ask = b"GET /1 HTTP/1.1\r\nHost: a\r\n\r\n"
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n"
    parser = Http1(ApplicationSettings(units=True), (4000, 80))

    def feed(d, data, frame):
        parser.feed(d, data, ([len(data)], [frame], [frame]))

    feed(0, ask[:6], 1)
    parser.gap(0, 4, 2)
    feed(0, ask[6:], 2)  # read as if nothing were missing, but what stands there did not stand there
    feed(1, answer + b"abc", 3)
    parser.gap(1, 6, 4)  # the rest of a body
    feed(0, ask, 5)
    feed(1, answer, 6)
    parser.gap(1, 99, 7)  # a body and what came behind it
    feed(1, answer + b"x" * 9, 8)
    told = [(UNITS[kind], frame, data) for kind, _, frame, data, _ in parser.units]
    assert told == [
        ("http.response", 4, answer + b"abc"), ("http.request", 5, ask), ("http.response", 7, answer),
    ]  # fmt: skip


def test_a_unit_is_kept_up_to_a_limit():
    stream = Kept()
    for _ in range(3):
        stream.take(bytes(MOST_UNIT // 2 + 1), ([MOST_UNIT // 2 + 1], [1], [1]))
        stream.drop(MOST_UNIT // 2 + 1)
    assert len(stream.used) == MOST_UNIT
