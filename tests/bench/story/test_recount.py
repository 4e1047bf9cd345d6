from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from bench.errors import BenchError
from bench.story.recount import Facts, audit_of, date, differences, recount


def alert(name: str, severity: int = 3) -> dict[str, Any]:
    return {
        "@timestamp": "2026-11-29T20:00:00.5Z", "event": {"id": name, "severity": severity},
        "rule": {"id": "scan"}, "source": {"ip": "192.0.2.1"}, "destination": {"address": "10.0.0.0/24"},
        "citywall": {"lane": "live", "gb20986": {"class": "attack", "subclass": "x", "level": None}},
    }  # fmt: skip


@pytest.fixture
def facts(tmp_path: Path) -> Facts:
    (tmp_path / "audit").mkdir()
    records = [{"n": n, "time": "2026-11-29T20:00:00Z", "action": "a", "outcome": "done"} for n in (1, 2, 3)]
    lines = "".join(json.dumps(record) + "\n" for record in records)
    (tmp_path / "audit" / "000000000001-2026-11.jsonl").write_text(lines)
    sensors = [{"path": "interface:x", "packets": 5, "dropped": 0}]
    (tmp_path / "status.json").write_text(json.dumps({"sensors": sensors}))
    assert len(audit_of(tmp_path)) == 3
    return Facts(
        tmp_path, "2026-11-30", alerts=[alert("a"), alert("b", 4)], flows=7, drills=[],
        runs=[
            {"title": "T", "requested": "2026-11-29T20:00:00Z", "live": True, "status": "completed"}
        ], cases=[{"level": None, "status": "closed"}],
        workflows={"a": {"status": "resolved", "owner": "li"}},
    )  # fmt: skip


def figures_of(facts: Facts) -> dict[str, Any]:
    """Figures that are what is counted."""
    told: dict[str, Any] = {"audit_chain": {"inputs": {"head": "2:x"}, "values": {}, "rows": []}}
    for name, wanted in recount(told, facts).items():
        values = {k: v for k, v in wanted.items() if k != "rows"}
        told[name] = {"inputs": {}, "values": values, "rows": wanted.get("rows", [])}
    told["audit_chain"]["inputs"] = {"head": "2:x"}
    return told


def test_the_day_is_that_of_the_reports_zone():
    assert date("2026-11-29T16:00:00Z") == "2026-11-30"
    assert date("2026-11-29T15:59:59.9Z") == "2026-11-29"


def test_what_is_counted(facts: Facts):
    figures = figures_of(facts)
    assert figures["alerts_by_class"]["rows"] == [{"class": "attack", "subclass": "x", "alerts": 2}]
    assert figures["alerts_by_hour"]["rows"][4] == {"hour": "04", "alerts": 2}
    assert figures["audit_chain"]["values"]["records"] == 2  # up to the head that the report names
    assert figures["playbooks"]["rows"] == [{"playbook": "T", "runs": 1, "live": 1, "completed": 1}]
    assert figures["coverage"]["values"] == {"flows": 7}


def test_a_figure_that_differs_is_named(facts: Facts):
    figures = figures_of(facts)
    assert differences(figures, facts) == []
    figures["cases"]["values"]["closed"] = 9
    figures["playbooks"]["rows"] = [{"playbook": ["图", "T"], "runs": 1, "live": 0, "completed": 1}]
    found = differences(figures, facts)
    assert [line.partition(":")[0] for line in found] == ["cases", "playbooks"]
    del figures["sensors"]
    with pytest.raises(BenchError, match="lacks sensors"):
        differences(figures, facts)
