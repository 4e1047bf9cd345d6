from __future__ import annotations

import itertools
from pathlib import Path

import pytest
from scapy.layers.inet import IP, UDP, fragment
from scapy.layers.l2 import GRE, Ether
from scapy.layers.vxlan import VXLAN
from scapy.packet import Raw
from scapy.utils import wrpcap

from citywall import settings
from citywall.findings import Finding
from citywall.sessions import Session
from citywall.watermarks import END_OF_TIME
from rules.language.parser import Parser
from rules.match.engine import Engine
from stream.signatures import Signatures, over_capture
from tests.rules.conftest import CLIENT, SERVER, tcp, udp

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


#: Rules of every kind, with what they keep in mind.
MANY = """
alert http any any -> any any (http.uri; content:"/admin"; flowbits:set,asked; sid:1;)
alert http any any -> any any (flow:to_client; http.stat_code; content:"200"; flowbits:isset,asked; sid:2;)
alert tcp any any -> any any (content:"second"; sid:3;)
alert tcp any any -> any any (content:"AcrossBorders"; sid:4;)
alert http any any -> any any (content:"body-byte"; http.method; content:"POST"; sid:5;)
alert ip 192.168.1.10 any -> any any (sid:6;)
alert tcp any any -> any any (flags:F+; sid:7;)
alert dns any any -> any any (dns.query; content:"example"; threshold:type both,track by_src,count 2,\
 seconds 60; sid:8;)
alert tcp any any -> any any (flow:established,to_server; content:"GET "; depth:4; sid:9;)
alert tcp any any -> any any (app-layer-protocol:http; sid:10;)
alert tcp any any -> any any (content:"x"; depth:1; stream_size:client,>,3000; sid:11;)
alert http any any -> any any (http.user_agent; content:"ab"; sid:12;)
alert tcp any any -> any 9999 (content:!"zzz"; sid:13;)
"""


