"""A row of the flow archive as an ECS document, so that flows and alerts are read alike."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from citywall.batches import FLAG_NAMES

Row = Mapping[str, Any]
ECS_VERSION = "9.4.0"
_NO_PORTS = frozenset({"icmp", "ipv6-icmp", "gre", "esp", "ah"})
_NANO = 1_000_000_000


def flow_document(row: Row, domain_name: Callable[[int], str]) -> dict[str, Any]:
    """The ECS document of a closed flow; what ECS has no field for is under `citywall.flow`."""
    ports = row["proto"] not in _NO_PORTS
    return {
        "@timestamp": row["last"],
        "ecs": {"version": ECS_VERSION},
        "event": {
            "kind": "event",
            "category": ["network"],
            "type": ["connection", "end"],
            "dataset": "citywall.flow",
            "module": "citywall",
            "start": row["first"],
            "end": row["last"],
            "duration": round(row["duration"] * _NANO),
        },
        "source": _side(row, "src", ports),
        "destination": _side(row, "dst", ports),
        "network": {
            "transport": row["proto"],
            "type": "ipv6" if row["version"] == 6 else "ipv4",
            "bytes": row["bytes"],
            "packets": row["packets"],
            "community_id": row["community_id"],
            **vlan_of(row["vlan"]),
        },
        "citywall": {
            "session": row["session"],
            "lane": row["lane"],
            "domain": domain_name(row["domain"]),
            "flow": _own(row),
        },
    }


def _side(row: Row, side: str, ports: bool) -> dict[str, Any]:
    told: dict[str, Any] = {"address": row[side], "ip": row[side]}
    if ports:
        told["port"] = row[f"{side}_port"]
    return {**told, "bytes": row[f"{side}_bytes"], "packets": row[f"{side}_packets"]}


def vlan_of(vlan: int) -> dict[str, Any]:
    """The tags of a packet as ECS has them, outermost first."""
    outer, inner = vlan >> 12, vlan & 0xFFF
    if not vlan:
        return {}
    if not outer:
        return {"vlan": {"id": str(inner)}}
    return {"vlan": {"id": str(outer)}, "inner": {"vlan": {"id": str(inner)}}}


def _own(row: Row) -> dict[str, Any]:
    told: dict[str, Any] = {
        "id": row["flow_id"],
        "reason": row["reason"],
        "path": row["path"],
        "src_payload": row["src_payload"],
        "dst_payload": row["dst_payload"],
    }
    if row["frame"] >= 0:  # flows from flow logs have no packets to point to
        told |= {"frame": row["frame"], "offset": row["offset"]}
    if row["proto"] == "tcp":
        told |= {"src_flags": flags(row["src_flags"]), "dst_flags": flags(row["dst_flags"])}
    if row["proto"] in {"icmp", "ipv6-icmp"}:
        told |= {"icmp_type": row["icmp_type"], "icmp_code": row["icmp_code"]}
    if row["sampling"]:  # counts are estimates
        told["sampling"] = row["sampling"]
    return told


def flags(bits: int) -> list[str]:
    """TCP flags by name, lowest bit first."""
    return [name for at, name in enumerate(FLAG_NAMES) if bits >> at & 1]
