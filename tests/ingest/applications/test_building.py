from __future__ import annotations

import numpy as np

from citywall.applicationsettings import ApplicationSettings
from ingest.applications.building import Builder, _in_one
from ingest.applications.compiled.reading import Reading
from ingest.applications.connection import Connection
from ingest.applications.tables import ANOMALIES
from ingest.applications.wanted import ALL
from ingest.reassembly.layout import ODD, ODDITY, SESSION
from ingest.reassembly.streams import Reassembler


def reading(*, keep):
    return Reading(ApplicationSettings(), ALL, keep=keep)


def test_transactions_stand_in_order_of_flow_and_number():
    builder = Builder(keep_streams=False, reading=reading(keep=False))
    for number in (5, 2):
        row = np.zeros(1, SESSION)
        row["number"] = number
        made = Connection(number, ApplicationSettings(), (1, 80), row.copy(), udp=False)
        for text in (b"GET /a HTTP/1.1\r\nHost: a\r\n\r\n", b"GET /b HTTP/1.1\r\nHost: a\r\n\r\n"):
            made.feed(0, text, ([len(text)], [1], [1]))
        made.end(1)
        builder.take(made)
    tables = builder.build([], Reassembler(ApplicationSettings()))
    assert tables.transactions["flow"].tolist() == [0, 0, 1, 1]
    assert tables.transactions["number"].tolist() == [0, 1, 0, 1]
    assert tables.values("http.uri") == [b"/a", b"/b"] * 2
    assert len(builder.build([], Reassembler(ApplicationSettings())).transactions) == 0


def test_odd_things_of_streams_bear_suricatas_names():
    builder = Builder(keep_streams=True, reading=reading(keep=True))
    odd = np.zeros(1, ODDITY)
    odd["kind"] = ODD.index("reassembly_seq_gap")
    builder.odd(odd)
    tables = builder.build([], Reassembler(ApplicationSettings()))
    assert ANOMALIES[int(tables.anomalies["kind"][0])] == "stream.reassembly_seq_gap"


def test_arenas_are_copied_only_where_they_do_not_lie_together():
    room = np.arange(9, dtype=np.uint8)
    made = _in_one([room[2:4], room[4:4], room[4:9]])
    assert made.tolist() == [2, 3, 4, 5, 6, 7, 8]
    assert made.base is room
    for parts in ([room[2:4], room[5:6]], [room[4:9], room[2:4]], [room[2:4], room.copy()[4:9]], [room]):
        assert _in_one(parts).tobytes() == b"".join(part.tobytes() for part in parts)
        assert _in_one(parts).base is not room
