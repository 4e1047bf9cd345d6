"""Rules of every kind where there are no packets: logs of Zeek through the whole stream."""

from __future__ import annotations

import json
from pathlib import Path

from citywall.settings import load
from tests.end_to_end.test_rule_partitions import alerts

RULES = """
alert ip [203.0.113.7] any -> any any (sid:1;)
alert dns any any -> any any (dns.query; dotprefix; content:".evil.example"; endswith; sid:2;)
alert http any any -> any any (http.uri; content:"/gate.php"; sid:3;)
alert tcp any any -> any any (content:"never here"; sid:4;)
"""
SIGMA = """
title: A gate
id: 11111111-2222-3333-4444-555555555555
logsource: {product: zeek, service: http}
detection: {asked: {uri|startswith: /gate.php}, condition: asked}
"""


def log(path: Path, **fields: object) -> None:
    ends = {
        "ts": 1_700_000_000.5,
        "uid": "C1",
        "id.orig_h": "10.0.0.5",
        "id.orig_p": 4000,
        "id.resp_h": "203.0.113.7",
    }
    path.write_text(json.dumps({**ends, "id.resp_p": 80, "proto": "tcp", **fields}) + "\n")


def test_they_speak(tmp_path: Path):
    logs = tmp_path / "zeek"
    logs.mkdir()
    log(logs / "conn.log", duration=1.5, orig_bytes=100, resp_bytes=200, conn_state="SF", history="ShADadFf",
        orig_pkts=5, orig_ip_bytes=360, resp_pkts=4, resp_ip_bytes=408)  # fmt: skip
    log(
        logs / "dns.log",
        proto="udp",
        trans_id=1,
        query="www.evil.example",
        qtype=1,
        rcode=0,
        answers=["203.0.113.9"],
    )
    log(
        logs / "http.log",
        trans_depth=1,
        method="GET",
        host="evil.example",
        uri="/gate.php?x",
        status_code=200,
    )
    (tmp_path / "a.rules").write_text(RULES)
    (tmp_path / "l.txt").write_text("203.0.113.9\nevil.example\n")
    (tmp_path / "s.yml").write_text(SIGMA)
    settings = load(
        assignments=[
            f'rules.files=["{tmp_path}/a.rules"]', f'rules.indicators=["{tmp_path}/l.txt"]',
            f'rules.sigma=["{tmp_path}/s.yml"]', "use_detectors=false",
        ]
    )  # fmt: skip
    found = alerts(logs, tmp_path / "data", settings)
    assert sorted((d["rule"]["id"], d["event"]["action"]) for d in found) == [
        ("indicator_address", "answer"), ("indicator_domain", "host"), ("indicator_domain", "query"),
        ("sigma.11111111-2222-3333-4444-555555555555", "match"), ("signature.1.1", "signature"),
        ("signature.1.2", "signature"),
        ("signature.1.3", "signature"),
    ]  # fmt: skip
    assert {d["source"]["ip"] for d in found if d["rule"]["id"] != "signature.1.1"} == {"10.0.0.5"}
