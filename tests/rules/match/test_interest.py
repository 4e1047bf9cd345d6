from __future__ import annotations

import pytest

from rules.language.parser import Parser
from rules.match.compiled import compile_rules
from rules.match.engine import Engine
from rules.match.interest import SILENT, Interest, interest, owners
from tests.rules.conftest import tcp, udp

EVERY = ("http", "http2", "dns", "tls", "smtp", "smb", "dcerpc", "ftp", "ftp-data", "iec104", "rdp", "ssh")
CARRIERS = {"http", "smtp", "ftp", "rdp"}


def of(*rules):
    text = "".join(f"alert {rule} sid:{i};)\n" for i, rule in enumerate(rules, 1))
    found = Parser().text(text)
    assert not found.rejected, found.rejected
    return interest(compile_rules(found.rules), EVERY)


def test_without_rules_nothing_is_read():
    assert of() == Interest(frozenset(), frozenset(), frozenset(), calls=False)
    assert of("tcp any any -> any 80 (flags:S;").protocols == frozenset()


def test_rules_on_transactions_ask_for_their_buffers_and_what_may_carry_their_protocol():
    found = of(
        'tls any any -> any any (tls.sni; content:"a.example";', "tls any any -> any any (tls.version:1.2;"
    )
    assert found.protocols == {"tls", *CARRIERS}
    assert (found.kinds, found.fields, found.calls) == ({"tls.sni"}, {"tls.version"}, False)


def test_rules_on_streams_ask_for_the_messages_of_all_that_speak_in_them():
    found = of('tcp any any -> any any (content:"needle";')
    assert found.protocols == set(EVERY) - SILENT | CARRIERS
    assert found.kinds == frozenset()


def test_a_packet_rule_that_names_a_protocol_asks_for_what_may_become_it():
    assert of('tls any any -> any any (flow:no_stream; content:"needle";').protocols == CARRIERS


def test_files_need_no_commands_of_smb_but_what_else_is_asked_of_it_does():
    files = of('tcp any any -> any any (file.data; content:"needle";')
    assert "smb" in files.protocols
    assert not files.calls
    assert of('smb any any -> any any (smb.share; content:"IPC";').calls


def test_what_cannot_be_told_from_buffers_asks_for_everything():
    for rule in (
        "tls any any -> any any (tls_cert_expired;",
        "tcp any any -> any any (app-layer-event:applayer_mismatch_protocol_both_directions;",
        'http1:request_headers any any -> any any (http.uri; content:"a";',
    ):
        assert of(rule) == Interest(), rule


def test_owners_are_those_of_the_buffers():
    (compiled,) = compile_rules(
        Parser().text('alert tcp any any -> any any (tls.sni; content:"a"; sid:1;)').rules
    )
    assert owners(compiled) == {"tls"}


QUESTION = b"\0\1\1\0\0\1\0\0\0\0\0\0\6needle\7example\0\0\1\0\1"
TALKS = {
    "web": tcp([(0, b"POST /a HTTP/1.1\r\nHost: needle.example\r\nContent-Length: 6\r\n\r\nneedle"),
                (1, b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nneedle")]),
    "mail": tcp([(1, b"220 a ESMTP\r\n"), (0, b"EHLO needle\r\n"), (1, b"250 a\r\n"),
                 (0, b"MAIL FROM:<a@b>\r\n"),
                 (1, b"250 ok\r\n")], dport=25),
    "names": [udp(QUESTION), udp(QUESTION[:2] + b"\x81\x80" + QUESTION[4:], back=True)],
    "unknown": tcp([(0, b"\xff\xfe\xfd needle needle"), (1, b"needle" * 600)], dport=9999),
}  # fmt: skip
RULES = """
alert http any any -> any any (http.host; content:"needle"; sid:1;)
alert http any any -> any any (http.method; content:"POST"; http.request_body; content:"needle"; sid:2;)
alert tcp any any -> any any (file.data; content:"needle"; sid:3;)
alert tcp any any -> any any (flow:established; content:"needle"; sid:4;)
alert http any any -> any any (flow:to_client,established; content:"needle"; sid:5;)
alert dns any any -> any any (dns.query; content:"needle"; sid:6;)
alert smtp any any -> any any (smtp.helo; content:"needle"; sid:7;)
alert tcp any any -> any any (app-layer-protocol:smtp; sid:8;)
alert http any any -> any any (http.stat_code; content:"200"; content:!"1"; sid:9;)
alert http any any -> any any (urilen:2; http.uri; content:"/a"; content:"needle"; sid:10;)
"""


@pytest.mark.parametrize("talk", TALKS)
def test_alerts_are_those_of_everything_being_read(alerts, monkeypatch, talk):
    def told(text):
        return [(a.frame, a.known, a.direction, a.rule.sid) for a in alerts(text, TALKS[talk])]

    texts = [RULES, *(line for line in RULES.splitlines() if line)]
    some = [told(text) for text in texts]
    monkeypatch.setattr(Engine, "interest", lambda _self, _protocols: Interest())
    assert some == [told(text) for text in texts]
    assert any(some)
