from __future__ import annotations

import struct

from tests.rules.conftest import tcp, udp

TURNS = [
    (0, b"GET /download HTTP/1.1\r\nHost: a.example\r\nX-Id: one\r\n\r\n"),
    (1, b"HTTP/1.1 200 OK\r\nServer: nginx\r\nContent-Length: 5\r\n\r\nhello"),
    (0, b"GET /other HTTP/1.1\r\nHost: b.example\r\n\r\n"),
    (1, b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"),
]


def test_all_demands_are_met_by_one_transaction(sids):
    text = """
alert http any any -> any any (http.uri; content:"/other"; http.host; content:"b.example"; sid:1;)
alert http any any -> any any (http.uri; content:"/other"; http.host; content:"a.example"; sid:2;)
alert http any any => any any (http.uri; content:"/download"; http.stat_code; content:"200"; sid:3;)
alert http any any => any any (http.uri; content:"/download"; http.stat_code; content:"404"; sid:4;)
alert http any any -> any any (http.uri; content:"/"; startswith; sid:5;)
"""
    assert sorted(sids(text, tcp(TURNS))) == [1, 3, 5, 5]


def test_what_is_absent(sids):
    text = "alert http any any -> any any (flow:to_server; http.user_agent; absent; sid:1;)"
    assert sids(text, tcp(TURNS)) == [1, 1]


def test_transformed(sids):
    text = 'alert http any any -> any any (http.host; dotprefix; content:".a.example"; endswith; sid:1;)'
    assert sids(text, tcp(TURNS)) == [1]


def test_an_event_of_the_answer_is_one_of_the_request_while_that_is_looked_at(sids):
    answer = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip, identity, gzip\r\nContent-Length: 0\r\n\r\n"
    event = "http.too_many_encoding_layers"
    text = f"alert http any any -> any any (flow:to_server; app-layer-event:{event}; sid:1;)"
    asked = tcp([(0, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"), (1, answer)])
    assert sids(text, asked) == [1]
    between = asked[5].copy()  # another packet of the client before the answer
    between["TCP"].flags = "A"
    assert sids(text, [*asked[:5], asked[2].copy(), *asked[5:]]) == []


def test_an_event_of_a_protocol_with_answers_is_told_on_both_sides_by_a_rule_that_names_none(sids):
    turns = [
        (1, b"220 hi\r\n"),
        (0, b"RETR a.txt\r\n"),
        (1, b"425 no\r\n"),
        (0, b"QUIT\r\n"),
        (1, b"221 x\r\n"),
    ]
    event = "app-layer-event:ftp.file_before_port;"
    text = f"""
alert ftp any any -> any any ({event} sid:1;)
alert ftp any any -> any any (flow:to_server; {event} sid:2;)
alert ftp any any -> any any (flow:to_client; {event} sid:3;)
"""
    assert sorted(sids(text, tcp(turns, dport=21))) == [1, 1, 2, 3]


def test_a_name_is_absent_only_from_messages_that_could_have_it(sids):
    ask = struct.pack(">6H", 1, 0x0100, 1, 0, 0, 0) + b"\1a\0\0\1\0\1"
    answer = struct.pack(">6H", 1, 0x8180, 1, 0, 0, 0) + b"\1a\0\0\1\0\1"
    text = "alert dns any any -> any any (dns.authorities.rrname; absent; sid:1;)"
    assert sids(text, [udp(ask), udp(answer, back=True)]) == [1]
    assert sids(text, [udp(ask)]) == []
