from __future__ import annotations

import random
from collections import Counter
from pathlib import Path
from typing import Any

from alerts.archive import FlowArchive
from alerts.flowhosts import spoken

PORTS = (21, 23)
START = 1_714_564_800_000_000_000
SECOND = 1_000_000_000


def slow(rows: list[dict[str, Any]], since: int, until: int) -> tuple[set[Any], Counter[Any]]:
    """The obvious twin: a loop over rows."""
    hosts: set[Any] = set()
    services: Counter[Any] = Counter()
    for row in rows:
        if row["last"] < since or row["first"] >= until:
            continue
        hosts.add((row["domain"], row["src"]))
        if row["dst_packets"]:
            hosts.add((row["domain"], row["dst"]))
            if row["proto"] == 6 and row["dst_port"] in PORTS and row["dst_payload"]:
                services[(row["domain"], row["dst"]), row["dst_port"]] += 1
    return hosts, services


def test_as_its_slow_twin(tmp_path: Path, make_flows: Any, make_session: Any):
    chance = random.Random(7)
    archive = FlowArchive(tmp_path)
    rows = []
    for i in range(600):
        first = START + chance.randrange(1000) * SECOND
        answered = chance.random() < 0.5
        rows.append(
            {
                "flow_id": i + 1, "first": first, "last": first + chance.randrange(60) * SECOND,
                "src": f"10.0.0.{chance.randrange(40)}", "dst": f"fd00::{chance.randrange(1, 40):x}",
                "proto": chance.choice([6, 17]), "dst_port": chance.choice([21, 22, 23, 443]),
                "domain": chance.randrange(2), "dst_packets": answered * 3,
                "dst_payload": answered * chance.choice([0, 50]),
            }
        )  # fmt: skip
    for part in range(3):
        archive.write(*make_flows(rows[part * 200 : part * 200 + 200]), make_session(), part)
    for since, until in (
        (START, START + 2000 * SECOND),
        (START + 300 * SECOND, START + 310 * SECOND),
        (0, 1),
    ):
        found = spoken(archive.paths("live"), PORTS, since, until)
        assert (found.hosts, found.services) == slow(rows, since, until)
    assert archive.paths("drill") == []
    whole = spoken(archive.paths(), PORTS, START, START + 2000 * SECOND)
    assert (whole.flows, whole.files) == (600, 3)
    assert spoken([tmp_path / "gone.parquet"], PORTS, 0, START).flows == 0


def test_days_of_the_archive(tmp_path: Path, make_flows: Any, make_session: Any):
    archive = FlowArchive(tmp_path)
    archive.write(*make_flows([{"flow_id": 1}]), make_session(), 0)
    archive.write(*make_flows([{"flow_id": 1}]), make_session(lane="drill"), 0)
    days = archive.days()
    assert set(days) == {("live", "2024-05-02"), ("drill", "2024-05-02")}
    assert sum(days.values()) == archive.usage()
    assert set(archive.days("live")) == {("live", "2024-05-02")}
