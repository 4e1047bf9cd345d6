"""Thresholds by host, xbits and suppression: the same alerts at one and at four partitions."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
from scapy.layers.inet import IP
from scapy.utils import wrpcap

from alerts.query import parse
from alerts.store import open_store
from citywall.settings import Settings, load
from stream.runner import run_paths
from tests.rules.conftest import tcp

RULES = """
alert tcp any any -> any 80 (flags:S; threshold:type both,track by_src,count 3,seconds 60; sid:1;)
alert tcp any any -> any 80 (flags:S; detection_filter:track by_dst,count 4,seconds 60; sid:2;)
alert http any any -> any any (http.uri; content:"/mark"; xbits:set,marked,track ip_src,expire 100; sid:3;)
alert http any any -> any any (http.uri; content:"/later"; xbits:isset,marked,track ip_src; sid:4;)
alert http any any -> any any (http.uri; content:"/pair"; hostbits:set,h,both; noalert; sid:5;)
alert http any any -> any any (http.uri; content:"/quiet"; sid:6;)
"""
LIMITS = """
suppress gen_id 1, sig_id 6, track by_src, ip 10.0.0.3
threshold gen_id 1, sig_id 3, type limit, track by_src, count 1, seconds 300
"""


def capture(path: Path) -> None:
    packets = []
    for turn in range(3):
        for host in range(1, 9):
            page = (b"mark", b"quiet", b"later")[turn] if host != 3 else b"quiet"
            made = tcp([(0, b"GET /%b HTTP/1.1\r\nHost: a\r\n\r\n" % page)], sport=40000 + turn)
            for packet in made:
                ours = packet[IP].src == "192.168.1.10"
                setattr(packet[IP], "src" if ours else "dst", f"10.0.0.{host}")
                setattr(packet[IP], "dst" if ours else "src", f"203.0.113.{host % 2}")
            packets += made
    for i, packet in enumerate(packets):
        packet.time = 1_700_000_000 + i / 10
    wrpcap(str(path), packets)


def alerts(path: Path, data: Path, settings: Settings) -> list[dict[str, Any]]:
    run_paths([path], data, settings, None)
    store = open_store(settings.store, data, read_only=True)
    try:
        found = list(store.scan(parse("")))
    finally:
        store.close()
    for document in found:
        del document["event"]["ingested"]
    return sorted(found, key=lambda document: document["event"]["id"])


def test_partitions_change_nothing(tmp_path: Path):
    capture(tmp_path / "a.pcap")
    (tmp_path / "a.rules").write_text(RULES)
    (tmp_path / "limits").write_text(LIMITS)
    (tmp_path / "list.txt").write_text("10.0.0.5\n203.0.113.1\n")
    settings = load(
        assignments=[
            f'rules.files=["{tmp_path}/a.rules"]', f"rules.threshold_file={tmp_path}/limits",
            f'rules.indicators=["{tmp_path}/list.txt"]', "use_detectors=true",
        ]
    )  # fmt: skip
    one, four = (
        alerts(tmp_path / "a.pcap", tmp_path / str(n), msgspec.structs.replace(settings, partitions=n))
        for n in (1, 4)
    )
    assert one == four
    rules = {document["rule"]["id"] for document in one}
    assert {f"signature.1.{sid}" for sid in (1, 2, 3, 4, 6)} | {"indicator_address"} <= rules
    quiet = [d for d in one if d["rule"]["id"] == "signature.1.6"]
    assert "10.0.0.3" not in {d["source"]["ip"] for d in quiet}
