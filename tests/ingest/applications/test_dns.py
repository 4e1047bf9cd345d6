from __future__ import annotations

import struct

import pytest

from citywall.applicationsettings import ApplicationSettings
from ingest.applications.dns import LOOP, MOST_NAME, STEPS, TRUNCATED, Malformed, looks, name_at, name_in
from ingest.applications.tables import ANOMALIES, UNITS


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


def test_messages_are_units_without_their_length(speak, examples):
    message = examples["dns"][0][0][1]
    for transport, data in (("udp", message), ("tcp", len(message).to_bytes(2, "big") + message)):
        found = speak("dns", [(0, data)], (4000, 53), transport, settings=ApplicationSettings(units=True))
        assert [(UNITS[kind], said) for kind, _, _, said, _ in found.parser.units] == [("dns.pdu", message)]


def test_a_broken_message_is_told_and_the_next_one_read(speak, examples):
    broken = struct.pack(">6H", 1, 0x0140, 1, 0, 0, 0) + b"\xc0\x0c\0\1\0\1"
    found = speak("dns", [(0, b"x"), (0, broken), *examples["dns"][0]], (4000, 53), "udp")
    events = [ANOMALIES[k] for k, *_ in found.parser.anomalies]
    assert events == ["dns.malformed_data", "dns.z_flag_set", "dns.malformed_data"]
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


def test_a_name_may_point_ahead_and_what_is_odd_behind_a_pointer_is_cut_off_and_told():
    def read(tail, begin=b"\1a\xc0\x14"):
        data = bytes(12) + begin
        return name_in(data + bytes(20 - len(data)) + tail, 12, 20)

    assert read(b"\3www\0") == (b"a.www", 16, 0)
    assert read(b"\3www") == (b"a.www", 16, 0)  # the message ends, and with it the name
    assert read(b"\xc0\x14") == (b"a", 16, LOOP)
    name, after, odd = read(b"\1b\xc0\x14")
    assert (name, after, odd) == (b"a" + b".b" * 127, 16, STEPS | TRUNCATED)
    name, after, odd = read((b"\x3f" + b"c" * 63) * 20 + b"\0")
    assert (len(name), after, odd) == (MOST_NAME, 16, TRUNCATED)
    for wrong in (b"\xc0\x0c", b"\x3fa", b"\x80a", b"\xff\xff", b"\1a" * 4 + b"\1"):
        with pytest.raises(Malformed):
            name_in(bytes(12) + wrong, 12, 12 + len(wrong))


def _record(name, kind, data):
    return name + struct.pack(">HHIH", kind, 1, 60, len(data)) + data


def test_names_of_a_response_are_those_asked_for_of_records_and_in_their_data(speak):
    records = [
        _record(b"\1b\0", 5, b"\1c\0"),
        _record(b"\1d\0", 1, b"\1\2\3\4"),
        _record(b"\1e\0", 6, b"\1f\0\1g\0" + bytes(20)),
        _record(b"\1h\0", 15, b"\0\1\1i\0"),
        _record(b"\0", 41, b""),
    ]
    body = b"\1a\0\0\1\0\1" + b"".join(records)
    answer = struct.pack(">6H", 1, 0x8180, 1, 2, 1, 2) + body
    found = speak("dns", [(1, answer)], (4000, 53), "udp")
    assert found.values("dns.response.rrname") == [b"a", b"b", b"c", b"d", b"e", b"f", b"h", b"i"]
    asked = struct.pack(">6H", 1, 0x0100, 1, 2, 1, 2) + body
    found = speak("dns", [(0, asked)], (4000, 53), "udp")
    assert found.values("dns.response.rrname") == []
    assert found.values("dns.answers.rrname") == [b"b", b"d"]
    assert found.values("dns.authorities.rrname") == []


def test_a_name_in_the_data_of_a_record_that_cannot_be_read_spoils_its_section(speak):
    answer = struct.pack(">6H", 1, 0x8180, 1, 0, 0, 1) + b"\1a\0\0\1\0\1" + _record(b"\1b\0", 5, b"\2c")
    found = speak("dns", [(1, answer)], (4000, 53), "udp")
    assert [ANOMALIES[k] for k, *_ in found.parser.anomalies] == ["dns.invalid_additionals"]