def test_alerts_are_the_same_at_any_size_of_pieces(tmp_path: Path):
    query = b"\x12\x34\1\0\0\1\0\0\0\0\0\0\7example\3org\0\0\1\0\1"
    web = [
        (0, b"GET /admin HTTP/1.1\r\nHost: a\r\nUser-Agent: ab\r\n\r\n"),
        (1, b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nsecond"),
        (0, b"POST /b HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nbody"),
        (0, b"-byte"),
        (1, b"HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n"),
    ]
    plain = [(0, b"x" * 1400), (0, b"y" * 1400 + b"Across"), (0, b"Borders" + b"z" * 900), (0, b"x end")]
    flows = [
        tcp(web), tcp(plain, sport=40001, dport=9999)[:-3], tcp(plain, sport=40002, dport=8888),
        [udp(query), udp(query), udp(query)],
    ]  # fmt: skip
    packets = [p for group in itertools.zip_longest(*flows) for p in group if p is not None]
    for i, packet in enumerate(packets):
        packet.time = 1_700_000_000 + i
    wrpcap(str(tmp_path / "a.pcap"), packets)
    found = Parser().text(MANY)
    assert not found.rejected
    engine = Engine(found.rules)

    def at(size: int) -> list[tuple[object, ...]]:
        alerts = over_capture(tmp_path / "a.pcap", engine.fresh(), piece=size)
        return [(a.rule.sid, a.frame, a.known, a.flow, a.direction, a.transaction) for a in alerts]

    whole = at(1 << 30)
    assert {sid for sid, *_ in whole} == set(range(1, 14))
    for size in (1, 7, 20, 4096):
        assert at(size) == whole


#: Said, so that Scapy does not ask the network of whoever tests for them.
CARDS = {"src": "02:00:00:00:00:01", "dst": "02:00:00:00:00:02"}
LAYERS = """
alert ip any any -> any any (msg:"every packet without a flow, else each way once"; sid:1;)
alert udp any any -> any 4789 (content:"needle"; sid:2;)
alert udp any any -> any 53 (content:"needle"; sid:3;)
alert ip any any -> any any (ip_proto:47; sid:4;)
alert ip any any -> any any (ip_proto:47; content:"needle"; sid:5;)
alert ip any any -> any any (decode-event:gre.version0_flags; sid:6;)
alert ip any any -> any any (decode-event:ipv4.opt_pad_required; sid:7;)
alert udp any any -> any 4789 (flow:to_server; flowbits:set,outside; flow.pkts:toserver,>1; sid:8;)
alert udp any any -> any 53 (flowbits:isset,outside; sid:9;)
"""


def tunnelled() -> list[Ether]:
    """Two packets in VXLAN, one in GRE, one in both."""
    inner = IP(src=CLIENT, dst=SERVER) / UDP(sport=9, dport=53) / Raw(b"a needle")
    outer = IP(src="192.0.2.1", dst="192.0.2.2", options=b"\x01\x01\x01\x01")
    vxlan = outer / UDP(sport=7, dport=4789) / VXLAN(vni=77, flags=8) / Ether(**CARDS) / inner
    gre = IP(src="192.0.2.1", dst="192.0.2.2") / GRE() / inner
    both = IP(src="192.0.2.3", dst="192.0.2.4") / GRE() / vxlan
    return [Ether(bytes(Ether(**CARDS) / packet)) for packet in (vxlan, vxlan, gre, both)]


@pytest.mark.parametrize("size", [1, 2, 3, 1 << 30])
def test_each_layer_of_a_tunnel_is_a_packet_of_its_frame(tmp_path: Path, size: int):
    """The innermost first, as Suricata has it; each has a flow, but GRE, whose payload is what is inside."""
    wrpcap(str(tmp_path / "a.pcap"), tunnelled())
    found = Parser().text(LAYERS)
    assert not found.rejected
    engine = Engine(found.rules)
    alerts = over_capture(tmp_path / "a.pcap", engine, piece=size)
    assert [(a.frame, a.rule.sid) for a in alerts] == [
        (1, 1), (1, 3), (1, 1), (1, 2), (1, 7),
        (2, 3), (2, 8), (2, 2), (2, 7),
        (3, 1), (3, 3), (3, 1), (3, 4),
        (4, 3), (4, 8), (4, 2), (4, 7), (4, 1), (4, 4),
    ]  # fmt: skip
    assert len({a.flow for a in alerts if a.rule.sid in (2, 3)}) == 3


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


@pytest.mark.parametrize("size", [1, 2, 1 << 30])
@pytest.mark.parametrize("outside", [True, False])
def test_layers_of_datagrams_that_were_put_together(tmp_path: Path, outside: bool, size: int):
    """Where the carrier came in fragments, and where what it carries did."""
    big = UDP(sport=9, dport=53) / Raw(b"a" * 1300 + b"a needle" + b"b" * 900)
    inner = IP(src=CLIENT, dst=SERVER) / big
    if outside:
        carrier = IP(src="192.0.2.1", dst="192.0.2.2") / UDP(sport=7, dport=4789) / VXLAN(vni=77, flags=8)
        pieces = fragment(carrier / Ether(**CARDS) / inner, 1200)
    else:
        carrier = IP(src="192.0.2.1", dst="192.0.2.2") / UDP(sport=7, dport=4789) / VXLAN(vni=77, flags=8)
        pieces = [carrier / Ether(**CARDS) / piece for piece in fragment(inner, 1200)]
    wrpcap(str(tmp_path / "a.pcap"), [Ether(bytes(Ether(**CARDS) / piece)) for piece in pieces])
    text = 'alert udp any any -> any 4789 (content:"needle"; sid:2;)\n'
    text += 'alert udp any any -> any 53 (content:"needle"; sid:3;)\n'
    text += "alert udp any any -> any 4789 (dsize:>100; sid:4;)"
    alerts = over_capture(tmp_path / "a.pcap", Engine(Parser().text(text).rules), piece=size)
    found = sorted((a.rule.sid, a.frame) for a in alerts)
    if outside:
        assert found == [(2, len(pieces)), (3, len(pieces)), (4, len(pieces))]
    else:
        assert found == [(2, 2), (3, len(pieces)), *((4, i + 1) for i in range(len(pieces)))]
