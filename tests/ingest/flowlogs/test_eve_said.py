"""Suricata's events of what applications say."""

from __future__ import annotations

import json
from itertools import pairwise

import numpy as np
import pytest

from citywall import batches as b
from citywall.addresses import to_text
from ingest.flowlogs import registry
from ingest.flowlogs.reader import FlowLogReader

ENDS = {
    "timestamp": "2024-05-01T12:00:00.500000+0000", "src_ip": "10.1.0.9", "src_port": 40000,
    "dest_ip": "10.1.0.1", "dest_port": 53, "proto": "UDP",
}  # fmt: skip


def events(tmp_path, *objects: tuple[str, dict]):
    path = tmp_path / "eve.json"
    rows = [ENDS | {"event_type": kind} | inner for kind, inner in objects]
    path.write_text("".join(json.dumps(row).replace("/", "\\/") + "\n" for row in rows))
    parser, reader = registry.sniff(path), FlowLogReader()
    batches = [reader.add(ref) for ref in registry.chunks(path, parser)]
    return np.concatenate([batch.events for batch in (*batches, reader.finish())])


def texts(event) -> list[str]:
    cuts = np.cumsum([0, event["name_size"], event["rest_size"], event["agent_size"]])
    return [bytes(event["text"])[x:y].decode() for x, y in pairwise(cuts)]


def source(event) -> str:
    return to_text(int(event["src_hi"]), int(event["src_lo"]))


NAME = {"id": 7, "rrname": "www.Example.com", "rrtype": "A"}


def test_a_question(tmp_path):
    (asked,) = events(tmp_path, ("dns", {"dns": {"type": "query", **NAME}}))
    assert (asked["kind"], asked["type"], asked["aux"]) == (b.DNS_QUERY, 1, 7)
    assert (texts(asked)[0], source(asked)) == ("www.example.com", "10.1.0.9")


@pytest.mark.parametrize(
    "more",
    [
        {"rcode": "NOERROR", "grouped": {"A": ["198.51.100.7", "198.51.100.8"]}},
        {"rcode": "NOERROR", "rdata": "198.51.100.7"},
    ],
)
@pytest.mark.parametrize("turned", [False, True])
def test_an_answer(tmp_path, more, turned):
    ends = {"src_ip": "10.1.0.1", "src_port": 53, "dest_ip": "10.1.0.9", "dest_port": 40000} if turned else {}
    (told,) = events(tmp_path, ("dns", ends | {"dns": {"type": "answer", **NAME, **more}}))
    assert (told["kind"], told["code"], source(told), told["src_port"]) == (b.DNS_ANSWER, 0, "10.1.0.1", 53)
    assert to_text(int(told["answer_hi"]), int(told["answer_lo"])) == "198.51.100.7"


def test_a_name_that_is_not_there(tmp_path):
    (told,) = events(tmp_path, ("dns", {"dns": {"type": "answer", **NAME, "rcode": "NXDOMAIN"}}))
    assert (told["code"], told["answers"]) == (3, 0)


def test_the_web(tmp_path):
    web = {
        "http_method": "GET", "hostname": "portal.gov.cn", "url": "/a/../../../etc/passwd",
        "http_user_agent": "Nikto", "status": 404,
    }  # fmt: skip
    asked, told = events(tmp_path, ("http", {"proto": "TCP", "dest_port": 80, "http": web}))
    assert asked["flags"] == b.TRAVERSAL | b.UNMISTAKABLE | b.SCANNER
    assert texts(asked) == ["portal.gov.cn", "/a/../../../etc/passwd", "nikto"]  # its strokes were escaped
    assert (told["code"], source(told)) == (404, "10.1.0.1")


def test_encryption(tmp_path):
    asked, told = events(tmp_path, ("tls", {"proto": "TCP", "tls": {"version": "TLS 1.0", "sni": "a.cn"}}))
    assert (texts(asked)[0], told["code"]) == ("a.cn", 0x0301)


def test_other_events_say_nothing(tmp_path):
    assert (
        len(events(tmp_path, ("anomaly", {"anomaly": {"event": "x"}}), ("dns", {"dns": {"type": "?"}}))) == 0
    )


def test_alerts(tmp_path):
    alert = {"signature_id": 1, "severity": 2, "action": "allowed",
             "signature": "ET SCAN NMAP", "category": "Attempted Information Leak"}  # fmt: skip
    bare, told = events(tmp_path, ("alert", {"alert": alert}), ("alert", {"alert": {"signature": "x"}}))
    assert (told["kind"], told["code"], told["number"]) == (b.NOTICE_RAISED, 2, 0)
    assert texts(told) == ["et scan nmap", "attempted information leak", "allowed"]
    assert source(told) == "10.1.0.9"
    assert (texts(bare)[0], bare["code"]) == ("x", 3)
    broken = [{"alert": alert | {"severity": "high"}}, {"alert": {"category": "x"}}, {"alert": 1}, {}]
    assert len(events(tmp_path, *(("alert", each) for each in broken))) == 0


def test_fingerprints_of_hellos(tmp_path):
    ja4 = "t13d1516h2_8daaf6152771_b186095e22b6"
    tls = {"sni": "a.example", "version": "TLS 1.2", "ja3": {"hash": "0f" * 16, "string": "771,4"},
           "ja3s": {"hash": "f0" * 16}, "ja4": ja4}  # fmt: skip
    client, server = events(tmp_path, ("tls", {"tls": tls}))
    assert (int(client["answer_hi"]), int(server["answer_lo"])) == (int("0f" * 8, 16), int("f0" * 8, 16))
    assert texts(client)[:3] == ["a.example", "", ja4]


def test_files(tmp_path):
    md5, sha256 = "0123456789abcdef" * 2, "fedcba9876543210" * 4
    told = {"filename": "/a/Tool.exe", "state": "CLOSED", "size": 18, "md5": md5, "sha256": sha256}
    whole, cut = events(
        tmp_path,
        ("fileinfo", {"app_proto": "http", "fileinfo": told}),
        ("fileinfo", {"app_proto": "ftp-data", "fileinfo": told | {"state": "TRUNCATED", "size": 7}}),
    )
    assert (whole["kind"], b.FILE_SOURCES[whole["type"]], source(whole)) == (b.FILE_SEEN, "http", "10.1.0.9")
    assert (whole["size"], whole["number"], cut["size"], cut["number"]) == (18, 18, 7, 0)
    assert texts(whole) == ["/a/tool.exe", "", sha256 + " " * 40 + md5]
    assert b.FILE_SOURCES[cut["type"]] == "ftp"
