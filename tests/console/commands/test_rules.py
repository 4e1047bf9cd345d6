from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from scapy.utils import wrpcap

from tests.rules.conftest import ping


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    path = tmp_path / "a.rules"
    head = "alert icmp any any -> any any"
    path.write_text(f'{head} (msg:"Ping"; itype:8; sid:1;)\n{head} (nonsense; sid:2;)\n')
    return path


def test_check(invoke: Any, rules: Path):
    done = invoke("rules", "check", str(rules), "--json")
    told = json.loads(done.stdout)
    assert done.exit_code == 1
    assert (told["rules"], told["accepted"]) == (2, 1)
    assert told["rejected"] == [
        {
            "file": str(rules),
            "line": 2,
            "column": 32,
            "sid": 2,
            "reason": "the keyword 'nonsense' is not known",
        }
    ]
    assert f"{rules}:2:32: sid 2" in invoke("rules", "check", str(rules)).stdout


def test_list_and_show(invoke: Any, rules: Path):
    assert "Ping" in invoke("rules", "list", str(rules)).stdout
    assert json.loads(invoke("rules", "list", str(rules), "--json").stdout)["sid"] == 1
    assert "icmp.type 8" in invoke("rules", "show", "1", str(rules), "--lang", "zh").stdout
    assert (
        json.loads(invoke("rules", "show", "1", str(rules), "--json").stdout)["demands"][1] == "icmp.type 8"
    )
    assert invoke("rules", "show", "9", str(rules)).exit_code == 2


def test_suite_and_compare(invoke: Any, rules: Path, tmp_path: Path):
    wrpcap(str(tmp_path / "a.pcap"), [ping(1)])
    case = {"name": "one", "pcap": "a.pcap", "rules": "a.rules", "expected": {"1": 1}}
    (tmp_path / "index.json").write_text(json.dumps([case]))
    told = json.loads(invoke("rules", "suite", str(tmp_path / "index.json"), "--json").stdout)
    assert (told["passed"], told["failed"]) == (1, 0)
    assert told["cases"] == [{"name": "one", "passed": True, "expected": {"1": 1}, "got": {"1": 1}}]
    (tmp_path / "expected.json").write_text(json.dumps({"a.pcap": [{"sid": 1}, {"sid": 1}]}))
    arguments = (str(tmp_path / "expected.json"), "--rules", str(rules), "--root", str(tmp_path))
    told = json.loads(invoke("rules", "compare", *arguments, "--json").stdout)
    assert told == {
        "expected": 2, "found": 1, "extra": 0, "captures": {"a.pcap": {"missing": {"1": 1}, "extra": {}}},
    }  # fmt: skip
    assert "1" in invoke("rules", "compare", *arguments).stdout
