"""Conditions as rules write them, over rows made by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import yaml

from citywall.batches import DNS_ANSWER, DNS_QUERY, HTTP_REQUEST, TLS_CLIENT
from rules.sigma.conditions import Columns
from rules.sigma.reading import compiled
from tests.rules.indicators.rows import events, flow, flows

QUERIES = events(
    (DNS_QUERY, [b"www.evil.example"], {"type": 1, "dst_port": 53}),
    (DNS_QUERY, [b"good.example"], {"type": 16}),
    (DNS_QUERY, [b""], {"source": "2001:db8::7", "type": 28}),
)  # fmt: skip
REQUESTS = events(
    (HTTP_REQUEST, [b"evil.example", b"/a/cmd.php?x=1", b"sqlmap/1"], {"code": 1, "dst_port": 80}),
    (HTTP_REQUEST, [b"good.example", b"/", b"mozilla"], {"code": 2, "dst_port": 8080}),
)  # fmt: skip
FLOWS = flows(
    flow("10.0.0.5", "203.0.113.1", dst_port=22, src_bytes=5000),
    flow("10.1.0.5", "198.51.100.1", dst_port=443, proto=17),
)  # fmt: skip


def found(rows: Any, source: str, detection: str, *, turned: bool = False) -> list[int]:
    rule = compiled(
        {"title": "t", "logsource": yaml.safe_load(source), "detection": yaml.safe_load(detection)}, "x.yml"
    )  # fmt: skip
    columns = Columns(rows, np.arange(len(rows)), turned=turned)
    return np.flatnonzero(rule.condition.holds(columns)).tolist()


@pytest.mark.parametrize(
    ("detection", "rows"),
    [
        ("{s: {query|endswith: .EVIL.example}, condition: s}", [0]),
        ("{s: {query|contains: [evil, good]}, condition: s}", [0, 1]),
        ("{s: {query|contains|all: [evil, www]}, condition: s}", [0]),
        ("{s: {query: 'www.*.exampl?'}, condition: s}", [0]),
        ("{s: {query|re: '^G..d[.]'}, condition: s}", [1]),
        ("{s: {query: null}, condition: s}", [2]),
        ("{s: {query|exists: true}, condition: s}", [0, 1]),
        ("{s: {record_type: [TXT, AAAA]}, condition: s}", [1, 2]),
        ("{s: {src_ip|cidr: '2001:db8::/32'}, condition: s}", [2]),
        ("{s: {src_ip: '10.0.*'}, f: {query|startswith: good}, condition: s and not f}", [0]),
        ("{a: {query|contains: evil}, b: {query|contains: good}, condition: 1 of them}", [0, 1]),
        ("{a: {dst_port: 53}, b: {record_type: A}, condition: all of them}", [0]),
        ("{s: {dst_port|gt: 52}, condition: s}", [0]),
    ],
)
def test_queries(detection: str, rows: list[int]):
    assert found(QUERIES, "{category: dns}", detection) == rows


@pytest.mark.parametrize(
    ("detection", "rows"),
    [
        ("{s: {c-uri|contains: cmd.php}, condition: s}", [0]),
        ("{s: {c-uri|startswith: 'http://evil.example/a'}, condition: s}", [0]),
        ("{s: {cs-uri-query|contains: x=1}, condition: s}", [0]),
        ("{s: {cs-uri-stem|startswith: /a/}, condition: s}", [0]),
        ("{s: {c-useragent: 'sqlmap*', cs-method: GET, cs-host: evil.example}, condition: s}", [0]),
        ("{s: {cs-method: POST}, condition: s}", [1]),
        ("{s: {c-uri: 80}, condition: s}", []),
    ],
)
def test_requests(detection: str, rows: list[int]):
    assert found(REQUESTS, "{category: proxy}", detection) == rows


@pytest.mark.parametrize("asked", ["cs-uri-query: x", "cs-uri-stem|endswith: x", "cs-uri-query|re: x"])
def test_what_cannot_be_decided_of_a_part_of_a_request(asked: str):
    with pytest.raises(ValueError, match="kept whole"):
        found(REQUESTS, "{category: webserver}", f"{{s: {{{asked}}}, condition: s}}")


def test_flows():
    assert found(FLOWS, "{category: firewall}", "{s: {dst_port: 22, protocol: tcp}, condition: s}") == [0]
    assert found(
        FLOWS, "{product: zeek, service: conn}", "{s: {id.orig_h|cidr: 10.1.0.0/16}, condition: s}"
    ) == [1]
    assert found(FLOWS, "{product: zeek, service: conn}", "{s: {orig_ip_bytes|gte: 5000}, condition: s}") == [
        0
    ]


def test_answers_are_seen_from_who_asked():
    more = {"source": "10.0.0.53", "target": "10.0.0.5", "answer": "203.0.113.9", "code": 3}
    rows = events((DNS_ANSWER, [b"a.example"], more))
    asked = "{s: {rcode_name: NXDOMAIN, src_ip: 10.0.0.5, answers: 203.0.113.9}, condition: s}"
    assert found(rows, "{category: dns}", asked, turned=True) == [0]


def test_greetings():
    rows = events((TLS_CLIENT, [b"evil.example", b"h2"], {"code": 0x0303}))
    asked = "{s: {server_name: evil.example, version: TLSv12, next_protocol: h2}, condition: s}"
    assert found(rows, "{product: zeek, service: ssl}", asked) == [0]
