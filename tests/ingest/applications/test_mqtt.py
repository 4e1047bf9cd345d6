from __future__ import annotations

from citywall.applicationsettings import ApplicationSettings
from ingest.applications.mqtt import Mqtt
from ingest.applications.tables import ANOMALIES, FIELDS, UNITS
from ingest.applications.wanted import Wanted


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


HELLO, WELCOME = b"\x10\x0c\0\4MQTT\4\2\0\0\0\0", b"\x20\2\0\0"


def _events(found):
    return [ANOMALIES[kind] for kind, *_ in found.parser.anomalies]


def test_answers_belong_to_the_transaction_that_asked(speak):
    turns = [
        (0, HELLO), (1, WELCOME), (0, b"\x82\6\0\1\0\1a\0"), (1, b"\x90\3\0\1\0"), (0, b"\x34\5\0\1b\0\2"),
        (1, b"\x50\2\0\2"), (0, b"\x62\2\0\2"), (1, b"\x70\2\0\2"), (0, b"\x32\5\0\1c\0\3"), (0, b"\xe0\0"),
    ]  # fmt: skip
    found = speak("mqtt", turns, (4000, 1883))
    kinds = [[n[4] for n in t.numbers if FIELDS[n[0]] == "mqtt.type"] for t in found.transactions]
    assert sorted(kinds) == [[1, 2], [3], [3, 5, 6, 7], [8, 9], [14]]
    assert {n[1] for t in found.transactions for n in t.numbers} == {0}
    assert not _events(found)


def test_what_is_odd_about_the_order_of_packets(speak):
    assert _events(speak("mqtt", [(1, WELCOME)], (4000, 1883))) == ["mqtt.missing_connect"]
    early = speak("mqtt", [(0, b"\x82\6\0\1\0\1a\0"), (1, b"\x90\3\0\2\0")], (4000, 1883))
    assert _events(early) == [
        "mqtt.unintroduced_message", "mqtt.missing_subscribe", "mqtt.unintroduced_message",
    ]  # fmt: skip
    again = speak("mqtt", [(0, HELLO), (1, WELCOME), (0, HELLO), (0, b"\0\0")], (4000, 1883))
    assert _events(again) == ["mqtt.double_connect", "mqtt.unassigned_msg_type"]
    odd = speak("mqtt", [(0, HELLO), (1, WELCOME), (0, b"\x36\5\0\1c\0\3"), (0, b"\x32\2\0\0")], (4000, 1883))
    assert _events(odd) == ["mqtt.invalid_qos_level", "mqtt.malformed_traffic"]
    assert _events(speak("mqtt", [(0, HELLO), (1, WELCOME), (1, b"\xb0\2\0\1")], (4000, 1883))) == [
        "mqtt.missing_unsubscribe"
    ]


def test_answers_are_known_where_nobody_asks_what_they_say():
    parser = Mqtt(ApplicationSettings(), (4000, 1883))
    parser.wanted = Wanted(kinds=frozenset(), fields=frozenset())
    for d, data in ((0, HELLO), (1, WELCOME), (0, b"\xe0\0")):
        parser.feed(d, data, ([len(data)], [1], [1]))
    assert not parser.anomalies
    assert len(parser.closed) == 2


def test_units_of_packets_that_come_together_have_the_head_of_the_first(speak):
    one, two = b"\x82\6\0\1\0\1a\0", b"\x82\7\0\2\0\2bc\0"
    settings = ApplicationSettings(units=True)
    apart = [(0, HELLO), (1, WELCOME), (0, one), (0, two)]
    together = [(0, HELLO), (1, WELCOME), (0, one + two)]
    for turns, head, data in ((apart, two[:2], two[2:]), (together, one[:2], (one + two)[2:9])):
        units = speak("mqtt", turns, (4000, 1883), settings=settings).parser.units
        told = [(UNITS[kind].removeprefix("mqtt."), said) for kind, _, _, said, _ in units[-6:]]
        assert told == [
            ("pdu", one), ("header", one[:2]), ("data", one[2:]),
            ("pdu", two), ("header", head), ("data", data),
        ]  # fmt: skip
