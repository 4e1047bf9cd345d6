from __future__ import annotations

import itertools
from functools import partial
from pathlib import Path

import pytest
from scapy.layers.inet import IP, UDP, fragment
from scapy.layers.l2 import Ether
from scapy.layers.vxlan import VXLAN
from scapy.packet import Raw
from scapy.utils import wrpcap

from rules.language.parser import Parser
from rules.match.engine import Engine
from stream.matching import over_capture
from tests.rules.conftest import CLIENT, SERVER, tcp, udp
from tests.stream.tunnels import CARDS, LAYERS, tunnelled

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


def _told(path: Path, engine: Engine, size: int) -> list[tuple[object, ...]]:
    """All that alerts say, with pieces of a size."""
    alerts = over_capture(path, engine.fresh(), piece=size)
    return [(a.rule.sid, a.frame, a.known, a.flow, a.direction, a.transaction) for a in alerts]


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
    at = partial(_told, tmp_path / "a.pcap", Engine(found.rules))
    whole = at(1 << 30)
    assert {sid for sid, *_ in whole} == set(range(1, 14))
    for size in (1, 7, 20, 4096):
        assert at(size) == whole


def test_events_of_transactions_with_two_sides_are_the_same_at_any_size_of_pieces(tmp_path: Path):
    rules = """
alert ftp any any -> any any (app-layer-event:ftp.file_before_port; sid:1;)
alert ftp any any -> any any (ftp.reply_received:no; sid:2;)
alert ftp any any -> any any (ftp.reply_received:yes; sid:3;)
alert smtp any any -> any any (app-layer-event:smtp.bdat_chunk_len_exceeded; sid:4;)
alert smtp any any -> any any (flow:to_client; app-layer-event:smtp.no_server_welcome_message; sid:5;)
alert smtp any any -> any any (flow:to_server; app-layer-event:smtp.duplicate_fields; sid:6;)
"""
    files = [
        (1, b"220 hi\r\n"), (0, b"USER a\r\n"), (1, b"331 b\r\n"), (0, b"RETR a.txt\r\n"),
        (1, b"150 wait\r\n"), (1, b"226 done\r\n"), (0, b"QUIT\r\n"),
    ]  # fmt: skip
    mail = [
        (0, b"EHLO a\r\n"), (1, b"220 hi\r\n"), (0, b"HELO b\r\n"), (1, b"250 a\r\n"),
        (0, b"BDAT 3 LAST\r\nabcQUIT\r\n"), (1, b"250 b\r\n"),
    ]  # fmt: skip
    flows = [tcp(files, dport=21), tcp(mail, sport=40001, dport=25)]
    wrpcap(
        str(tmp_path / "a.pcap"), [p for two in itertools.zip_longest(*flows) for p in two if p is not None]
    )
    found = Parser().text(rules)
    assert not found.rejected
    at = partial(_told, tmp_path / "a.pcap", Engine(found.rules))
    whole = at(1 << 30)
    assert sorted(sid for sid, *_ in whole) == [1, 1, 2, 2, 3, 3, 4, 4, 5, 6]
    for size in (1, 2, 7, 20):
        assert at(size) == whole


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


def test_a_damaged_capture_is_read_on_or_ends_as_libpcap_ends(tmp_path: Path):
    packets = [udp(f"packet {i:02}".encode()) for i in range(20)]
    for i, packet in enumerate(packets):
        packet.time = 1_700_000_000 + i
    path = tmp_path / "a.pcap"
    wrpcap(str(path), packets)
    sound = path.read_bytes()
    tenth = 24 + 10 * (16 + len(packets[0]))
    path.write_bytes(sound[: tenth + 8] + b"\xff\xff\xff\xff" + sound[tenth + 12 :])
    rules = Parser().text('alert udp any any -> any any (content:"packet"; sid:1;)').rules
    assert [a.frame for a in over_capture(path, Engine(rules), until_damage=True)] == list(range(1, 11))
    assert len(over_capture(path, Engine(rules))) == 19
