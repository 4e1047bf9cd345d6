from __future__ import annotations

from citywall.batches import DNS_QUERY, END, HTTP_REQUEST, OPEN, TLS_CLIENT
from citywall.domains import Domains, DomainSettings
from rules.flowlogs.matching import FlowLogRules
from rules.language.parser import Parser
from rules.match.limits import Limits, read_limits
from tests.rules.indicators.rows import events, flow, flows

DOMAINS = Domains(DomainSettings())
HEADERS = """
alert ip [203.0.113.0/24] any -> any any (sid:1;)
alert tcp any any -> any 23 (flow:to_server,established; sid:2;)
alert tcp any 23 -> any any (flow:to_client; sid:3;)
alert udp 10.0.0.0/8 any <> any 123 (sid:4;)
alert icmp any any -> any any (sid:5;)
alert tcp any any -> any any (content:"abc"; sid:6;)
alert ipv6 any any -> any any (sid:7;)
"""
TEXTS = """
alert dns any any -> any any (dns.query; dotprefix; content:".evil.example"; endswith; nocase; sid:1;)
alert dns any any -> any any (dns.query; content:"evil"; bsize:12; sid:2;)
alert tls 10.0.0.0/8 any -> any 443 (tls.sni; content:"evil.example"; sid:3;)
alert http any any -> any any (http.method; content:"POST"; http.uri; content:"/Gate.php?";\
 pcre:"/ID=[0-9]+$/"; \
 sid:4;)
alert http any any -> any any (http.user_agent; content:"SQLmap"; http.host; content:!"good"; sid:5;)
"""


def made(text: str, limits: Limits | None = None) -> FlowLogRules:
    found = Parser().text(text)
    assert not found.rejected
    return FlowLogRules(found.rules, limits, DOMAINS)


def logged(*given, **more):
    return flows(*({**one, "frame": -1, "kind": END, "dst_packets": 1, **more} for one in given))


def told(found) -> list[tuple[object, str]]:
    return [(f.facts["sid"], f.entity) for f in found]


def test_headers_of_flows_that_are_over():
    rules = made(HEADERS)
    rows = logged(
        flow("203.0.113.7", "10.0.0.5", flow_id=1), flow("10.0.0.5", "198.51.100.1", dst_port=23, flow_id=2),
        flow("10.0.0.5", "198.51.100.1", dst_port=123, proto=17, flow_id=3),
        flow("10.0.0.5", "198.51.100.1", proto=1, flow_id=4), flow("2001:db8::1", "2001:db8::2", flow_id=5),
    )  # fmt: skip
    found = rules.flows(rows, "s", "live")
    assert told(found) == [
        (1, "203.0.113.7>10.0.0.5"), (2, "10.0.0.5>198.51.100.1"), (4, "10.0.0.5>198.51.100.1"),
        (5, "10.0.0.5>198.51.100.1"), (7, "2001:db8::1>2001:db8::2"), (3, "198.51.100.1>10.0.0.5"),
    ]  # fmt: skip
    assert found[0].evidence[0].flow_id == 1
    one_by_one = [f for i in range(5) for f in rules.flows(rows[i : i + 1], "s", "live")]
    assert sorted(f.id for f in one_by_one) == sorted(f.id for f in found)


def test_what_packets_are_behind_or_is_not_over_is_left_to_others():
    rules = made(HEADERS)
    assert rules.flows(flows(flow("203.0.113.7", "10.0.0.5", kind=END)), "s", "live") == []
    assert rules.flows(logged(flow("203.0.113.7", "10.0.0.5"), kind=OPEN), "s", "live") == []
    assert (
        told(rules.flows(logged(flow("10.0.0.5", "1.1.1.1", dst_port=23), dst_packets=0), "s", "live")) == []
    )


def test_texts_of_requests():
    rows = events(
        (DNS_QUERY, [b"www.evil.example"], {}), (DNS_QUERY, [b"evil.example"], {}),
        (DNS_QUERY, [b"notevil.example"], {}), (TLS_CLIENT, [b"evil.example"], {"dst_port": 443}),
        (TLS_CLIENT, [b"evil.example"], {"dst_port": 8443}),
        (HTTP_REQUEST, [b"a", b"/gate.php?id=12", b"x"], {"code": 2}),
        (HTTP_REQUEST, [b"a", b"/gate.php?id=12", b"x"], {"code": 1}),
        (HTTP_REQUEST, [b"good.example", b"/", b"sqlmap/1"], {"code": 1}),
        (HTTP_REQUEST, [b"bad.example", b"/", b"sqlmap/1"], {"code": 1}),
    )  # fmt: skip
    rows["frame"], rows["time"] = -1, range(len(rows))
    rules = made(TEXTS)
    found = [(f.facts["sid"], f.time) for f in rules.events(rows, "s", "live")]
    assert sorted(found) == [(1, 0), (1, 1), (2, 1), (3, 3), (4, 5), (5, 8)]
    rows["frame"] = 5
    assert rules.events(rows, "s", "live") == []


def test_suppression(tmp_path):
    (tmp_path / "limits").write_text("suppress gen_id 1, sig_id 1, track by_src, ip 203.0.113.7\n")
    rules = made(HEADERS, read_limits(tmp_path / "limits"))
    rows = logged(flow("203.0.113.7", "10.0.0.5", flow_id=1), flow("203.0.113.8", "10.0.0.5", flow_id=2))
    assert told(rules.flows(rows, "s", "live")) == [(1, "203.0.113.8>10.0.0.5")]


def test_nothing_that_can_be_answered():
    assert not made('alert tcp any any -> any any (content:"abc"; sid:6;)')
