from __future__ import annotations

import struct

import pytest

from ingest.applications.dnp3 import checksum
from ingest.applications.tables import ANOMALIES


def test_the_example(said):
    found = said("dnp3")
    assert found.integers("dnp3.func") == [1]
    assert (found.integers("dnp3.obj.group"), found.integers("dnp3.obj.variation")) == ([60], [2])


def test_the_standards_checksum():
    assert checksum(bytes.fromhex("056405c001000004")) == 0x21E9


def test_a_wrong_checksum_is_told(speak, examples):
    broken = bytearray(examples["dnp3"][0][0][1])
    broken[8] ^= 1
    found = speak("dnp3", [(0, bytes(broken))], (4000, 20000))
    assert [ANOMALIES[k] for k, *_ in found.parser.anomalies] == ["dnp3.bad_link_crc"]


PORTS = (4000, 20000)


def link(user, control=0xC4, stations=b"\1\0\2\0"):
    head = b"\x05\x64" + bytes((5 + len(user), control)) + stations
    out = head + checksum(head).to_bytes(2, "little")
    for at in range(0, len(user), 16):
        block = user[at : at + 16]
        out += block + checksum(block).to_bytes(2, "little")
    return out


def told(found):
    return [(ANOMALIES[k], d, n) for k, d, n, _ in found.parser.anomalies]


def test_segments_follow_by_number_and_stations(speak):
    frames = [
        link(b"\x41\xc0\1\x3c"), link(b"\x41\xc0\2\x0a", stations=b"\3\0\2\0"), link(b"\x03\7\7\7"),
        link(b"\x82\2\6\6"), link(b"\x82\2\6\6", stations=b"\3\0\2\0"), link(b"\x83\2\6\6"),
        link(b"\x84\2\6\6", stations=b"\4\0\2\0"),
    ]  # fmt: skip
    found = speak("dnp3", [(0, each) for each in frames], PORTS)
    assert found.values("dnp3.data") == [b"\xc0\1\x3c\2\6\6", b"\xc0\2\x0a\2\6\6"]
    assert not told(found)


def test_only_user_data_are_read(speak):
    assert not speak("dnp3", [(0, link(b"\xc0\xc0\1\x3c\2\6", control=0xC9))], PORTS).transactions


def test_what_is_wrong_with_frames(speak):
    broken = bytearray(link(b"\xc0\xc0\1\x3c\2\6"))
    broken[12] ^= 1
    turns = [
        (0, bytes(broken)),
        (0, link(b"\xc0\xc0")),
        (1, link(b"\xc0\xc0\x81\0")),
        (0, b"\5\x64\4" + bytes(7)),
    ]
    assert told(speak("dnp3", turns, PORTS)) == [
        ("dnp3.bad_transport_crc", 0, -1), ("dnp3.len_too_small", 0, -1),
        ("dnp3.len_too_small", 1, -1), ("dnp3.len_too_small", 0, -1),
    ]  # fmt: skip


@pytest.mark.parametrize("direction", [0, 1])
def test_a_fragment_too_long(speak, direction):
    first = [(direction, link(b"\x40\xc0\1" + bytes(247)))]
    more = [(direction, link(bytes((i & 63,)) + bytes(249))) for i in range(1, 70)]
    found = speak("dnp3", first + more, PORTS)
    assert told(found) == [("dnp3.too_long_reassembly", direction, 0)]
    assert found.integers("dnp3.func") == [1]
    assert not found.parser.fragments[direction]


def test_stations_are_held_within_bounds(speak):
    turns = [(0, link(b"\x40\xc0\1\x3c", stations=struct.pack("<HH", i, 1))) for i in range(100)]
    assert len(speak("dnp3", turns, PORTS).parser.fragments[0]) == 8


def test_a_flood_is_what_becomes_known_at_once(speak):
    one, confirm = link(b"\xc0\xc0\1\x3c\2\6"), link(b"\xc0\xc0\0")
    assert told(speak("dnp3", [(0, one * 40)], PORTS)) == [("dnp3.flooded", 0, 32)]
    assert not told(speak("dnp3", [(0, one)] * 40, PORTS))
    assert not told(speak("dnp3", [(0, confirm * 40)], PORTS))


@pytest.mark.parametrize(
    ("objects", "event"),
    [
        (b"\1\2\1\0\0\xff\x3f", ""),
        (b"\1\2\1\0\0\0\x40", "dnp3.too_many_points"),
        (b"\1\0\1\0\0\0\x40", ""),  # of no variation: no points
        (b"\x3c\2\6\1\2\2\0\0\0\0\0\0\0\1", "dnp3.too_many_points"),
        (b"\1\2\0\3\0" + b"\1" * 9, "dnp3.too_many_points"),  # ends before it begins
        (b"\1\2\x08\1\x40", "dnp3.too_many_points"),
        (b"\1\2\x08\1", ""),
        (b"\1\2\x0f\1", ""),
        (b"\1\2\x07\1\1\2\x08\1\x40", ""),  # behind data
        (b"\x3c\2\6" * 2048, ""),
        (b"\x3c\2\6" * 2049, "dnp3.too_many_objects"),
    ],
)
def test_too_many_objects_and_points(speak, objects, event):
    whole = b"\xc0\1" + objects
    parts = [whole[i : i + 249] for i in range(0, len(whole), 249)]
    last = len(parts) - 1
    turns = [
        (
            0,
            link(
                bytes(((0x40 if i == 0 else 0) | (0x80 if i == last else 0) | i & 63,)) + part.ljust(2, b"\0")
            ),
        )
        for i, part in enumerate(parts)
    ]
    assert [name for name, *_ in told(speak("dnp3", turns, PORTS))] == [event] * bool(event)
