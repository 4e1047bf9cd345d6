from __future__ import annotations

import itertools
from pathlib import Path

from scapy.layers.inet import IP, UDP, fragment
from scapy.layers.l2 import Ether
from scapy.packet import Raw
from scapy.utils import wrpcap

from citywall import settings
from citywall.findings import Finding
from citywall.sessions import Session
from citywall.watermarks import END_OF_TIME
from stream.signatures import Signatures
from tests.rules.conftest import CLIENT, SERVER, tcp
from tests.stream.tunnels import LAYERS, tunnelled

RULES = """
alert http any any -> any any (msg:"Admin"; http.uri; content:"/admin"; classtype:trojan-activity; sid:5;)
alert tcp $HOME_NET any -> any any (msg:"Opening"; flags:S; sid:6; priority:3;)
"""


def told(signatures: Signatures, session: Session) -> list[Finding]:
    return [finding for found, _ in signatures.findings(session) for finding in found]


def made(tmp_path: Path) -> tuple[Signatures, Session]:
    packets = tcp([(0, b"GET /admin HTTP/1.1\r\nHost: a\r\n\r\n")])
    for i, packet in enumerate(packets):
        packet.time = 1_700_000_000 + i
    wrpcap(str(tmp_path / "a.pcap"), packets)
    (tmp_path / "a.rules").write_text(RULES)
    configured = settings.load(assignments=[f'rules.files=["{tmp_path}/a.rules"]'])
    return Signatures(configured), Session("s", "capture", str(tmp_path / "a.pcap"), 1, "live", 0)


def test_findings_say_who_and_where(tmp_path: Path):
    signatures, session = made(tmp_path)
    first, second = told(signatures, session)
    assert (first.detector, second.detector) == ("signature.1.6", "signature.1.5")
    assert {first.detector, second.detector} <= set(signatures.cards())
    assert second.source is not None
    assert second.target is not None
    assert (second.source.address, second.target.address, second.target.port) == (CLIENT, SERVER, 80)
    assert second.evidence[0].frame == 4  # which brought the request
    assert second.facts["sid"] == 5


def test_the_evidence_of_a_datagram_is_the_packet_that_completed_it(tmp_path: Path):
    data = Raw(b"a" * 1190 + b"a needle in fragments" + b"b" * 900)
    pieces = fragment(IP(src=CLIENT, dst=SERVER) / UDP(sport=9, dport=53) / data, 1200)
    wrpcap(str(tmp_path / "a.pcap"), [Ether(bytes(Ether() / piece)) for piece in pieces])
    rule = 'alert udp any any -> any 53 (content:"needle in fragments"; sid:7;)\n'
    rule += "alert ip any any -> any any (decode-event:ipv4.frag_overlap; sid:8;)"
    (tmp_path / "a.rules").write_text(rule)
    told = settings.load(assignments=[f'rules.files=["{tmp_path}/a.rules"]'])
    session = Session("s", "capture", str(tmp_path / "a.pcap"), 1, "live", 0)
    (found,) = [finding for some, _ in Signatures(told).findings(session) for finding in some]
    raw = (tmp_path / "a.pcap").read_bytes()
    assert found.evidence[0].frame == len(pieces)
    assert raw[found.evidence[0].offset :] == bytes(Ether(bytes(Ether() / pieces[-1])))


def test_the_same_session_gives_the_same_findings(tmp_path: Path):
    signatures, session = made(tmp_path)
    assert list(signatures.findings(session)) == list(signatures.findings(session))


def test_other_sessions_are_not_matched(tmp_path: Path):
    signatures, session = made(tmp_path)
    assert list(signatures.findings(Session("s", "live", session.path, 1, "live", 0))) == [([], END_OF_TIME)]


def test_pieces_come_with_the_time_before_which_nothing_follows(tmp_path: Path, monkeypatch):
    signatures, session = made(tmp_path)
    whole = told(signatures, session)
    monkeypatch.setattr("stream.signatures.PIECE", 2)
    pieces = list(signatures.findings(session))
    assert len(pieces) > 4
    clocks = [clock for _, clock in pieces]
    assert clocks == sorted(clocks)
    assert clocks[-1] == END_OF_TIME
    for (_, before), (found, _) in itertools.pairwise(pieces):
        assert all(finding.time >= before for finding in found)
    assert [finding for found, _ in pieces for finding in found] == whole


def test_the_layer_is_the_evidence(tmp_path: Path):
    packets = tunnelled()
    wrpcap(str(tmp_path / "a.pcap"), packets)
    (tmp_path / "a.rules").write_text(LAYERS)
    told_ = settings.load(assignments=[f'rules.files=["{tmp_path}/a.rules"]'])
    session = Session("s", "capture", str(tmp_path / "a.pcap"), 1, "live", 0)
    found = told(Signatures(told_), session)
    inside, outside = (
        next(f for f in found if f.facts["sid"] == sid and f.evidence[0].frame == 2) for sid in (3, 2)
    )
    assert (inside.source.address, inside.target.port) == (CLIENT, 53)
    assert (outside.source.address, outside.target.port) == ("192.0.2.1", 4789)
    assert inside.source.domain == (1 << 31) | 77
    assert outside.source.domain == 0
    raw = (tmp_path / "a.pcap").read_bytes()
    assert inside.evidence[0].offset == outside.evidence[0].offset
    assert raw[inside.evidence[0].offset :].startswith(bytes(packets[1]))
    assert len({f.id for f in found}) == len(found)
