from __future__ import annotations

import struct

from citywall.applicationsettings import ApplicationSettings
from ingest.applications.dcerpc import looks
from ingest.applications.tables import UNITS


def test_the_example(said):
    found = said("dcerpc")
    assert found.values("dcerpc.stub_data") == [b"abcdefgh"]
    assert found.integers("dcerpc.opnum") == [5]
    assert set(found.values("dcerpc.iface")) == {b"12348857-1234-abcd-ef00-0123456789ab"}


def call(flags, data):
    return struct.pack("<BBBBIHHIIHH", 5, 0, 0, flags, 0x10, 24 + len(data), 0, 7, 0, 0, 9) + data


def test_fragments_are_put_together(speak):
    found = speak("dcerpc", [(0, call(1, b"ab") + call(0, b"cd") + call(2, b"ef"))], (4000, 135))
    assert found.values("dcerpc.stub_data") == [b"abcdef"]
    assert found.integers("dcerpc.opnum") == [9]


def test_how_it_is_recognised():
    assert looks(0, call(3, b""), (1, 2))
    assert looks(0, b"\5", (1, 2)) is None
    assert not looks(0, b"\4" + bytes(20), (1, 2))


def test_units_are_parts_of_each_pdu(speak):
    sent = call(3, b"abc") + struct.pack("<BBBBIHHI", 5, 0, 16, 3, 0x10, 16, 0, 7)
    found = speak("dcerpc", [(0, sent)], (4000, 135), cut=5, settings=ApplicationSettings(units=True))
    assert [(UNITS[kind], frame, data) for kind, _, frame, data, _ in found.parser.units] == [
        ("dcerpc.pdu", 6, sent[:27]),
        ("dcerpc.hdr", 6, sent[:16]),
        ("dcerpc.data", 6, sent[16:27]),
        ("dcerpc.pdu", 9, sent[27:]),
        ("dcerpc.hdr", 9, sent[27:]),
    ]
