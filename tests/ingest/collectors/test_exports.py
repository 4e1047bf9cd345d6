"""Exports as a flow log: recognised, the same whatever the chunks; other readings agree."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from citywall.errors import InputError, UnsupportedInput
from citywall.kernels import JIT
from ingest.collectors import exports
from ingest.collectors.placing import kernels as placing
from ingest.collectors.reading import kernels as reading
from ingest.flowlogs import registry
from ingest.flowlogs.reader import FlowLogReader
from tests.exporters import PLAIN, content, five, flow, nine, template, ten


def read(path: Path, chunk: int = 1 << 20, cut: int = -1):
    kind = registry.sniff(path)
    assert isinstance(kind, exports.Exports)
    reader, batches = FlowLogReader(), []
    for i, ref in enumerate(registry.chunks(path, kind, chunk, "s")):
        if i == cut:
            fresh = FlowLogReader()
            fresh.restore(reader.snapshot())
            reader = fresh
        batches.append(reader.add(ref))
    batches.append(reader.finish())
    return np.concatenate([batch.reports for batch in batches]), reader


@pytest.fixture
def messages(tmp_path) -> Path:
    """An IPFIX file: a template, then sixty messages of conversations a second apart."""
    count = 0
    parts = [ten(template(256, (*PLAIN[:8], (152, 8), (153, 8)), 10))]
    for n in range(60):
        times = b"".join(((1_700_000_000 + n) * 1000 + ms).to_bytes(8, "big") for ms in (0, 500))
        client, server = f"10.0.0.{n % 5 + 1}", "192.0.2.1"
        there = flow(client, server, 40000 + n, 443)[:22] + times
        back = flow(server, client, 443, 40000 + n)[:22] + times
        parts.append(
            ten(content(256, there + back if n % 3 else there), sequence=count, seconds=1_700_000_001 + n)
        )
        count += 2 if n % 3 else 1
    path = tmp_path / "flows.ipfix"
    path.write_bytes(b"".join(parts))
    return path


def test_flows_are_the_same_whatever_the_chunks(messages):
    whole, reader = read(messages)
    assert len(whole) == 60
    assert np.count_nonzero(whole["dst_packets"]) == 40
    assert (np.diff(whole["time"]) >= 0).all()
    assert set(whole["dst_port"].tolist()) == {443}
    for chunk, cut in ((200, -1), (500, 3)):
        some, _ = read(messages, chunk, cut)
        assert some.tolist() == whole.tolist()
    assert reader.notes["exporter_restarts"] == 0


def test_a_collector_reads_the_same_from_captures(shared_data):
    """pmacct's own expectation, of a capture for each version: addresses, ports, packets, bytes."""
    for name in (
        "100-IPFIXv10-CISCO",
        "101-NFv9-CISCO-cust_primitives",
        "104-IPFIXv10-IPv6-CISCO-sampling_option",
    ):
        folder = shared_data / f"captures/netflow/pmacct-{name}"
        rows, _ = read(folder / "traffic-00.pcap")
        totals: dict[str, list[int]] = {}
        for line in (folder / "output-flow-00.json").read_text("utf-8").splitlines():
            want = json.loads(line)
            sums = totals.setdefault("both", [0, 0, 0])
            sums[0] += want["packets"]
            sums[1] += want["bytes"]
        got = [
            int((rows["src_packets"] + rows["dst_packets"]).sum()),
            int((rows["src_bytes"] + rows["dst_bytes"]).sum()),
        ]
        assert got == totals["both"][:2], name


def test_captures_of_other_traffic_are_none(shared_data):
    assert isinstance(exports.sniff(shared_data / "captures/netflow/sflow-ndpi/sflow.pcap"), exports.Exports)
    others = sorted((shared_data / "captures/pcap").rglob("*.pcap"))[:12]
    assert others
    assert [exports.sniff(path) for path in others] == [None] * len(others)


def test_broken_and_changed_files_are_refused_with_a_reason(tmp_path):
    path = tmp_path / "x.dat"
    path.write_bytes(b"\0\5\0\x1e" + bytes(40))
    with pytest.raises(UnsupportedInput, match="record_count_wrong"):
        exports.sniff(path)
    path.write_bytes(b"\0\7" + bytes(40))
    assert exports.sniff(path) is None
    path.write_bytes(five(flow("10.0.0.1", "10.0.0.2", 1, 2)))
    kind = exports.sniff(path)
    (ref,) = exports.chunks(path, kind, "s")
    path.write_bytes(nine(template(256, PLAIN), content(256, flow("10.0.0.1", "10.0.0.2", 1, 2))))
    with pytest.raises(InputError, match="changed"):
        exports.ExportReader().add(ref)


def test_what_few_exports_need_is_compiled_by_a_datagram():
    exports.compile_exports(five(flow("10.0.0.1", "10.0.0.2", 1, 2)))
    if JIT:
        assert placing.exported.signatures
        assert reading.records.signatures
