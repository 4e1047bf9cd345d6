from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from alerts.eventarchive import EventArchive
from citywall.addresses import to_words
from citywall.batches import DNS_QUERY, EVENT, UDP
from citywall.sessions import Session

START = 1_714_564_800_000_000_000  # 2024-05-01T12:00:00Z
COUNT = 5


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with five questions of one host, a second apart."""
    folder = tmp_path_factory.mktemp("data")
    events = np.zeros(COUNT, EVENT)
    events["kind"], events["proto"], events["type"] = DNS_QUERY, UDP, 1
    events["time"] = START + np.arange(COUNT) * 1_000_000_000
    events["src_hi"], events["src_lo"] = to_words("10.0.0.5")
    events["dst_hi"], events["dst_lo"] = to_words("10.0.1.7")
    events["src_port"], events["dst_port"] = 40_000, 53
    events["text"][:, :9] = np.frombuffer(b"n.example", np.uint8)
    events["text"][:, 0] = 97 + np.arange(COUNT)
    events["name_size"] = 9
    session = Session("s1", "capture", "office.pcap", 1, "live", START)
    EventArchive(folder).write(events, np.array([f"1:{n}" for n in range(COUNT)], "S3"), session, 0)
    return folder


def test_json_lines(invoke: Any, data: Path):
    done = invoke("events", "--data", str(data), "--json")
    documents = [json.loads(line) for line in done.stdout.splitlines()]
    assert [d["dns"]["question"]["name"][0] for d in documents] == list("edcba")


def test_a_table(invoke: Any, data: Path):
    done = invoke("events", "--data", str(data), "--limit", "1")
    assert [line[21:] for line in done.stdout.splitlines()] == [
        "source          target       event      says",
        "10.0.0.5:40000  10.0.1.7:53  dns_query  A e.example",
    ]
    assert "--limit" in done.stderr


def test_where_since_and_limit(invoke: Any, data: Path, monkeypatch: pytest.MonkeyPatch):
    def names(*arguments: str) -> str:
        done = invoke("events", "--data", str(data), "--json", *arguments)
        assert done.exit_code == 0
        told = [json.loads(line) for line in done.stdout.splitlines()]
        return "".join(d["dns"]["question"]["name"][0] for d in told)

    monkeypatch.setattr("console.listed._PAGE", 2)
    assert names("--where", "dns.question.name:b.example") == "b"
    assert names("--since", "2024-05-01T12:00:03Z") == "ed"
    assert names("--limit", "2") == "ed"
    assert names("--limit", "0") == "edcba"


def test_nothing_and_bad_queries(invoke: Any, data: Path):
    assert invoke("events", "--data", str(data), "--where", "protocol:http").exit_code == 0
    assert invoke("events", "--data", str(data), "--where", "bytes>1").exit_code == 2
