from __future__ import annotations

from ingest.applications.tables import ANOMALIES


def test_the_example(said):
    found = said("modbus")
    assert found.integers("modbus.function") == [3]
    assert (found.integers("modbus.address"), found.integers("modbus.quantity")) == ([16], [2])
    assert found.transactions[0].complete == 3


def test_exceptions_and_writes(speak):
    turns = [(0, b"\0\2\0\0\0\6\1\6\0\1\0\x63"), (1, b"\0\2\0\0\0\3\1\x86\2")]
    found = speak("modbus", turns, (4000, 502))
    assert (found.integers("modbus.value"), found.integers("modbus.exception")) == ([99], [2])


def test_another_protocol_is_told(speak):
    found = speak("modbus", [(0, b"\0\2\0\1\0\6\1\6\0\1\0\1")], (4000, 502))
    assert [ANOMALIES[k] for k, *_ in found.parser.anomalies] == ["modbus.invalid_protocol_id"]
