from __future__ import annotations

from rules.language.parser import Parser
from rules.match.engine import Engine
from tests.rules.conftest import ping, tcp, udp

HEAD = "alert tcp any any -> any any"
HTTP = [(0, b"GET /admin.php?id=1 HTTP/1.1\r\nHost: portal.example\r\nUser-Agent: sqlmap/1.7\r\n\r\n"),
        (1, b"HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\nuid=0(r")]  # fmt: skip


def test_one_conversation_many_kinds_of_rules(sids):
    text = """
alert http any any -> any any (http.uri; content:"/ADMIN.php"; nocase; sid:1;)
alert http any any -> any any (http.user_agent; content:"sqlmap"; startswith; sid:2;)
alert http any any -> any any (flow:established,to_client; file_data; content:"uid=0"; sid:3;)
alert http any any -> any any (http.host; content:"other.example"; sid:4;)
alert tcp any any -> any 80 (flow:established,to_server; content:"GET "; content:"HTTP"; distance:9; sid:5;)
alert tcp any any -> any 81 (content:"GET "; sid:6;)
alert tcp any any -> any any (flags:S; sid:7;)
alert tcp any any -> any any (content:"uid=0"; pcre:"/uid=\\d\\(r/"; sid:8;)
alert udp any any -> any any (content:"GET "; sid:9;)
"""
    assert sorted(set(sids(text, tcp(HTTP)))) == [1, 2, 3, 5, 7, 8]


def test_what_is_cut_over_segments_is_found_in_the_stream(sids):
    pieces = [(0, b"....All"), (0, b"Work"), (0, b"....")]
    text = f'{HEAD} (content:"AllWork"; sid:1;)\nalert tcp-pkt any any -> any any (content:"AllWork"; sid:2;)'
    assert sids(text, tcp(pieces, dport=9999)) == [1]


def test_bits_stand_as_the_traffic_made_them(sids):
    text = """
alert udp any any -> any any (content:"second"; flowbits:isset,first; sid:2;)
alert udp any any -> any any (content:"first"; flowbits:set,first; flowbits:noalert; sid:1;)
alert udp any any -> any any (content:"third"; flowbits:isnotset,first; sid:3;)
"""
    scene = [udp(b"second 1"), udp(b"first"), udp(b"second 2"), udp(b"third")]
    assert sids(text, scene) == [2]


def test_a_pass_keeps_others_silent_on_its_packet(sids):
    text = 'alert udp any any -> any any (content:"bad"; sid:1;)\n'
    text += 'pass udp any any -> any any (content:"fine"; sid:2;)'
    assert sids(text, [udp(b"bad"), udp(b"bad but fine"), udp(b"bad again")]) == [1, 1]


def test_a_dropped_flow_is_looked_at_no_more_whether_packets_wait_for_it_or_not(sids):
    text = 'drop tcp any any -> any any (content:"evil"; sid:1;)\n'
    text += 'alert tcp any any -> any any (content:"later"; sid:2;)'
    scene = tcp([(0, b"evil here"), (1, b"later there")], dport=9999)
    assert sids(text, scene, inline=True) == [1]
    assert sids(text, scene) == [1]


def test_addresses_alone_are_looked_at_once_a_direction(sids):
    text = "alert ip 192.168.1.10 any -> any any (sid:1;)"
    assert sids(text, [udp(b"a"), udp(b"b"), udp(b"c", back=True)]) == [1]


def test_the_same_rules_anew_remember_nothing():
    engine = Engine(Parser().text(f"{HEAD} (sid:1; flags:S;)").rules)
    engine.memory.bits["flow", 1, "x"] = 0
    assert engine.fresh().memory.bits == {}
    assert engine.fresh().rules is engine.rules


def test_header_fields(sids):
    text = """
alert icmp any any -> any any (itype:8; icode:0; icmp_seq:2; sid:1;)
alert ip any any -> any any (ttl:<10; sid:2;)
alert icmp any any -> any any (dsize:>100; sid:3;)
alert icmp any any -> any any (ipv4.hdr; content:"|40|"; offset:8; depth:1; sid:4;)
"""
    assert sids(text, [ping(1), ping(2), ping(3, ttl=5)]) == [4, 1, 4, 2]


def test_a_drop_that_asks_something_of_its_packet_takes_no_flow_along(sids):
    turns = [(0, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"), (1, b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")]
    assert len(sids("drop http any any -> any any (dsize:0; sid:1;)", tcp(turns))) > 1
    assert sids("drop http any any -> any any (sid:1;)", tcp(turns)) == [1]
