from __future__ import annotations

import json

import pytest
from scapy.utils import wrpcap

from tests.rules.conftest import ping


@pytest.fixture
def scene(tmp_path):
    wrpcap(str(tmp_path / "a.pcap"), [ping(1), ping(2)])
    head = "alert icmp any any -> any any"
    (tmp_path / "a.rules").write_text(
        f'{head} (msg:"Two"; icmp_seq:2; sid:1;)\n{head} (icmp_seq:3; sid:2;)\n'
    )
    return tmp_path


def test_explain(invoke, scene):
    files = ("--capture", str(scene / "a.pcap"), "--rules", str(scene / "a.rules"))
    told = json.loads(invoke("rules", "explain", "1", *files, "--json").stdout)
    assert told["frames"] == [2]
    failed = invoke("rules", "explain", "2", *files, "--lang", "zh")
    assert failed.exit_code == 1
    assert "不符 数值: icmp.seq 3" in failed.stdout
    assert "NO  number: icmp.seq 3; saw 1" in invoke("rules", "explain", "2", *files, "--lang", "en").stdout
    assert invoke("rules", "explain", "9", *files).exit_code == 2


def test_test(invoke, scene):
    text = "alert icmp any any -> any any (itype:8; sid:7;)"
    told = json.loads(invoke("rules", "test", str(scene / "a.pcap"), "--text", text, "--json").stdout)
    assert told["counts"] == {"7": 2}
    assert invoke("rules", "test", str(scene / "a.pcap"), "--text", "alert nonsense").exit_code == 2
    found = invoke("rules", "test", str(scene / "a.pcap"), "--rules", str(scene / "a.rules"))
    assert "2: alert 1 Two" in found.stdout
