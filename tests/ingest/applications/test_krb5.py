from __future__ import annotations

from ingest.applications.tables import ANOMALIES


def test_the_example(said):
    found = said("krb5")
    assert (found.values("krb5.cname"), found.values("krb5.realm")) == ([b"alice"], [b"EXAMPLE.ORG"])
    assert found.integers("krb5.msg_type") == [10]


def test_messages_over_tcp_stand_behind_their_length(speak, examples):
    data = examples["krb5"][0][0][1]
    found = speak("krb5", [(0, len(data).to_bytes(4, "big") + data)], (4000, 88), cut=3)
    assert found.values("krb5.cname") == [b"alice"]


def test_a_broken_message_is_told(speak):
    found = speak("krb5", [(0, b"\x6a\4\x30\2\xa1\7")], (4000, 88), "udp")
    assert [ANOMALIES[k] for k, *_ in found.parser.anomalies] == ["krb5.malformed_data"]
