from __future__ import annotations

from typing import Any

from console.flowdocument import flags, flow_document

ROW: dict[str, Any] = {
    "flow_id": "00000000000000ff", "first": "2024-05-01T12:00:00.000000000Z",
    "last": "2024-05-01T12:00:01.500000000Z", "duration": 1.5, "src": "10.0.0.5", "src_port": 40000,
    "dst": "10.0.1.7", "dst_port": 22, "proto": "tcp", "bytes": 300, "packets": 5, "version": 4,
    "vlan": 0, "domain": 0, "src_packets": 3, "dst_packets": 2, "src_bytes": 200, "dst_bytes": 100,
    "src_payload": 10, "dst_payload": 20, "src_flags": 0x1B, "dst_flags": 0x12, "icmp_type": 0,
    "icmp_code": 0, "frame": 7, "offset": 512, "sampling": 0, "reason": "idle", "community_id": "1:abc=",
    "session": "s1", "lane": "live", "path": "office.pcap",
}  # fmt: skip


def name(domain: int) -> str:
    return "default" if domain == 0 else f"vlan {domain}"


def test_a_tcp_flow():
    told = flow_document(ROW, name)
    assert told["source"] == {
        "address": "10.0.0.5",
        "ip": "10.0.0.5",
        "port": 40000,
        "bytes": 200,
        "packets": 3,
    }
    assert told["destination"]["port"] == 22
    assert told["event"]["duration"] == 1_500_000_000
    assert told["event"]["type"] == ["connection", "end"]
    assert told["network"] == {
        "transport": "tcp", "type": "ipv4", "bytes": 300, "packets": 5, "community_id": "1:abc=",
    }  # fmt: skip
    assert told["citywall"]["flow"] == {
        "id": "00000000000000ff", "reason": "idle", "path": "office.pcap",
        "src_payload": 10, "dst_payload": 20,
        "frame": 7, "offset": 512, "src_flags": ["fin", "syn", "psh", "ack"], "dst_flags": ["syn", "ack"],
    }  # fmt: skip


def test_icmp_has_no_ports_and_vlans_nest():
    told = flow_document(
        {**ROW, "proto": "ipv6-icmp", "version": 6, "vlan": 100 << 12 | 7, "domain": 7}, name
    )
    assert "port" not in told["source"]
    assert told["network"]["vlan"] == {"id": "100"}
    assert told["network"]["inner"] == {"vlan": {"id": "7"}}
    assert told["citywall"]["domain"] == "vlan 7"
    assert told["citywall"]["flow"]["icmp_type"] == 0
    assert flow_document({**ROW, "vlan": 7}, name)["network"]["vlan"] == {"id": "7"}


def test_flow_logs_point_to_no_packet():
    assert "frame" not in flow_document({**ROW, "frame": -1, "offset": -1}, name)["citywall"]["flow"]


def test_sampled_flows_tell_the_rate():
    assert "sampling" not in flow_document(ROW, name)["citywall"]["flow"]
    assert flow_document({**ROW, "sampling": 1000}, name)["citywall"]["flow"]["sampling"] == 1000


def test_flags():
    assert flags(0) == []
    assert flags(0xFF) == ["fin", "syn", "rst", "psh", "ack", "urg", "ece", "cwr"]
