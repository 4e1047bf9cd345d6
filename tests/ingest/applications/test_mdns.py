from __future__ import annotations

import struct

from ingest.applications.mdns import looks
from ingest.applications.tables import ANOMALIES, PROTOCOL


def test_the_example(said):
    found = said("mdns")
    assert found.buffers == [
        {"mdns.queries.rrname": [b"_http._tcp.local"]},
    ]
    assert found.transactions[0].protocol == PROTOCOL["mdns"]


def test_answers_come_from_who_speaks(speak):
    record = b"\5_http\4_tcp\5local\0" + struct.pack(">HHIH", 12, 1, 60, 4) + b"\1a\xc0\x0c"
    extra = b"\4host\5local\0" + struct.pack(">HHIH", 1, 1, 60, 4) + bytes(4)
    message = struct.pack(">6H", 0, 0x8400, 0, 1, 0, 1) + record + extra
    found = speak("mdns", [(0, message)], (5353, 5353), "udp")
    assert found.buffers[0] == {
        "mdns.answers.rrname": [b"_http._tcp.local"],
        "mdns.additionals.rrname": [b"host.local"],
        "mdns.response.rrname": [b"_http._tcp.local", b"a._http._tcp.local", b"host.local"],
    }
    assert found.transactions[0].complete == 1


def test_a_broken_message_is_told(speak):
    found = speak("mdns", [(0, b"\0\0\0\0\0\1\0\0\0\0\0\0\5abc"), (0, b"short")], (5353, 5353), "udp")
    assert [ANOMALIES[k] for k, *_ in found.parser.anomalies] == ["mdns.malformed_data"] * 2


def test_it_goes_by_its_port(examples):
    data = examples["mdns"][0][0][1]
    assert looks(0, data, (5353, 5353))
    assert looks(0, data, (4000, 53)) is False
