from __future__ import annotations

import pytest

from citywall.applicationsettings import ApplicationSettings
from ingest.applications.tables import ANOMALIES, UNITS
from ingest.applications.tls import looks


def test_the_example(said):
    found = said("tls")
    assert found.values("tls.sni") == [b"example.org"]
    assert found.values("ja3.string") == [b"771,4865-49199,0-10-11-16-13-43,29,0"]
    assert found.values("ja4.hash")[0].startswith(b"t13d0206h2_")
    assert found.values("tls.version") == [b"TLS 1.2"]
    assert found.integers("tls.cipher") == [0xC02F]
    assert found.transactions[0].complete == 3


def test_encrypted_data_ends_the_reading(speak, examples):
    data = (0, b"\x17\3\3\0\1x"), (1, b"\x17\3\3\0\1y")
    found = speak("tls", [*examples["tls"][0], *data])
    assert found.parser.done == [True, True]
    assert found.integers("tls.encrypted") == [1]


def test_records_are_units_also_behind_encryption(speak, examples):
    """Whether units are asked for or not, the rest is the same, whatever comes behind."""
    record = b"\x17\3\3\0\1"
    behind = [
        (0, record + b"b" + b"\x16\3\3\0\4\x63\0\0\0" + b"\x15\3\3\0\2\2\x28"),
        (1, b"\x18\3\3\0\3\7\0\0"),
        (1, b"\x14\3\3\0\1\1" + record + b"z"),
        (0, b"GET / HTTP/1.0" + record + b"c"),  # is no record: that direction is over
        (1, record + b"last"),
    ]
    turns = [*examples["tls"][0], (0, record + b"a"), (1, record + b"y"), *behind]
    plain = speak("tls", turns)
    asked = speak("tls", turns, settings=ApplicationSettings(units=True))
    units = [(d, data) for kind, d, _, data, _ in asked.parser.units if UNITS[kind] == "tls.data"]
    assert [data for d, data in units if d == 0][-4:] == [b"a", b"b", b"\x63\0\0\0", b"\2\x28"]
    assert [data for d, data in units if d == 1][-5:] == [b"y", b"\7\0\0", b"\1", b"z", b"l"]
    assert not plain.parser.units
    assert asked.parser.done == [True, False]
    assert plain.parser.anomalies == asked.parser.anomalies
    assert [each.notes for each in plain.transactions] == [each.notes for each in asked.transactions]
    assert [each.rows for each in plain.transactions] == [each.rows for each in asked.transactions]
    assert asked.integers("tls.encrypted") == [1]


def test_a_certificate_that_is_none_is_told(speak, examples):
    body = b"\0\0\6\0\0\3abc"
    message = b"\x0b" + len(body).to_bytes(3, "big") + body
    found = speak(
        "tls", [*examples["tls"][0][:2], (1, b"\x16\3\3" + len(message).to_bytes(2, "big") + message)]
    )
    assert "tls.invalid_certificate" in [ANOMALIES[k] for k, *_ in found.parser.anomalies]
    assert found.values("tls.certs") == [b"abc"]


def certified(speak, examples, raw, behind=b""):
    """Events where a server's certificate is `raw`, and `behind` stands behind it in the same record."""
    body = (len(raw) + 3).to_bytes(3, "big") + len(raw).to_bytes(3, "big") + raw
    message = b"\x0b" + len(body).to_bytes(3, "big") + body + behind
    record = b"\x16\3\3" + len(message).to_bytes(2, "big") + message
    found = speak("tls", [*examples["tls"][0][:2], (1, record)])
    return [ANOMALIES[k] for k, *_ in found.parser.anomalies]


def test_a_certificate_whose_head_is_cut_is_told_apart(speak, examples):
    """As Suricata has it: its decoder wants more where a head is cut, and refuses what is too long."""
    for raw, event in (
        (bytes.fromhex("30053084fffffffa00"), "certificate_invalid_length"),
        (bytes.fromhex("30063084fffffffa"), "invalid_certificate"),
        (b"\x30", "certificate_invalid_length"),
        (b"\x30\x84\0\0", "certificate_invalid_length"),
        (b"\x30\0", "certificate_invalid_length"),
    ):
        assert certified(speak, examples, raw) == [f"tls.{event}"]


def test_a_message_of_no_known_type_is_passed_over(speak, examples):
    told = certified(speak, examples, b"abc", b"\x84\xff\xff\xff" + bytes(100))
    assert told == ["tls.invalid_certificate", "tls.invalid_handshake_message"]
    told = certified(speak, examples, b"abc", b"\x03\0\0\1x" + b"\x84\0\0\0" + b"\x0e\0\0\0")
    assert told == ["tls.invalid_certificate", *["tls.invalid_handshake_message"] * 2]


ASKED = b"\x18\3\2\0\x15\1\0\2ok" + bytes(16)
HIDDEN = b"\x14\3\3\0\1\1"


@pytest.mark.parametrize(
    ("beats", "event"),
    [
        ([(0, b"\x18\3\2\0\3\1\x40\0")], "overflow_heartbeat_message"),
        ([(0, b"\x18\3\2\0\x0a\1\0\2okpadded")], "invalid_heartbeat_message"),
        ([(0, b"\x18\3\2\0\3\3\0\0")], "invalid_heartbeat_message"),
        ([(0, ASKED), (0, ASKED)], "invalid_heartbeat_message"),
        ([(0, ASKED), (1, ASKED), (0, ASKED)], None),
        ([(0, HIDDEN), (0, ASKED), (1, b"\x18\3\2\0\x15" + bytes(21))], None),
        ([(0, HIDDEN), (0, ASKED), (1, b"\x18\3\2\0\x16" + bytes(22))], "dataleak_heartbeat_mismatch"),
    ],
)
def test_heartbeats_are_judged(speak, examples, beats, event):
    found = speak("tls", [*examples["tls"][0][:2], *beats])
    told = {ANOMALIES[k] for k, *_ in found.parser.anomalies} - {"tls.heartbeat_message"}
    assert told == ({f"tls.{event}"} if event else set())
    assert (found.parser.done == [True, True]) is (event is not None)


def test_what_is_no_record_ends_the_reading(speak, examples):
    found = speak("tls", [examples["tls"][0][0], (0, b"\xff\3\3\0\1x")])
    assert "tls.invalid_record_type" in [ANOMALIES[k] for k, *_ in found.parser.anomalies]
    assert found.parser.done[0]


def test_tlcp_is_recognised():
    assert looks(0, b"\x16\1\1\0\x50\1", (1, 443))
    assert looks(0, b"\x16\3", (1, 443)) is None
    assert not looks(0, b"\x17\3\3\0\1\1", (1, 443))


def test_a_hello_as_ssl_2_has_it_is_passed_over(speak, examples):
    old = b"\x80\x2e\x01\x03\x01" + bytes(43)
    turns = [(0, old), *((d, data) for d, data in examples["tls"][0] if d == 1)]
    assert looks(0, old, (4000, 443))
    for cut in (None, 3, 7):
        found = speak("tls", turns, (4000, 443), cut=cut)
        assert found.integers("tls.version")[0] == 0x0301
        assert found.values("tls.version")
    assert not looks(0, b"\x80\x05\x01\x03\x01" + bytes(43), (4000, 443))
    assert not looks(0, b"\x80\x2e\x02\x03\x01" + bytes(43), (4000, 443))
