from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[3]
BAD = (
    "units:\n  - {id: a, name: A, persons: []}\n"
    "assets:\n  - {id: x, name: X, addresses: [10.0.0.1], classified: true}\n"
)
ON = ("--register", "example")


def test_list(invoke: Any):
    lines = invoke("assets", "list", *ON).stdout.splitlines()
    assert lines[0].split()[:3] == ["id", "name", "addresses"]
    assert any(line.startswith("portal ") and "10.20.1.10, fd20:0:1::a" in line for line in lines)
    told = [json.loads(line) for line in invoke("assets", "list", *ON, "--json").stdout.splitlines()]
    assert len(told) == len(lines) - 1
    portal = next(entry for entry in told if entry["id"] == "portal")
    assert (portal["system"]["name"], portal["unit"]["id"], portal["mlps_level"]) == (
        "公众门户",
        "gov-office",
        3,
    )


@pytest.mark.parametrize("kind", ["systems", "units", "zones", "prefixes"])
def test_list_other_kinds(invoke: Any, kind: str):
    lines = invoke("assets", "list", kind, *ON).stdout.splitlines()
    told = invoke("assets", "list", kind, *ON, "--json").stdout.splitlines()
    assert len(lines) == len(told) + 1
    chinese = invoke("assets", "list", kind, *ON, "--lang", "zh").stdout
    assert "大数据局" in chinese or kind == "zones"


def test_show(invoke: Any):
    done = invoke("assets", "show", "10.20.30.7", *ON)
    assert done.exit_code == 0
    assert done.stdout.splitlines()[:3] == [
        "10.20.30.7 in network domain default", "  unit: Finance Bureau", "  zone: Unit access zone",
    ]  # fmt: skip
    assert "security officer: " in done.stdout
    chinese = invoke("assets", "show", "fd20:0:1:0::a", *ON, "--lang", "zh").stdout
    for line in ("资产: 门户网站服务器", "系统: 公众门户", "区域: 互联网区", "等保级别: 3", "关基: 否"):
        assert f"  {line}\n" in chinese


def test_one_address_in_two_networks(invoke: Any):
    told = json.loads(invoke("assets", "show", "10.0.0.5", *ON, "--json").stdout)
    assert [(p["domain"], p["asset"]["id"], p["unit"]["id"]) for p in told["places"]] == [
        ("vlan 210", "civil-database", "civil-affairs"), ("vlan 220", "health-database", "health"),
    ]  # fmt: skip
    one = json.loads(invoke("assets", "show", "10.0.0.5", *ON, "--domain", "vlan 220", "--json").stdout)
    assert [p["domain"] for p in one["places"]] == ["vlan 220"]


def test_an_address_nobody_entered(invoke: Any):
    done = invoke("assets", "show", "192.0.2.1", *ON)
    assert done.exit_code == 1
    assert done.stdout == ""
    assert "does not know 192.0.2.1" in done.stderr
    done = invoke("assets", "show", "192.0.2.1", *ON, "--json")
    assert (done.exit_code, json.loads(done.stdout)) == (1, {"address": "192.0.2.1", "places": []})
    bad = invoke("assets", "show", "10.0.0", *ON)
    assert bad.exit_code == 2
    assert "'10.0.0' is no address" in bad.stderr


def test_check(invoke: Any, tmp_path: Path):
    assert invoke("assets", "check", "example").exit_code == 0
    told = json.loads(invoke("assets", "check", "example", "--json").stdout)
    assert told["accepted"]
    assert told["faults"] == []
    assert told["systems"] >= 37
    bad = tmp_path / "bad.yaml"
    bad.write_text(BAD)
    done = invoke("assets", "check", str(bad))
    assert done.exit_code == 1
    assert [line.removeprefix(str(bad)).partition(": ")[0] for line in done.stdout.splitlines()] == [
        ", line 2", ", line 4",
    ]  # fmt: skip
    assert "涉密" in invoke("assets", "check", str(bad), "--lang", "zh").stdout
    told = json.loads(invoke("assets", "check", str(bad), "--json").stdout)
    assert not told["accepted"]
    assert told["faults"][1]["field"] == "assets.x.classified"
    assert {"file", "line", "field", "reason"} == set(told["faults"][0])


def test_a_faulty_register_is_refused_everywhere(invoke: Any, tmp_path: Path):
    bad = tmp_path / "bad.yaml"
    bad.write_text(BAD)
    for arguments in (
        ("assets", "list", "--register", str(bad)),
        ("assets", "show", "10.0.0.1", "--set", f"register={bad}"),
        ("run", "x.pcap", "--data", str(tmp_path / "data"), "--set", f"register={bad}"),
    ):  # fmt: skip
        done = invoke(*arguments)
        assert done.exit_code == 1
        assert "is refused, faults: 2" in done.stderr
        assert "line 4: assets.x.classified: " in done.stderr


def test_example(invoke: Any, tmp_path: Path):
    folder = tmp_path / "mine"
    assert invoke("assets", "example", str(folder)).exit_code == 0
    assert len(list(folder.iterdir())) == 5
    assert invoke("assets", "check", str(folder)).exit_code == 0
    again = invoke("assets", "example", str(folder))
    assert again.exit_code == 2
    assert "is not empty" in again.stderr


def test_without_a_register(invoke: Any):
    done = invoke("assets", "list")
    assert done.exit_code == 2
    assert "there is no register" in done.stderr


def test_nothing_heavy_is_loaded():
    code = (
        "import sys\nfrom console.cli import main\n"
        "try: main(['assets', 'show', '10.0.0.5', '--register', 'example', '--json'])\n"
        "except SystemExit: pass\n"
        "print(sorted(set(sys.modules) & {'numba', 'faust', 'scapy', 'sklearn', 'pyarrow'}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.splitlines()[-1] == "[]"
