from __future__ import annotations

from ingest.applications.snmp import looks


def test_the_example(said, examples):
    found = said("snmp")
    assert found.values("snmp.community") == [b"public"]
    assert (found.integers("snmp.version"), found.integers("snmp.pdu_type")) == ([2], [0])
    assert found.values("snmp.pdu_oid") == [b"1.3.6.1.2.1.1.1.0"]
    assert not looks(0, examples["snmp"][0][0][1], (1, 2))


def test_a_broken_message_is_told(speak):
    assert speak("snmp", [(0, b"\x30\3\2\1\1")], (4000, 161), "udp").parser.anomalies
