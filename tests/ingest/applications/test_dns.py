from __future__ import annotations

import struct

import pytest

from ingest.applications.dns import Malformed, looks, name_at
from ingest.applications.tables import ANOMALIES


def test_the_example(said):
    found = said("dns")
    assert found.values("dns.query") == [b"www.example.org"]
    assert found.values("dns.rdata") == [b"\x0a\0\0\1"]
    assert found.integers("dns.rcode") == [0, 0]
    assert [t.complete for t in found.transactions] == [1, 2]


def test_messages_over_tcp_stand_behind_their_length(speak, examples):
    turns = [(d, len(data).to_bytes(2, "big") + data) for d, data in examples["dns"][0]]
    assert looks(0, turns[0][1], (4000, 53))
    for cut in (1, 5, 100):
        assert speak("dns", turns, (4000, 53), cut=cut).values("dns.query") == [b"www.example.org"]


@pytest.mark.parametrize(
    ("name", "event"),
    [
        (b"\xc0\x0c", "dns.infinite_loop"),
        (b"\xc0\xff", "dns.infinite_loop"),
        (b"\3ww", "dns.malformed_data"),
        (b"\x80a\0", "dns.malformed_data"),
        ((b"\x3f" + b"a" * 63) * 20 + b"\0", "dns.name_too_long"),
        (b"\1a" * 200 + b"\0", "dns.too_many_labels"),
    ],
)
def test_names_that_cannot_be_are_refused(name, event):
    with pytest.raises(Malformed, match=event):
        name_at(bytes(12) + name, 12)


def test_a_broken_message_is_told_and_the_next_one_read(speak, examples):
    broken = struct.pack(">6H", 1, 0x0140, 1, 0, 0, 0) + b"\xc0\x0c\0\1\0\1"
    found = speak("dns", [(0, b"x"), (0, broken), *examples["dns"][0]], (4000, 53), "udp")
    events = [ANOMALIES[k] for k, *_ in found.parser.anomalies]
    assert events == ["dns.malformed_data", "dns.z_flag_set", "dns.infinite_loop"]
    assert found.values("dns.query") == [b"www.example.org"]


@pytest.mark.parametrize(
    ("counts", "event"),
    [
        ((1, 1, 0, 0), "dns.malformed_data"),
        ((1, 0, 1, 0), "dns.invalid_authorities"),
        ((1, 0, 0, 1), "dns.invalid_additionals"),
    ],
)
def test_a_section_that_cannot_be_read_is_named(speak, counts, event):
    data = struct.pack(">6H", 1, 0x8180, *counts) + b"\1a\0\0\1\0\1" + b"\1b\0\0\1"
    found = speak("dns", [(1, data)], (4000, 53), "udp")
    assert [ANOMALIES[k] for k, *_ in found.parser.anomalies] == [event]
    assert found.values("dns.queries.rrname") == [b"a"]


def test_at_its_port_any_code_is_a_message_that_has_room_for_its_records():
    def message(flags, *counts, more=b"\1a\0\0\1\0\1"):
        return struct.pack(">6H", 1, flags, *counts) + more

    assert looks(0, message(0x4800, 1, 0, 0, 0), (4000, 53))
    assert looks(1, message(0x8001, 0, 0, 0, 0, more=b""), (4000, 53))
    assert not looks(0, message(0x0100, 0, 1, 0, 0), (4000, 53))
    assert not looks(0, message(0x0100, 90, 0, 0, 0), (4000, 53))
    assert not looks(0, message(0x4800, 1, 0, 0, 0), (4000, 5000))
