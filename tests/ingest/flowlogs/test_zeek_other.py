"""Zeek's other logs: address resolution, and lines counted by log."""

from __future__ import annotations

import json

from citywall.batches import ARP_REPLY, ARP_REQUEST, DNS_QUERY, FIRST_SIGHTING, HTTP_REQUEST, TLS_CLIENT
from ingest.flowlogs import registry
from ingest.flowlogs.lines import split
from ingest.flowlogs.reader import FlowLogReader
from ingest.flowlogs.zeek_other import ZeekOther

DNS = {"ts": 1.5, "uid": "C", "id.orig_h": "10.0.0.1", "trans_id": 3, "query": "a.example"}
TSV = "#separator \\x09\n#path\tdns\n#fields\tts\tuid\tquery\n1.5\tC\ta.example\n2.5\tC\tb.example\n"


def test_sniff_and_count():
    parser = ZeekOther()
    assert parser.header(json.dumps(DNS).encode(), "") == "dns"
    assert not parser.sniff(b'{"ts":1}')
    assert not parser.sniff(b"hello")
    parsed = parser.parse(split(f"{json.dumps(DNS)}\n{{\n".encode(), 1), "dns")
    assert parsed.others == {"zeek_dns": 1}
    assert parsed.errors.counts == {"not_json": 1}
    assert parser.sniff(TSV.encode())
    assert parser.parse(split(TSV.encode(), 1), "").others == {"zeek_dns": 2}


def test_folders_of_logs_are_read_completely(shared_data):
    for name, events in (
        ("test9-mixed-zeek-dir", 2),
        ("test16-malicious-zeek-dir", 2),
        ("test14-malicious-zeek-dir", 0),
    ):
        folder = shared_data / "captures/zeek" / name
        reader, batches = FlowLogReader(), []
        parser = registry.sniff(folder)
        assert parser is not None
        for i, ref in enumerate(registry.chunks(folder, parser, 20_000)):
            assert ref.index == i
            batches.append(reader.add(ref))
        batches.append(reader.finish())
        lines = {log.name: len(log.read_text("utf-8").splitlines()) for log in folder.glob("*.log")}
        arp = lines.pop("arp.log", 0)
        assert reader.errors.counts == {}
        assert reader.notes == {
            f"zeek_{n.removesuffix('.log')}": k for n, k in lines.items() if n != "conn.log"
        } | ({"zeek_arp": arp} if arp else {})
        assert sum(len(b.reports) for b in batches) == lines.get("conn.log", 0)
        kinds = [int(kind) for b in batches for kind in b.events["kind"]]
        assert sorted(kind for kind in kinds if kind < FIRST_SIGHTING) == [ARP_REQUEST, ARP_REPLY][:events]
        for log, kind in (("http", HTTP_REQUEST), ("dns", DNS_QUERY), ("ssl", TLS_CLIENT)):
            assert kinds.count(kind) == lines.get(f"{log}.log", 0)
