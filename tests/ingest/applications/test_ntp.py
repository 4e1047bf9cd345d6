from __future__ import annotations


def test_the_example(said):
    found = said("ntp")
    assert found.integers("ntp.mode") == [3, 4]
    assert found.values("ntp.reference_id") == [bytes(4), b"LOCL"]


def test_a_short_message_is_told(speak):
    assert speak("ntp", [(0, b"\x23\0\0\0")], (123, 123), "udp").parser.anomalies
