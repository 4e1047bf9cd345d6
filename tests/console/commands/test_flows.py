from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from alerts.archive import FlowArchive
from citywall.addresses import to_words
from citywall.batches import CLOSED, END, END_IDLE, FLOW, SYN, TCP
from citywall.sessions import Session

START = 1_714_564_800_000_000_000  # 2024-05-01T12:00:00Z
COUNT = 5


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with five flows of one host, a second apart, to ports 20 to 24."""
    folder = tmp_path_factory.mktemp("data")
    flows = np.zeros(COUNT, FLOW)
    flows["kind"], flows["reason"], flows["proto"], flows["version"] = END, END_IDLE, TCP, 4
    flows["flow_id"] = np.arange(1, COUNT + 1)
    flows["first"] = START + np.arange(COUNT) * 1_000_000_000
    flows["last"] = flows["first"] + 500_000_000
    flows["src_hi"], flows["src_lo"] = to_words("10.0.0.5")
    flows["dst_hi"], flows["dst_lo"] = to_words("10.0.1.7")
    flows["src_port"], flows["dst_port"] = 40_000, 20 + np.arange(COUNT)
    flows["src_packets"], flows["src_bytes"], flows["src_flags"] = 1, 60, SYN
    closed = np.zeros(COUNT, CLOSED)
    closed["flow_id"] = flows["flow_id"]
    session = Session("s1", "capture", "office.pcap", 1, "live", START)
    FlowArchive(folder).write(flows, closed, np.array([f"1:{n}" for n in range(COUNT)], "S3"), session, 0)
    return folder


def test_json_lines(invoke: Any, data: Path):
    done = invoke("flows", "--data", str(data), "--json")
    documents = [json.loads(line) for line in done.stdout.splitlines()]
    assert [d["destination"]["port"] for d in documents] == [24, 23, 22, 21, 20]
    assert documents[0]["citywall"]["flow"]["src_flags"] == ["syn"]
    assert documents[0]["event"]["duration"] == 500_000_000


def test_a_table(invoke: Any, data: Path):
    lines = invoke("flows", "--data", str(data), "--limit", "1").stdout.splitlines()
    assert [line[21:] for line in lines] == [
        "source          target       proto  packets  bytes  duration  ended  community id",
        "10.0.0.5:40000  10.0.1.7:24  tcp          1   60 B    0.50 s  idle   1:4",
    ]
    assert lines[1].startswith("2024-05-01 12:00:04  ")


def test_where_since_and_limit(invoke: Any, data: Path):
    def ports(*arguments: str) -> list[int]:
        done = invoke("flows", "--data", str(data), "--json", *arguments)
        assert done.exit_code == 0
        return [json.loads(line)["destination"]["port"] for line in done.stdout.splitlines()]

    assert ports("--where", "dport:22") == [22]
    assert ports("--where", "src:10.0.0.0/8 dport>=23") == [24, 23]
    assert ports("--since", "2024-05-01T12:00:03Z") == [24, 23]
    assert ports("--limit", "2") == [24, 23]
    assert ports("--limit", "0") == [24, 23, 22, 21, 20]
    assert ports("--since", "1h") == []


def test_pages_follow_one_another(invoke: Any, data: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("console.listed._PAGE", 2)
    done = invoke("flows", "--data", str(data), "--json", "--limit", "0")
    assert [json.loads(line)["destination"]["port"] for line in done.stdout.splitlines()] == [
        24,
        23,
        22,
        21,
        20,
    ]


def test_more_than_the_limit_is_said(invoke: Any, data: Path):
    assert invoke("flows", "--data", str(data), "--limit", "4").stderr == "(4 shown; --limit 0 for all)\n"
    assert invoke("flows", "--data", str(data), "--limit", "5").stderr == ""


def test_bad_query_and_no_data(invoke: Any, data: Path, tmp_path: Path):
    assert invoke("flows", "--data", str(data), "--where", "no_such:1").exit_code == 2
    assert invoke("flows", "--data", str(tmp_path / "absent")).exit_code == 1
    nothing = invoke("flows", "--data", str(data), "--where", "dport:9")
    assert (nothing.exit_code, nothing.stdout, nothing.stderr) == (0, "", "nothing found\n")
