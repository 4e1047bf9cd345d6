"""Sets that rules change, in order of time."""

from __future__ import annotations

from tests.rules.conftest import tcp, udp

ASK = b"\0\1\1\0\0\1\0\0\0\0\0\0\1%b\0\0\1\0\1"


def get(agent):
    return (0, b"GET /%b HTTP/1.1\r\nHost: a\r\nUser-Agent: x\r\n\r\n" % agent)


def test_a_value_is_new_once(sids):
    text = "alert dns any any -> any any (dns.query; dataset:set,seen,type string; sid:1;)"
    assert sids(text, [udp(ASK % name) for name in (b"a", b"b", b"a")]) == [1, 1]


def test_what_is_set_is_seen_by_what_comes_later_and_unset_again(sids):
    text = "\n".join(
        f'alert http any any -> any any (http.uri; content:"/{uri}"; http.user_agent; '
        f"dataset:{op},u,type string; sid:{sid};)"
        for sid, uri, op in ((1, "on", "set"), (2, "off", "unset"), (3, "ask", "isset"))
    )
    made = []
    for i, what in enumerate((b"ask", b"on", b"ask", b"off", b"ask")):
        made += tcp([get(what), (1, b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")], sport=41000 + i)
    assert sids(text, made) == [1, 3, 2]


def test_addresses_of_packets_are_values_too(sids):
    text = 'alert udp any any -> any any (content:"x"; ip.src; dataset:set,h,type ip; sid:1;)'
    assert sids(text, [udp(b"x", dport=9), udp(b"x", dport=9), udp(b"x", back=True, dport=9)]) == [1, 1]


def test_headers_are_asked_beside_transactions(sids):
    text = 'alert http any any -> any any (http.uri; content:"/a"; ip.src; content:"|c0 a8 01 0a|"; sid:1;)\n'
    text += 'alert http any any -> any any (http.uri; content:"/a"; ip.src; content:"|c0 a8 01 0b|"; sid:2;)'
    assert sids(text, tcp([get(b"a")])) == [1]
