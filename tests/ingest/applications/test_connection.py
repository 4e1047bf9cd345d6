from __future__ import annotations

import numpy as np

from citywall.applicationsettings import ApplicationSettings
from ingest.applications.connection import MOST_UNKNOWN, Connection
from ingest.applications.http1 import Http1
from ingest.applications.tables import KIND, PROTOCOL, PROTOCOLS
from ingest.reassembly.layout import SESSION


def connection(ports=(4000, 80), udp=False, expected=""):
    return Connection(1, ApplicationSettings(), ports, np.zeros(1, SESSION), udp=udp, expected=expected)


def feed(made, direction, data, frame=1):
    made.feed(direction, data, ([len(data)], [frame], [frame]))


def test_it_is_recognised_once_enough_is_there():
    made = connection((4000, 9999))
    feed(made, 0, b"GE")
    assert made.parser is None
    feed(made, 0, b"T /x HTTP/1.1\r\nHost: a\r\n\r\n", 2)
    made.end(3)
    (transaction,), _ = made.collect()
    assert PROTOCOLS[transaction.protocol] == "http"
    assert (transaction.first_frame, made.protocol_frame) == (2, 2)  # nothing of it was known before


def test_what_nobody_knows_is_given_up():
    made = connection((4000, 9999))
    feed(made, 0, b"\xfe" * MOST_UNKNOWN)
    assert made.over()
    assert made.protocol == PROTOCOL["failed"]


def test_one_protocol_follows_another():
    made = connection((4000, 25))
    feed(made, 1, b"220 mx\r\n")
    feed(made, 0, b"EHLO a\r\nSTARTTLS\r\n")
    feed(made, 1, b"250 a\r\n220 go\r\n\x16\3\1\0\2\2\0")
    assert made.parser is not None
    assert made.parser.name == "tls"
    assert made.protocol == PROTOCOL["smtp"]
    made.end(9)
    numbers = [t.number for t in made.collect()[0]]
    assert len(set(numbers)) == len(numbers)


def test_after_connect_anything_may_come():
    made = connection((4000, 3128))
    feed(made, 0, b"CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n")
    feed(made, 1, b"HTTP/1.1 200 OK\r\n\r\n")
    feed(made, 0, b"GET / HTTP/1.1\r\nHost: b\r\n\r\n")
    made.end(3)
    assert len(made.collect()[0]) == 2


def test_what_was_announced_needs_no_recognising():
    made = connection((4000, 21001), expected="ftp-data:RETR:a")
    feed(made, 1, b"\0\1\2")
    made.end(2)
    assert made.protocol == PROTOCOL["ftp-data"]
    assert made.collect()[0]


def test_a_parser_that_fails_ends_the_reading_of_its_connection_only(monkeypatch):
    made = connection((4000, 80))
    feed(made, 0, b"GET / HTTP/1.1\r\n")
    monkeypatch.setattr(type(made.parser), "advance", lambda *_: {}["nothing"])
    feed(made, 0, b"Host: a\r\n\r\n", 2)
    assert made.over()
    assert made.collect()[1]


def test_only_what_is_wanted_is_read():
    made = connection((4000, 80))
    made.settings = ApplicationSettings(protocols=("dns",))
    feed(made, 0, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    feed(made, 1, b"HTTP/1.1 200 OK\r\n\r\n")
    assert made.parser is None
    assert made.over()


def test_what_comes_with_an_upgrade_is_the_next_protocols():
    made = connection()
    feed(made, 0, b"GET /x HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n\r\n", 1)
    feed(made, 1, b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n\x81\2hi", 2)
    closed, _ = made.collect()
    (said,) = [v for tx in closed for kind, *_, v in tx.buffers if kind == KIND["websocket.payload"]]
    assert said == b"hi"


def test_numbers_go_on_behind_an_upgrade_to_http2():
    made = connection()
    ask = b"GET /x HTTP/1.1\r\nHost: a\r\nUpgrade: h2c\r\n\r\n"
    feed(made, 0, ask)
    feed(made, 1, b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\n\r\n", 2)
    made.end(3)
    closed = sorted(made.collect()[0], key=lambda transaction: transaction.number)
    assert [(each.number, PROTOCOLS[each.protocol]) for each in closed] == [(0, "http"), (1, "http2")]


def test_what_comes_with_an_upgrade_to_http2_is_known_behind_it():
    made = connection()
    feed(made, 0, b"GET /x HTTP/1.1\r\nHost: a\r\nUpgrade: h2c\r\n\r\n")
    settings = b"\0\0\0\4\0\0\0\0\0"
    feed(made, 1, b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\n\r\n" + settings, 2)
    assert made.spoken()[2:] == (PROTOCOL["http2"], 3, (2, 2, 0, PROTOCOL["http2"]), (1, 2, 0, 3))


def test_a_piece_that_is_fed_apart():
    """What a request is followed by in one feed may be its body; what comes by itself is another request."""
    ask, more = b"POST /a HTTP/1.1\r\nHost: a\r\n\r\n", b"login=a\r\n"
    bodies = []
    for apart in (False, True):
        made = connection()
        made.go_on(Http1(ApplicationSettings()), PROTOCOL["http"], 1, (PROTOCOL["http"], 0), (1, 0))
        made.apart = apart
        made.feed(0, ask + more, ([len(ask), len(more)], [1, 2], [1, 2]))
        assert not made.apart
        made.end(3)
        closed, _ = made.collect()
        bodies += [row[4] for each in closed for row in each.buffers if row[0] == KIND["http.request_body"]]
        assert made.spoken()[:2] == (PROTOCOL["http"], 1)
    assert bodies == [more]
