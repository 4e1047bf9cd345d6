from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from alerts.embedded import EmbeddedStore

WHEN = "2024-05-01T12:00:00.000000000Z"
ON = ("--register", "example", "--at", "2024-05-02")


@pytest.fixture
def data(tmp_path: Path) -> str:
    """One high alert about the portal."""
    store = EmbeddedStore(tmp_path / "alerts")
    store.upsert([
        {
            "@timestamp": WHEN, "message": "scan",
            "event": {"id": "a" * 32, "severity": 4, "risk_score": 60, "ingested": WHEN, "action": "wide"},
            "rule": {"id": "scan", "name": "Scan", "category": "attack"},
            "citywall": {
                "lane": "live", "session": "s", "entity": "0/x", "axis": "attack",
                "detector": {"name": "scan"},
                "dedup": {"last_seen": WHEN, "count": 1},
                "asset": {"dst": [{"system_id": "portal", "unit_id": "gov-office", "importance": 5}]},
            },
        }
    ])  # fmt: skip
    store.close()
    return str(tmp_path)


def test_city_and_units(invoke: Any, data: str):
    lines = invoke("posture", "--data", data, *ON).stdout.splitlines()
    city = next(line for line in lines if line.startswith("City"))
    assert city.split()[1] == "~87.0"
    assert city.count("not observed") == 4
    chinese = invoke("posture", "--data", data, *ON, "--lang", "zh").stdout
    assert "防瘫痪" in chinese
    assert "全市" in chinese


def test_one_system_explained(invoke: Any, data: str):
    told = json.loads(
        invoke("posture", "--data", data, *ON, "--system", "portal", "--explain", "--json").stdout
    )
    (row,) = told["rows"]
    assert row["axes"]["attack"]["index"] == 87.0
    assert row["axes"]["attack"]["taken"][0]["alert"] == "a" * 32
    assert row["axes"]["leak"]["index"] is None
    assert told["seen"]["flows"] == 0
    lines = invoke("posture", "--data", data, *ON, "--system", "portal", "--explain").stdout.splitlines()
    assert "Public portal, against attack: 87.0 (known by alerts alone)" in lines
    assert lines[-1].split()[-3:] == ["15.0", "-13.0", "a" * 32]


def test_a_unit_and_its_systems(invoke: Any, data: str):
    told = json.loads(invoke("posture", "--data", data, *ON, "--unit", "gov-office", "--json").stdout)
    assert told["rows"][0]["kind"] == "unit"
    assert {row["unit"] for row in told["rows"]} == {"gov-office"}
    later = json.loads(
        invoke("posture", "--data", data, "--register", "example", "--unit", "gov-office", "--json").stdout
    )
    assert {axis["index"] for axis in later["rows"][0]["axes"].values()} == {None}  # long ago


@pytest.mark.parametrize(
    "bad", [("--unit", "gov-office", "--system", "portal"), ("--unit", "ghost"), ("--system", "ghost")]
)
def test_what_cannot_be_asked(invoke: Any, data: str, bad: tuple[str, ...]):
    assert invoke("posture", "--data", data, *ON, *bad).exit_code == 2


def test_no_register_and_no_data(invoke: Any, data: str, tmp_path: Path):
    assert invoke("posture", "--data", data).exit_code == 2
    assert invoke("posture", "--data", str(tmp_path / "none"), *ON).exit_code == 1
