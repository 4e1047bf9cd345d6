from __future__ import annotations

import uuid

import yaml

from citywall.batches import (
    DNS_ANSWER,
    DNS_QUERY,
    END,
    FILE_SEEN,
    FILE_SOURCES,
    NOTICE_RAISED,
    TLS_CLIENT,
    TLS_WHOLE_CERTIFICATE,
    TLS_WHOLE_CLIENT,
)
from citywall.domains import Domains, DomainSettings
from rules.sigma import matching
from rules.sigma.reading import Ready, compiled
from tests.rules.indicators.rows import events, flow, flows

DOMAINS = Domains(DomainSettings())


def rule(source: str, selection: str, **more: object) -> Ready:
    detection = {"s": yaml.safe_load(selection), "condition": "s"}
    return compiled(
        {"title": "T", "logsource": yaml.safe_load(source), "detection": detection, **more}, "x.yml"
    )


def test_a_flow_counts_once_when_what_is_asked_for_is_known():
    asked = rule("{category: firewall}", "{dst_port: 22}")
    totals = rule("{category: firewall}", "{dst_port: 22, bytes_out|gt: 99}")
    rows = flows(
        flow("10.0.0.5", "10.0.0.6", dst_port=22, flow_id=7, time=1, src_bytes=60),
        flow("10.0.0.5", "10.0.0.6", dst_port=22, flow_id=7, time=2, report=1, src_bytes=100),
        flow("10.0.0.5", "10.0.0.6", dst_port=22, flow_id=7, time=3, report=2, src_bytes=100, kind=END),
    )  # fmt: skip
    lookout = matching.SigmaLookout([asked, totals], DOMAINS)
    found = lookout.flows(rows, "s", "live")
    assert [(f.detector, f.time) for f in found] == [
        (matching.name_of(asked), 1),
        (matching.name_of(totals), 3),
    ]
    assert found[1].facts["bytes_out"] == 100
    assert found[0].entity == "10.0.0.5>10.0.0.6"
    assert [f for i in range(3) for f in lookout.flows(rows[i : i + 1], "s", "live")] == found


def test_events_by_their_kind():
    asked = rule("{category: dns}", "{query|contains: evil}", level="critical", status="test")
    answered = rule("{category: dns}", "{query|contains: evil, rcode_name: NXDOMAIN}")
    rows = events(
        (DNS_QUERY, [b"evil.example"], {"time": 1}), (DNS_ANSWER, [b"evil.example"], {"time": 2, "code": 3}),
        (DNS_QUERY, [b"good.example"], {"time": 3}),
    )  # fmt: skip
    found = matching.SigmaLookout([asked, answered], DOMAINS).events(rows, "s", "live")
    assert [(f.time, int(f.severity), f.confidence) for f in found] == [(1, 5, 0.7), (2, 3, 0.5)]
    assert found[0].facts["query"] == "evil.example"
    assert found[1].source is not None
    assert found[1].source.address == "203.0.113.53"  # who asked


def test_hellos_of_several_packets():
    lookout = matching.SigmaLookout([rule("{product: zeek, service: ssl}", "{sni: evil.example}")], DOMAINS)
    rows = events((TLS_CLIENT, [], {}), (TLS_WHOLE_CLIENT, [b"evil.example", b"h2"], {}), (DNS_QUERY, [], {}))
    rows["time"] = [1, 2, 3]
    assert [f.time for f in lookout.events(rows, "s", "live")] == [2]


def test_cards():
    told = matching.card(rule("{category: dns}", "{query: a}", tags=["attack.exfiltration", "attack.t1048"]))
    assert told.attck == (("T1048", "T1048", "TA0010", "Exfiltration"),)
    assert (told.axis, told.title_en) == ("leak", "T")


def test_files_certificates_and_notices():
    md5, sha1 = "0123456789abcdef" * 2, "89abcdef01" * 4
    asked = {
        "files": [
            f"{{md5: {md5.upper()}}}", "{filename|endswith: .exe, source: HTTP}",
            "{sha256: null, seen_bytes|gt: 9}", f"{{sha1|startswith: {sha1[:6]}}}",
            "{mime_type|contains: dosexec, rx_hosts|cidr: 10.0.0.0/8}",
        ],
        "x509": [
            "{certificate.serial: 8BB00EE}", "{certificate.subject|contains: 'CN=c'}",
            f"{{fingerprint: {md5 * 2}}}", "{san.dns|contains: b.example, certificate.key_length|lt: 2048}",
        ],
        "notice": ["{note: 'Scan::Port_Scan', n|gte: 20}", "{msg|contains: scanned, sub: remote}"],
    }  # fmt: skip
    rules = {
        f"{name}-{i}": rule(f"{{product: zeek, service: {name}}}", text, id=str(uuid.uuid4()))
        for name, some in asked.items()
        for i, text in enumerate(some)
    }
    called = {each.id: name for name, each in rules.items()}
    ends = {"source": "203.0.113.9", "target": "10.0.0.5"}
    file = ends | {"type": FILE_SOURCES.index("http"), "size": 10}
    told = f"{' ' * 64}{sha1}{md5}".encode()
    rows = events(
        (FILE_SEEN, [b"a.exe", b"application/x-dosexec", told], file), (FILE_SEEN, [b"a.exe"], ends),
        (TLS_WHOLE_CERTIFICATE, [b"cn=c", b"i", b" " * 104 + b"8bb00ee"], {}),
        (TLS_WHOLE_CERTIFICATE, [b"cn=d", b"i", f"{md5 * 2}{sha1}8bb00ee0".encode()], {}),
        (
            TLS_WHOLE_CERTIFICATE, [b"cn=e", b"i", b" " * 144 + b"a.example b.example"],
            {"size": 1024, "number": 1},
        ),
        (NOTICE_RAISED, [b"scan::port_scan", b"a scanned b", b"remote"], ends | {"number": 20}),
        (NOTICE_RAISED, [b"scan::port_scan", b"a scanned b"], ends | {"number": 19}),
    )  # fmt: skip
    rows["time"] = range(len(rows))
    found = matching.SigmaLookout([*rules.values()], DOMAINS).events(rows, "s", "live")
    hits = sorted((called[str(f.facts["rule"])], f.time) for f in found)
    assert hits == [
        ("files-0", 0), ("files-1", 0), ("files-2", 0), ("files-3", 0), ("files-4", 0),
        ("notice-0", 5), ("notice-1", 5), ("x509-0", 2), ("x509-1", 2), ("x509-2", 3), ("x509-3", 4),
    ]  # fmt: skip
    shown = {called[str(f.facts["rule"])]: f.facts for f in found}
    assert shown["files-0"]["md5"] == md5
    assert shown["x509-0"]["certificate.serial"] == "8bb00ee"
