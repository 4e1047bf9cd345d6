from __future__ import annotations

from ingest.applications.tables import ANOMALIES


def test_the_example(said):
    found = said("mqtt")
    assert found.values("mqtt.connect.username") == [b"u"]
    assert found.values("mqtt.connect.password") == [b"pwd"]
    assert found.values("mqtt.publish.message") == [b"hi"]
    assert found.integers("mqtt.type") == [1, 2, 3]


def test_a_packet_shorter_than_it_says_is_told(speak):
    found = speak("mqtt", [(0, b"\x30\2\0\x09")], (4000, 1883))
    assert [ANOMALIES[k] for k, *_ in found.parser.anomalies] == ["mqtt.malformed_traffic"]


def test_a_length_without_end_ends_the_reading(speak):
    assert speak("mqtt", [(0, b"\x30\xff\xff\xff\xff\xff")], (4000, 1883)).parser.done[0]
