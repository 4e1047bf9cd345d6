"""A day in Shanghai with three alerts, a case, a run and a drill, small enough to count by hand."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as parquet
import pytest

from bench.story.recount.facts import Facts
from bench.story.recount.places import Places

DAY = "2026-11-30"
REGISTER = """
units:
  - {id: data, name: 大数据局, name_en: Data Bureau}
  - {id: civil, name: 民政局}
systems:
  - {id: cloud, name: 政务云, name_en: Cloud, unit: data, importance: 5}
  - {id: oa, name: 办公, unit: civil, importance: 1}
assets:
  - {id: web, name: 门户, addresses: [10.0.0.5], system: oa}
prefixes:
  - {prefix: 10.0.0.0/24, name: 云, system: cloud}
  - {prefix: 10.0.0.128/25, name: 民政, unit: civil}
  - {prefix: 10.0.0.0/8, domain: vlan 2, name: 别处, system: oa}
"""


def alert(name: str, severity: int = 3, **changes: Any) -> dict[str, Any]:
    """A scan of the cloud from outside, early in the day there."""
    own = {
        "lane": "live", "axis": "attack", "gb20986": {"class": "attack", "subclass": "x", "level": None},
        "asset": {"dst": [{"system_id": "cloud", "unit_id": "data", "importance": 5}]},
    }  # fmt: skip
    return {
        "@timestamp": "2026-11-29T20:00:00.5Z",
        "event": {"id": name, "severity": severity, "ingested": "2026-11-29T20:00:01Z"},
        "rule": {"id": "scan", "category": "attack"}, "source": {"ip": "192.0.2.1"},
        "destination": {"address": "10.0.0.0/24"}, "organization": {"id": "data"}, "citywall": own,
        **changes,
    }  # fmt: skip


def flows(path: Path) -> None:
    """Two flows of the day, one of the day before; one host answered by telnet."""
    path.parent.mkdir(parents=True)
    at = 1_795_982_400_000_000_000  # 20:00 UTC
    columns = {
        "first": pa.array([at, at, at - 86_400 * 10**9], pa.timestamp("ns")),
        "last": pa.array([at + 10**9, at, at - 86_000 * 10**9], pa.timestamp("ns")),
        "src": ["192.0.2.1", "10.0.0.200", "10.0.0.9"], "dst": ["10.0.0.5", "10.0.0.6", "10.0.0.7"],
        "proto": ["tcp", "udp", "tcp"], "dst_port": [23, 53, 23],
        "dst_packets": [2, 0, 9], "dst_payload": [7, 0, 9],
    }  # fmt: skip
    parquet.write_table(pa.table(columns), path)


@pytest.fixture
def facts(tmp_path: Path) -> Facts:
    data, register = tmp_path / "data", tmp_path / "register"
    for folder in (data / "audit", register):
        folder.mkdir(parents=True)
    (register / "all.yaml").write_text(REGISTER, "utf-8")
    records = [
        {"n": n, "time": f"2026-11-29T{hour}:00:00Z", "action": "a", "outcome": said, "sm3": f"h{n}"}
        for n, hour, said in ((1, 15, "done"), (2, 20, "refused"), (3, 20, "done"))
    ]
    lines = "".join(json.dumps(record) + "\n" for record in records)
    (data / "audit" / "000000000001-2026-11.jsonl").write_text(lines)
    status = {
        "at": 1_795_982_400 * 10**9, "began": 1_795_982_300 * 10**9, "state": "running", "faults": [],
        "sensors": [{"path": "interface:x", "packets": 5, "dropped": 0, "behind_s": 1.9}],
    }  # fmt: skip
    (data / "status.json").write_text(json.dumps(status))
    flows(data / "flows" / "live" / "2026-11-29" / "20" / "s-0.parquet")
    drill = {
        "id": "d", "title_en": "D", "began": 1_795_982_400.0, "coverage": 0.5, "precision": None,
        "time_to_detect": 2.5, "time_to_acknowledge": None, "time_to_respond": None,
    }  # fmt: skip
    case = {
        "lane": "live", "level": None, "status": "closed", "outcome": "handled", "opened_by": "severity",
        "detected_at": "2026-11-29T20:00:00Z", "known_at": "2026-11-29T20:01:00Z",
        "clocks": [{"report": "first", "due": "2026-11-29T21:00:00Z", "done": "2026-11-29T20:30:00Z"}],
        "history": [{"what": "evidence"}, {"what": "report", "value": "summary"}],
    }  # fmt: skip
    run = {
        "title": "T",
        "requested": "2026-11-29T20:00:00Z",
        "live": True,
        "lane": "live",
        "status": "failed",
    }
    work = {
        "status": "false_alarm", "owner": "li",
        "history": [{"at": 1_795_982_411_000_000_000, "owner": "li"}],
    }  # fmt: skip
    inner = alert("c", 4, source={"ip": "10.0.0.9"})
    old = alert("old", **{"@timestamp": "2026-11-29T15:59:59Z"})
    scan = {"id": "scan", "title": "Scan", "version": 2, "axis": "attack", "gb20986": {"class": "attack"}}
    return Facts(
        data, DAY, alerts=[alert("a"), alert("b"), inner, old], detectors=[scan],
        workflows={"b": work}, cases=[case], runs=[run], drills=[drill], accounts=[["analyst"], ["auditor"]],
        places=Places(register),
    )  # fmt: skip
