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


def test_reason_codes_of_version_5(speak):
    hello = b"\x10\x0d\0\4MQTT\5\2\0\0\0\0\0"
    turns = [
        (0, hello), (1, b"\x20\3\0\x87\0"), (1, b"\x90\5\0\1\0\1\2"), (1, b"\xb0\5\0\1\0\0\x11"),
        (1, b"\x40\2\0\1"), (1, b"\x40\3\0\1\x10"), (0, b"\xe0\0"), (0, b"\xe0\2\4\0"),
    ]  # fmt: skip
    assert speak("mqtt", turns, (4000, 1883)).integers("mqtt.reason_code") == [
        0x87,
        1,
        2,
        0,
        0x11,
        0,
        0x10,
        0,
        4,
    ]


def test_before_version_5_there_are_none_but_those_of_answers(speak):
    turns = [(0, b"\x10\x0c\0\4MQTT\4\2\0\0\0\0"), (1, b"\x20\2\0\5"), (1, b"\x90\3\0\1\x80"), (0, b"\xe0\0")]
    assert speak("mqtt", turns, (4000, 1883)).integers("mqtt.reason_code") == [5, 0x80]
