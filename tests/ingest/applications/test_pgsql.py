from __future__ import annotations

import struct

from ingest.applications.pgsql import looks
from ingest.applications.tables import ANOMALIES


def message(kind, body=b""):
    return kind + struct.pack(">I", 4 + len(body)) + body


READY = message(b"Z", b"I")


def test_the_example(said):
    found = said("pgsql")
    assert found.values("pgsql.query") == [b"select 1"]
    assert [t.complete for t in found.transactions] == [3, 3, 3, 1]


def test_tls_goes_on(speak):
    asked = struct.pack(">II", 8, 80877103)
    assert speak("pgsql", [(0, asked), (1, b"S")], (4000, 5432)).parser.becomes == "tls"
    assert not speak("pgsql", [(0, asked), (1, b"N")], (4000, 5432)).parser.becomes


def test_queries_and_their_answers_keep_their_order(speak):
    turns = [
        (0, message(b"Q", b"one\0") + message(b"P", b"\0two\0") + message(b"S") + message(b"Q", b"three\0")),
        (1, message(b"C") + READY + READY + READY),
    ]
    for cut in (None, 1):
        found = speak("pgsql", turns, (4000, 5432), cut=cut)
        assert [b.get("pgsql.query") for b in found.buffers] == [[b"one"], None, [b"three"]]
        assert [t.complete for t in found.transactions] == [3, 3, 3]


def test_a_wrong_length_ends_a_direction(speak):
    found = speak("pgsql", [(0, b"Q\0\0\0\1select"), (1, READY)], (4000, 5432))
    assert [ANOMALIES[k] for k, *_ in found.parser.anomalies] == ["pgsql.invalid_length"]
    assert found.parser.done == [True, False]


def test_an_unknown_start_is_told(speak):
    found = speak("pgsql", [(0, struct.pack(">II", 8, 9 << 16))], (4000, 5432))
    assert [ANOMALIES[k] for k, *_ in found.parser.anomalies] == ["pgsql.malformed_request"]


def test_a_long_message_is_passed_over(speak):
    rows = message(b"d", bytes(3 << 20))
    found = speak("pgsql", [(1, rows + READY), (0, rows + message(b"Q", b"x\0"))], (4000, 5432), cut=100_000)
    assert found.values("pgsql.query") == [b"x"]
    assert not found.parser.anomalies


def test_it_goes_by_port_kind_and_length():
    ports = (4000, 5432)
    start = struct.pack(">II", 20, 3 << 16)
    assert [looks(0, data, ports) for data in (b"", start[:5], start, b"Q\0\0\0\x20", b"POST /")] == [
        None, None, True, True, False,
    ]  # fmt: skip
    assert [looks(1, data, ports) for data in (b"S", b"N", b"R\0", b"R\0\0\0\x08", b"\x16\3")] == [
        True, True, None, True, False,
    ]  # fmt: skip
    assert looks(0, start, (4000, 80)) is False
