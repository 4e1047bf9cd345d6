from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from scapy.utils import wrpcap

from tests.rules.conftest import ping


def test_profile(invoke: Any, tmp_path: Path):
    wrpcap(str(tmp_path / "a.pcap"), [ping(1), ping(2)])
    rule = 'alert icmp any any -> any any (msg:"Ping"; content:"abcd"; sid:%d;)\n'
    (tmp_path / "a.rules").write_text(rule % 1 + rule.replace("abcd", "wxyz") % 2)
    arguments = ("rules", "profile", str(tmp_path / "a.pcap"), "--rules", str(tmp_path / "a.rules"))
    told = json.loads(invoke(*arguments, "--json").stdout)
    assert (told["packets"], told["rules"]) == (2, 2)
    assert [(r["sid"], r["candidates"], r["hits"]) for r in told["by_rule"]] == [(1, 2, 2)]
    assert told["total_ns"] > told["rules_ns"] > 0
    assert "Ping" in invoke(*arguments, "--lang", "zh").stdout


def test_ours_have_a_name(invoke: Any, tmp_path: Path):
    wrpcap(str(tmp_path / "a.pcap"), [ping(1)])
    told = json.loads(
        invoke("rules", "profile", str(tmp_path / "a.pcap"), "--rules", "shipped", "--json").stdout
    )
    assert told["rules"] == json.loads(invoke("rules", "check", "shipped", "--json").stdout)["accepted"] > 100
