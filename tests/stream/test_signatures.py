from __future__ import annotations

from pathlib import Path

from scapy.utils import wrpcap

from citywall import settings
from citywall.sessions import Session
from stream.signatures import Signatures
from tests.rules.conftest import CLIENT, SERVER, tcp

RULES = """
alert http any any -> any any (msg:"Admin"; http.uri; content:"/admin"; classtype:trojan-activity; sid:5;)
alert tcp $HOME_NET any -> any any (msg:"Opening"; flags:S; sid:6; priority:3;)
"""


def made(tmp_path: Path) -> tuple[Signatures, Session]:
    packets = tcp([(0, b"GET /admin HTTP/1.1\r\nHost: a\r\n\r\n")])
    for i, packet in enumerate(packets):
        packet.time = 1_700_000_000 + i
    wrpcap(str(tmp_path / "a.pcap"), packets)
    (tmp_path / "a.rules").write_text(RULES)
    told = settings.load(assignments=[f'rules.files=["{tmp_path}/a.rules"]'])
    return Signatures(told), Session("s", "capture", str(tmp_path / "a.pcap"), 1, "live", 0)


def test_findings_say_who_and_where(tmp_path: Path):
    signatures, session = made(tmp_path)
    first, second = signatures.findings(session)
    assert (first.detector, second.detector) == ("signature.1.6", "signature.1.5")
    assert {first.detector, second.detector} == set(signatures.cards())
    assert second.source is not None
    assert second.target is not None
    assert (second.source.address, second.target.address, second.target.port) == (CLIENT, SERVER, 80)
    assert second.evidence[0].frame == 6
    assert second.facts["sid"] == 5


def test_the_same_session_gives_the_same_findings(tmp_path: Path):
    signatures, session = made(tmp_path)
    assert signatures.findings(session) == signatures.findings(session)


def test_other_sessions_are_not_matched(tmp_path: Path):
    signatures, session = made(tmp_path)
    assert signatures.findings(Session("s", "live", session.path, 1, "live", 0)) == []
