from __future__ import annotations

import struct

from citywall.applicationsettings import ApplicationSettings
from ingest.applications.enip import looks
from ingest.applications.tables import ANOMALIES, UNITS

PORTS = (4000, 44818)


def message(command, body=b"", session=5, status=0):
    return struct.pack("<HHII8sI", command, len(body), session, status, b"", 0) + body


def sent(*items):
    return (
        bytes(6)
        + struct.pack("<H", len(items))
        + b"".join(struct.pack("<HH", k, len(d)) + d for k, d in items)
    )


READ = b"\x0e\3\x20\1\x24\1\x30\5"


def test_the_example(said):
    found = said("enip")
    assert [t.complete for t in found.transactions] == [3, 3, 3]
    assert found.integers("enip.command") == [0x65, 0x65, 0x63, 0x63, 0x6F, 0x6F]
    one = found.numbers[1]
    assert [one[f"enip.{name}"][0] for name in ("vendor_id", "device_type", "product_code", "revision")] == [
        1, 12, 58, 0x403,
    ]  # fmt: skip
    assert [one[f"enip.{name}"][0] for name in ("serial", "state", "identity_status")] == [0x524D8E, 3, 0x30]
    assert found.values("enip.product_name") == [b"ENBT"]
    two = found.numbers[2]
    assert [two[f"enip.cip_{name}"] for name in ("service", "class", "instance", "attribute")] == [
        [14, 14], [1], [1], [5],
    ]  # fmt: skip
    assert (two["enip.cip_status"], two["enip.cip_extendedstatus"]) == ([5], [0x201])


def test_services(speak):
    body = struct.pack("<HHHHH", 1, 0x100, 20, 1, 0x120) + b"Communications\0\0"
    found = speak("enip", [(0, message(4)), (1, message(4, body))], PORTS)
    assert (found.integers("enip.capabilities"), found.values("enip.service_name")) == (
        [0x120], [b"Communications\0\0"],
    )  # fmt: skip


def test_connected_messages_are_paired_by_their_sequence(speak):
    def numbered(n, data):
        return message(0x70, sent((0xA1, bytes(4)), (0xB1, struct.pack("<H", n) + data)))

    turns = [(0, numbered(1, READ)), (0, numbered(2, READ)), (1, numbered(2, b"\x8e\0\0\0"))]
    found = speak("enip", turns, PORTS)
    assert [t.complete for t in found.transactions] == [1, 3]


def test_several_messages_in_one_have_parts(speak):
    several = b"\x0a\2\x20\2\x24\1\2\0\6\0\x0e\0" + READ + b"\x4c" + READ[1:]
    found = speak("enip", [(0, message(0x6F, sent((0, b""), (0xB2, several))))], PORTS)
    rows = found.transactions[0].numbers
    assert [part for _, _, part, _, value in rows if value in (0x0A, 0x0E, 0x4C)] == [0, 1, 2]


def test_what_cannot_be_read_is_told(speak):
    found = speak("enip", [(0, message(0x6F, b"\0\0")), (0, message(0x65))], PORTS)
    assert [ANOMALIES[k] for k, *_ in found.parser.anomalies] == ["enip.invalid_pdu"] * 2


def test_units(speak):
    data = message(0x6F, sent((0, b""), (0xB2, READ)))
    found = speak("enip", [(0, data)], PORTS, settings=ApplicationSettings(units=True))
    told = [(UNITS[kind], said) for kind, _, _, said, _ in found.parser.units]
    assert told == [
        ("enip.hdr", data[:24]), ("enip.data", data[24:]), ("enip.pdu", data), ("enip.enip.item", bytes(4)),
        ("enip.enip.item", data[-12:]), ("enip.cip", READ),
    ]  # fmt: skip


def test_requests_without_answers_are_bounded(speak):
    found = speak("enip", [(0, message(0x63) * 3000)], PORTS)
    assert len(found.parser.asked) <= 1024


def test_over_udp(speak):
    found = speak("enip", [(0, message(0x63)), (1, message(0x63, b"\0\0")), (0, b"short")], PORTS, "udp")
    assert [t.complete for t in found.transactions] == [3]


def test_it_goes_by_port_and_head():
    assert looks(0, message(0x63), PORTS)
    assert looks(0, message(0x63)[:20], PORTS) is None
    for bad in (message(0x62), message(0x63, status=9), message(0x65, b"\1"), message(0x66, b"\1")):
        assert looks(0, bad, PORTS) is False
    assert looks(0, message(0x63), (4000, 80)) is False
