"""Python goes on where a kernel stopped: in the middle of anything, with all that was known."""

from __future__ import annotations

import numpy as np
import pytest

from ingest.applications.analysis import Analyser
from ingest.applications.compiled import handing, reading
from ingest.applications.parser import Transaction
from ingest.applications.tables import ANOMALIES, KIND, KINDS

GET = b"GET /a HTTP/1.1\r\nHost: a\r\n\r\n"
POST = b"POST /b?c HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n"
LENGTH = b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
NAMED = b'HTTP/1.1 200 OK\r\nContent-Disposition: attachment; filename="n"\r\nContent-Length: 9\r\n\r\n'
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
STRANGE = b"HTTP/1.1 200 OK\nContent-Length: 1\n\nx"

#: Turns that Python has to end.
HANDED = {
    "cut off in a length": [(0, GET), (1, LENGTH + b"abc")],
    "cut off in a named body": [(0, GET), (1, NAMED + b"abc")],
    "cut off in a chunk": [(0, GET), (1, CHUNKED + b"5\r\nab")],
    "cut off in a size": [(0, GET), (1, CHUNKED + b"5\r\nabcde\r\n")],
    "cut off behind a chunk": [(0, GET), (1, CHUNKED + b"5\r\nabcde")],
    "cut off in a head": [(0, GET), (1, LENGTH[:25])],
    "cut off in a request's body": [(0, GET), (1, LENGTH + b"123456789"), (0, POST + b"x")],
    "a size of a request's chunk that is none": [
        (0, POST.replace(b"Content-Length: 9", b"Transfer-Encoding: chunked") + b"x\r\nabc"),
    ],
    "a body that nobody announced": [(0, GET.replace(b"GET", b"POST") + b"login=a\r\nb=c")],
    "requests that wait": [
        (0, GET * 3),
        (1, LENGTH + b"123456789"),
        (1, STRANGE),
        (1, LENGTH + b"abcdefghi"),
    ],
    "going on": [(0, POST), (1, CONTINUE), (1, CONTINUE + STRANGE), (0, b"123456789")],
    "an answer within a request": [(0, POST + b"1"), (1, STRANGE), (0, b"23456789" + GET), (1, LENGTH)],
    "an upgrade": [(0, GET), (1, b"HTTP/1.1 101 X\r\nUpgrade: websocket\r\n\r\n"), (1, b"\x81\5hello")],
    "no head at all": [(0, GET), (1, b"\xfe\xff")],
    "an answer without a request": [(0, GET), (1, LENGTH + b"123456789" + LENGTH)],
    "a strange head that is cut off": [(0, GET), (1, CHUNKED.replace(b": ", b":\r\n "))],
    "the old way": [(0, GET), (1, LENGTH + b"123456789"), (0, b"GET /old\r\n"), (1, b"it")],
}


@pytest.fixture
def handed(monkeypatch):
    """Flows that were handed over."""
    seen, fill = [], handing.fill

    def noting(connection, mem, at, *given):
        seen.append(int(mem.flows["handed"][at]))
        fill(connection, mem, at, *given)

    monkeypatch.setattr(reading.handing, "fill", noting)
    return seen


@pytest.mark.parametrize("name", HANDED)
def test_python_goes_on(packets, alike, handed, name):
    for size in (1000, 11):
        cut = [(d, data[at : at + size]) for d, data in HANDED[name] for at in range(0, len(data), size)]
        rows, buffer = packets.decoded(packets.conversation(cut, (4000, 80)))
        for batch, growing in ((0, False), (3, True)):
            handed.clear()
            alike(rows, buffer, batch, growing=growing)
            assert len(handed) == 1


def test_python_goes_on_with_ftp(packets, alike, handed):
    """Before AUTH, with commands that wait, a reply that goes on and a place that was named."""
    turns = [
        (0, b"USER a\r\n"), (1, b"331-more\r\n"), (0, b"PORT 10,0,0,1,9,9\r\nAUTH TLS\r\nRETR x\r\n"),
        (1, b"331 word?\r\n200 ok\r\n500 no\r\n150 "), (1, b"wait\r\n"),
    ]  # fmt: skip
    for size in (1000, 7):
        cut = [(d, data[at : at + size]) for d, data in turns for at in range(0, len(data), size)]
        rows = packets.conversation(cut, (4000, 21), fin=False)
        rows += packets.conversation([(0, b"the file")], (20, 2313))
        for batch, growing in ((0, False), (3, True)):
            handed.clear()
            told = alike(*packets.decoded(rows), batch, growing=growing)
            assert len(handed) == 1
            assert b"RETR" in [value for table in told for value in table.values("ftp.command")]


@pytest.mark.parametrize("answer", [LENGTH, CHUNKED + b"fff\r\n", b"HTTP/1.0 200 OK\r\n\r\n", NAMED])
@pytest.mark.parametrize("growing", [False, True])
def test_holes(packets, alike, handed, answer, growing):
    """A hole in a body, in a head, and in a request."""
    body = answer.replace(b": 9", b": 3000") + bytes(2500)
    rows = packets.conversation(
        [(0, GET), (1, body[:1000]), (1, body[1000:1400]), (1, body[1400:])], (4000, 80)
    )
    for lost in (5, 7, 9):
        handed.clear()
        alike(*packets.decoded(rows[:lost] + rows[lost + 1 :]), 3 * growing, growing=growing)
        assert len(handed) == 1


def test_memory_is_given_back(packets, handed):
    """Nothing is left of flows that went over."""
    analyser = Analyser(reading.ApplicationSettings(), growing=True)
    frame = 1
    for _ in range(4):
        rows, buffer = packets.decoded(
            [
                packet
                for port in range(4000, 4040)
                for packet in packets.conversation([(0, GET), (1, STRANGE)], (port, 80))
            ]
        )
        analyser.add(rows, frame, buffer)
        frame += len(rows)
        told = analyser.tables()
        assert len(told.values("http.stat_code")) == 40
    meta, at = analyser._reading._meta, reading.META_AT
    assert len(handed) == 160
    assert meta[at["txs"]] == meta[at["free_txs"]]
    assert meta[at["nodes"]] == meta[at["free_nodes"]]
    assert meta[at["pages"]] == meta[at["free_pages"]]


def test_a_body_that_was_left():
    numbers = (4, 4, 4, 22, 0, 2, 0)
    data = np.array(numbers, np.int64).tobytes() + b"datagzipattachment; filename=f/p"
    made = Transaction(2, 0, 0, 0)
    assert ANOMALIES[handing.body(data, 1, 9, made, reading.ApplicationSettings())] == (
        "http.gzip_decompression_failed"
    )
    assert {(KINDS[row[0]], row[4]) for row in made.buffers} >= {
        ("http.response_body", b"data"), ("file.name", b"f"),
    }  # fmt: skip
    assert all(row[3] == 9 for row in made.buffers)
    assert KIND["file.md5"] in {row[0] for row in made.buffers}
