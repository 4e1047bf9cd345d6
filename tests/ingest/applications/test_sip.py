from __future__ import annotations

from ingest.applications.sip import MOST_HEAD, looks
from ingest.applications.tables import ANOMALIES


def test_the_example(said):
    found = said("sip")
    assert found.values("sip.method") == [b"INVITE"]
    assert found.values("sip.from") == [b"<sip:c@d>"]
    assert found.values("sip.stat_msg") == [b"OK"]
    assert found.values("sip.body") == [b"v=0\n"]


def test_over_tcp_a_message_ends_where_it_says(speak, examples):
    whole = b"".join(data for _, data in examples["sip"][0][:1]) * 2
    for cut in (1, 7, 1000):
        found = speak("sip", [(0, whole)], (5060, 5060), cut=cut)
        assert found.values("sip.body") == [b"v=0\n"] * 2


def test_what_is_no_message_is_told(speak):
    assert speak("sip", [(0, b"nonsense"), (0, b"\r\n\r\n")], (5060, 5060), "udp").parser.anomalies
    assert looks(0, b"INVITE sip:a SIP/2.0\r\n", (1, 2))
    assert not looks(0, b"INVITE me to dinner\r\n", (1, 2))


def test_a_head_without_an_end_is_told(speak):
    head = b"INVITE sip:a@b SIP/2.0\r\n" + b"A: b\r\n" * MOST_HEAD
    found = speak("sip", [(0, head)], (5060, 5060), cut=1000)
    assert [ANOMALIES[k] for k, *_ in found.parser.anomalies] == ["applayer.parser_limit_reached"]
