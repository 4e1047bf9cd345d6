from __future__ import annotations

import struct

import pytest

from ingest.applications.modbus import looks
from ingest.applications.tables import ANOMALIES

PORTS = (4000, 502)


def message(text, ident=1, protocol=0, unit=1):
    body = bytes((unit,)) + bytes.fromhex(text)
    return struct.pack(">HHH", ident, protocol, len(body)) + body


def told(found):
    return [(ANOMALIES[k], d, n) for k, d, n, _ in found.parser.anomalies]


def test_the_example(said):
    found = said("modbus")
    assert found.integers("modbus.function") == [3]
    assert (found.integers("modbus.address"), found.integers("modbus.quantity")) == ([16], [2])
    assert found.transactions[0].complete == 3


def test_exceptions_and_writes(speak):
    turns = [(0, b"\0\2\0\0\0\6\1\6\0\1\0\x63"), (1, b"\0\2\0\0\0\3\1\x86\2")]
    found = speak("modbus", turns, PORTS)
    assert (found.integers("modbus.value"), found.integers("modbus.exception")) == ([99], [2])
    assert not told(found)


def test_another_protocol_is_told_and_read_on(speak):
    found = speak("modbus", [(0, message("06 0001 0001", protocol=1) + message("06 0001 0002"))], PORTS)
    assert told(found) == [("modbus.invalid_protocol_id", 0, 0)]
    assert found.integers("modbus.value") == [1, 2]


@pytest.mark.parametrize("cut", [None, 1, 7])
def test_responses_are_found_by_identifier_unit_and_function(speak, cut):
    asked = message("06 0001 0001") + message("05 0001 0000") + message("06 0001 0001", unit=2)
    answers = message("05 0001 0000") + message("06 0001 0001", unit=2) + message("06 0001 0003")
    found = speak("modbus", [(0, asked), (1, answers)], PORTS, cut=cut)
    assert told(found) == [("modbus.value_mismatch", 1, 0)]
    assert len(found.transactions) == 3
    assert all(each.complete == 3 for each in found.transactions)


def test_a_response_that_nobody_asked_for(speak):
    found = speak("modbus", [(0, message("03 0001 0001")), (1, message("03 02 0001", ident=2))], PORTS)
    assert told(found) == [("modbus.unsolicited_response", 1, 1)]
    assert found.integers("modbus.unit") == [1, 1]


def test_what_is_wrong_with_messages(speak):
    asked = message("05 0001 0001") + message("80") + message("03 00", ident=3)
    found = speak("modbus", [(0, asked), (1, message("85 63"))], PORTS)
    assert told(found) == [
        ("modbus.invalid_value", 0, 0), ("modbus.invalid_function_code", 0, 1),
        ("modbus.invalid_length", 0, 2), ("modbus.invalid_exception_code", 1, 0),
    ]  # fmt: skip


def test_a_length_that_cannot_be_takes_what_came_with_it(speak):
    bad = b"\0\1\0\0\1\0" + b"\5" * 20
    found = speak("modbus", [(0, bad), (0, message("06 0001 0001"))], PORTS)
    assert told(found) == [("modbus.invalid_length", 0, 0)]
    assert found.integers("modbus.value") == [1]
    found = speak("modbus", [(0, b"\0\1\0\0\0\1\7" + message("06 0001 0001"))], PORTS)
    assert told(found) == [("modbus.invalid_length", 0, 0)]
    assert found.integers("modbus.value") == [1]
    assert len(found.transactions) == 2


def test_a_flood_is_told_once_and_held_within_bounds(speak):
    asked = b"".join(message("03 0001 0001", ident=i) for i in range(700))
    found = speak("modbus", [(0, asked)], PORTS)
    assert told(found) == [("modbus.flooded", 0, 500)]
    assert found.parser.unanswered == 501
    assert len(found.transactions) == 700
    calm = b"".join(message("83 02", ident=i) for i in range(200, 400))
    found = speak("modbus", [(0, asked), (1, calm), (0, asked)], PORTS)
    assert [name for name, *_ in told(found)].count("modbus.flooded") == 2


def test_looks():
    assert looks(0, message("03 0001 0001"), PORTS) is True
    assert looks(0, message("5a 0001 0001"), PORTS) is False
    assert looks(1, message("83 02"), PORTS) is True
    assert looks(1, message("83 02 00"), PORTS) is False
    assert looks(0, message("03 0001 0001")[:7], PORTS) is None
    assert looks(0, message("03 0001 0001"), (4000, 80)) is False
