"""Zeek's other logs: address resolution, and lines counted by log."""

from __future__ import annotations

import json

from citywall.batches import (
    ARP_REPLY,
    ARP_REQUEST,
    DNS_QUERY,
    FIRST_SIGHTING,
    HTTP_REQUEST,
    OTHER_SENDER,
    TLS_CLIENT,
)
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
        notes = reader.notes
        if name.startswith("test9"):  # each certificate is that of a connection; not each of these was logged
            assert notes.pop("certificates_joined") == lines["x509.log"]
            assert notes.pop("certificates_missing") == 247
        assert notes == {f"zeek_{n.removesuffix('.log')}": k for n, k in lines.items() if n != "conn.log"} | (
            {"zeek_arp": arp} if arp else {}
        )
        assert sum(len(b.reports) for b in batches) == lines.get("conn.log", 0)
        kinds = [int(kind) for b in batches for kind in b.events["kind"]]
        assert sorted(kind for kind in kinds if kind < FIRST_SIGHTING) == [ARP_REQUEST, ARP_REPLY][:events]
        for log, kind in (("http", HTTP_REQUEST), ("dns", DNS_QUERY), ("ssl", TLS_CLIENT)):
            assert kinds.count(kind) == lines.get(f"{log}.log", 0)


def test_the_cards_of_arp_are_told(tmp_path):
    line = {
        "ts": 1.5, "operation": "reply", "src_mac": "02:cc:00:00:00:02", "dst_mac": "ff:ff:ff:ff:ff:ff",
        "orig_h": "10.0.0.1", "resp_h": "10.0.0.9", "orig_hw": "02:bb:00:00:00:01",
        "resp_hw": "02:aa:00:00:00:09",
    }  # fmt: skip
    log = tmp_path / "arp.log"
    log.write_text(json.dumps(line) + "\n" + json.dumps(line | {"src_mac": "02:bb:00:00:00:01"}) + "\n")
    reader = FlowLogReader()
    batches = [reader.add(ref) for ref in registry.chunks(log, registry.sniff(log))]
    events = [event for batch in (*batches, reader.finish()) for event in batch.events]
    assert [(int(e["flags"]), int(e["answers"])) for e in events] == [(OTHER_SENDER, 0x02CC00000002), (0, 0)]
    assert [(int(e["src_mac"]), int(e["dst_mac"])) for e in events] == [(0x02BB00000001, 0x02AA00000009)] * 2
