"""Every field of every record, held against what another collector read from the same datagrams."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from ingest.collectors.records import Record, Records

CASES = sorted((Path(__file__).parents[4] / "shared/data/captures/netflow").glob("*/expected.json"))
#: The other collector's names of NetFlow v9 and v5 fields.
NAMES = {
    "ipv4_src_addr": "sourceIPv4Address", "ipv4_dst_addr": "destinationIPv4Address",
    "ipv4_next_hop": "ipNextHopIPv4Address", "l4_src_port": "sourceTransportPort",
    "l4_dst_port": "destinationTransportPort", "in_bytes": "octetDeltaCount", "in_pkts": "packetDeltaCount",
    "out_bytes": "postOctetDeltaCount", "out_pkts": "postPacketDeltaCount", "protocol": "protocolIdentifier",
    "tcp_flags": "tcpControlBits", "src_tos": "ipClassOfService", "src_as": "bgpSourceAsNumber",
    "dst_as": "bgpDestinationAsNumber", "src_mask": "sourceIPv4PrefixLength",
    "dst_mask": "destinationIPv4PrefixLength", "input_snmp": "ingressInterface",
    "output_snmp": "egressInterface", "in_src_mac": "sourceMacAddress",
    "in_dst_mac": "destinationMacAddress", "total_bytes_exp": "exportedOctetTotalCount",
    "total_pkts_exp": "exportedMessageTotalCount", "total_flows_exp": "exportedFlowRecordTotalCount",
    "flow_active_timeout": "flowActiveTimeout", "flow_inactive_timeout": "flowIdleTimeout",
    "sampling_interval": "samplingInterval", "sampling_algorithm": "samplingAlgorithm",
    "ip_protocol_version": "ipVersion", "direction": "flowDirection", "scope_system": "scope1",
    "icmp_type": "icmpTypeIPv4", "icmp_code": "icmpCodeIPv4", "conn_id": "flowId", "fw_event": "id40005",
    "fw_ext_event": "id33002", "in_permanent_bytes": "octetTotalCount",
    "flow_start_msec": "flowStartMilliseconds", "event_time_msec": "observationTimeMilliseconds",
    "xlate_src_port": "id40003", "xlate_dst_port": "id40004", "username": "id40000",
    "ingress_acl_id": "id33000", "egress_acl_id": "id33001", "xlate_src_addr_ipv4": "id40001",
    "xlate_dst_addr_ipv4": "id40002", "engine_id": "engineId",
}  # fmt: skip
#: What its events have beside fields, or read otherwise than from one field (headers; an uptime as a date).
BESIDE = {
    "version",
    "flowset_id",
    "flow_seq_num",
    "flow_records",
    "engine_type",
    "first_switched",
    "last_switched",
}
FROM_HEADER = {"engine_id", "sampling_algorithm", "sampling_interval"}
VENDORS = (
    "netscaler", "vmware", "silk", "reverse", "initialTCP", "unionTCP", "flowAttributes", "tcpSequence",
    "meanFlow", "meanPacket", "flowTable", "expiredFragment", "assembledFragment",
)  # fmt: skip


def everything(case: dict[str, Any], folder: Path) -> list[Record]:
    records = Records()
    return [each for name in case["dat"] for each in records.read((folder / name).read_bytes())]


def same(name: str, want: Any, record: Record) -> bool:
    """Whether a record says what the other collector read."""
    if name in BESIDE or (record.version == 5 and name in FROM_HEADER):
        return True
    known = NAMES.get(name, name)
    if known in record.fields:
        return alike(want, record.fields[known])
    # Vendors' elements are kept by number: their values must be there.
    if not name.startswith(VENDORS):
        return False
    return any(alike(want, value) for key, value in record.fields.items() if key.startswith("e"))


def alike(want: Any, got: Any) -> bool:
    if want == got or str(want) == str(got):
        return True
    if isinstance(want, int):
        return got in (want * 1_000_000, want * 1_000_000_000)
    text = str(want)
    if text.endswith("Z") and isinstance(got, int):
        stamp = datetime.fromisoformat(text)
        return abs(stamp.timestamp() - got / 1e9) < 0.002
    if isinstance(got, int) and text.count(".") == 3:
        return text == ".".join(str(got >> shift & 255) for shift in (24, 16, 8, 0))
    raw = got.to_bytes(8, "big").lstrip(b"\0") if isinstance(got, int) else unhex(got)
    return raw.rstrip(b"\0").decode("utf-8", "replace").strip() == text or raw.hex() == text.replace("-", "")


def unhex(text: str) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError:
        return text.encode()


@pytest.mark.skipif(not CASES, reason="the shared captures are not here")
@pytest.mark.parametrize("path", CASES, ids=lambda path: path.parent.name)
def test_another_collector_read_the_same(path):
    case = json.loads(path.read_text("utf-8"))
    records = everything(case, path.parent)
    if case["event_count"] is not None:
        assert len(records) == case["event_count"]
    for event in case["expected_events"]:
        fields = event["netflow"]
        found = [r for r in records if all(same(name, want, r) for name, want in fields.items())]
        assert found, {
            name: want for name, want in fields.items() if not any(same(name, want, r) for r in records)
        }
    for index, path_of, want in case["field_asserts"]:
        name = path_of.removeprefix("[netflow][").rstrip("]")
        text = want.strip("\"'")
        if index < len(records) and "#{" not in text and name in NAMES:
            assert same(name, int(text) if text.isdigit() else text, records[index]), (index, name, want)


def test_what_is_wrong_is_counted_by_reason():
    records = Records()
    for raw in (b"", b"\0\7\0\0", b"\0\5" + bytes(30), b"\0\x09" + bytes(10), b"\0\x0a\0\1" + bytes(20)):
        assert records.read(raw) == []
    assert records.errors == {
        "datagram_too_short": 2, "export_version_unknown": 1, "record_count_wrong": 1,
        "message_length_wrong": 1,
    }  # fmt: skip
