"""The same run with its alerts on an Elasticsearch: the same alerts, whatever happens to the server."""

from __future__ import annotations

import json
import signal
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from alerts.elastic.connection import Connection
from citywall.servers import ElasticsearchSettings

from .conftest import Citywall

COUNTS = ("packets", "bytes", "flows", "events", "findings", "alerts", "decode_errors")
OPTIONS = ("--set", "capture.block_bytes=4096", "--set", "checkpoint.interval_s=0.01",
           "--set", "checkpoint.cost_factor=1")  # fmt: skip


class OnElasticsearch(Citywall):
    """Runs the command with a data folder and indices of its own on a server."""

    def __init__(self, data: Path, url: str) -> None:
        super().__init__(data)
        self.prefix = f"t{uuid.uuid4().hex[:12]}"
        self.url = url

    def forget(self) -> None:
        """Delete its indices."""
        connection = Connection(self.url, ElasticsearchSettings())
        names = connection.ask("GET", f"/{self.prefix}-*/_settings", filter_path="*.settings.index.uuid")
        for name in names or {}:
            connection.ask("DELETE", f"/{name}")
        connection.close()

    def command(self, *arguments: str | Path) -> list[str]:
        store = ("--set", f"store={self.url}", "--set", f"elasticsearch.index_prefix={self.prefix}")
        return super().command(*arguments, *store)


@pytest.fixture
def elsewhere(tmp_path: Path, elasticsearch_url: str) -> Iterator[OnElasticsearch]:
    made = OnElasticsearch(tmp_path / "elsewhere", elasticsearch_url)
    yield made
    made.close()
    made.forget()


def test_the_same_alerts(citywall: Citywall, elsewhere: OnElasticsearch, busy: Path) -> None:
    here, there = citywall.run(busy), elsewhere.run(busy)
    assert here["alerts"] == there["alerts"] >= 3
    assert elsewhere.alerts() == citywall.alerts()
    assert not (elsewhere.data / "alerts").exists()
    elsewhere.run(busy)  # again: overwrites itself
    assert elsewhere.alerts() == citywall.alerts()


@pytest.mark.slow
def test_every_capture_on_kafka_too(
    citywall: Citywall, elasticsearch_url: str, kafka_url: str, shared_data: Path, tmp_path: Path
) -> None:
    """Both real engines at once, at four partitions: every document as on the embedded ones at one."""
    folder = shared_data / "captures" / "pcap"
    paths = sorted(p for p in folder.rglob("*") if p.suffix in {".pcap", ".pcapng"})
    assert len(paths) >= 60
    expected = run(citywall, paths)
    documents = citywall.alerts()
    assert documents
    there = OnElasticsearch(tmp_path / "there", elasticsearch_url)
    assert (
        run(there, paths, f"transport={kafka_url}", f"kafka.prefix={there.prefix}", "partitions=4")
        == expected
    )
    assert there.alerts() == documents
    there.close()
    there.forget()


def run(citywall: Citywall, paths: list[Path], *settings: str) -> tuple[int, dict[str, Any]]:
    """Exit code (1 where a capture is cut short, as some real ones are) and counts of a run."""
    options = [part for setting in settings for part in ("--set", setting)]
    process = citywall.start("run", *paths, *options, "--quiet", "--json")
    out, err = process.communicate(timeout=300)
    assert process.returncode in (0, 1), err
    told = json.loads(out)
    return process.returncode, {name: told[name] for name in COUNTS}


def log_of(citywall: Citywall) -> str:
    file = citywall.data / "logs" / "citywall.log"
    return file.read_text("utf-8") if file.exists() else ""


def wait_for(citywall: Citywall, words: str) -> None:
    deadline = time.monotonic() + 60
    while words not in log_of(citywall):
        assert time.monotonic() < deadline, log_of(citywall)
        time.sleep(0.05)


@pytest.mark.slow
def test_a_server_that_goes_away(
    citywall: Citywall, own_elasticsearch: Any, busy: Path, tmp_path: Path
) -> None:
    citywall.run(busy, *OPTIONS)
    expected = citywall.alerts()
    elsewhere = OnElasticsearch(tmp_path / "elsewhere", own_elasticsearch.url)
    elsewhere("store", "init")
    # Stopped while the run is under way: it waits, and says so in the log.
    process = elsewhere.start("run", busy, *OPTIONS, "--json")
    wait_until_started(elsewhere)
    own_elasticsearch.kill()
    wait_for(elsewhere, "waiting for the store")
    assert process.poll() is None
    # A stop ends the wait, and what was not acknowledged is done again by the next run.
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=30)
    assert process.returncode == 130, err
    own_elasticsearch.restart()
    process = elsewhere.start("run", busy, *OPTIONS, "--json")
    wait_until_started(elsewhere)
    own_elasticsearch.kill()
    time.sleep(3)
    own_elasticsearch.restart()
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    assert json.loads(out)["alerts"] == len(expected)
    assert elsewhere.alerts() == expected


def wait_until_started(citywall: Citywall) -> None:
    """Until the run has its first checkpoint: then the store was opened and the stream is under way."""
    deadline = time.monotonic() + 60
    while not any((citywall.data / "checkpoints").rglob("*")):
        assert time.monotonic() < deadline
        time.sleep(0.005)


def test_nobody_there(citywall: Citywall, busy: Path) -> None:
    done = citywall("run", busy, "--set", "store=http://127.0.0.1:9", code=1)
    assert "http://127.0.0.1:9: cannot be reached" in done.stderr
    assert "Traceback" not in done.stderr
