"""The whole mission, from an attack on a wire to the report of its day: on one machine, and on real servers.

`make story` plays it and keeps its screens.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from alerts.elastic.connection import Connection
from bench.errors import BenchError
from bench.story import terminal
from bench.story.hands import Commands, Keys, shell
from bench.story.house import ROOT, House, wait
from bench.story.net import ATTACKER, Net
from bench.story.play import Story, settings
from bench.story.relay import Relay
from bench.story.terminal import Terminal
from citywall.servers import ElasticsearchSettings


@pytest.fixture
def net() -> Iterator[Net]:
    try:
        made = Net().__enter__()
    except (BenchError, OSError) as e:
        pytest.skip(f"no network namespaces can be made here: {e}")
    yield made
    made.close()


@pytest.fixture
def kept() -> Path | None:
    """Where screens and reports are kept, if anywhere."""
    return ROOT / os.environ["STORY"] if os.environ.get("STORY") else None


def test_the_story_with_real_keys(net: Net, tmp_path: Path, kept: Path | None):
    if not terminal.there():
        pytest.skip("tmux is not here")
    house = House(tmp_path / "house", settings(tmp_path))
    with ExitStack() as stack:
        stack.callback(house.close)
        story = Story(house, net, Commands(house))
        story.begin()
        command = house.command("--lang", "en", "console", "alerts")
        console = stack.enter_context(Terminal(command, house.environment, ROOT, kept))
        hands = Keys(house, console, stack.enter_context(shell(house, kept)))
        story.hands = hands
        console.until("No alerts yet")
        story.attack(lambda: console.until(ATTACKER, limit_s=30))
        assert story.late_s < 2.0
        play(story, tmp_path, kept)


def play(story: Story, folder: Path, kept: Path | None = None) -> None:
    """Everything from the alert on."""
    story.triage(folder / "slice.pcap")
    story.refusals()
    story.approve()
    story.finish()
    score = story.drill(folder)
    assert score["precision"] == 1.0
    story.expire()
    story.end()
    day = story.today()
    told = story.report(kept / "report" if kept else folder / "report", day)
    assert story.recounted(told["figures"], day) == []
    story.same_again(folder / "twice", day)


class Servers:
    """Indices and topics of our own on real servers."""

    def __init__(self, kafka: str, elasticsearch: str) -> None:
        self.prefix = f"t{uuid.uuid4().hex[:12]}"
        self.settings = {
            "transport": kafka, "kafka.prefix": self.prefix, "store": elasticsearch,
            "elasticsearch.index_prefix": self.prefix,
        }  # fmt: skip
        self.connection = Connection(elasticsearch, ElasticsearchSettings())
        self.ports = [int(url.rpartition(":")[2]) for url in (kafka, elasticsearch)]

    def documents(self, room: str, kind: str) -> list[dict[str, Any]]:
        """The documents of a kind, as the server has them."""
        body = {"query": {"term": {"kind": kind}}, "size": 1000, "sort": ["id"]}
        hits = self.connection.ask("POST", f"/{self.prefix}-{room}/_search", body)["hits"]["hits"]
        return [hit["_source"] for hit in hits]

    def close(self) -> None:
        names = self.connection.ask("GET", f"/{self.prefix}-*/_settings", filter_path="*.settings.index.uuid")
        for name in names or {}:
            self.connection.ask("DELETE", f"/{name}")
        self.connection.close()


@pytest.fixture
def servers(kafka_url: str, elasticsearch_url: str) -> Iterator[Servers]:
    made = Servers(kafka_url, elasticsearch_url)
    yield made
    made.close()


def test_the_story_on_kafka_and_elasticsearch(net: Net, servers: Servers, tmp_path: Path):
    house = House(tmp_path / "house", {**settings(tmp_path), **servers.settings})
    with ExitStack() as stack:
        stack.callback(house.close)
        for port in servers.ports:
            stack.enter_context(Relay(tmp_path, port, net.inside()))
        story = Story(house, net, Commands(house))
        story.begin()
        story.attack()
        # What the alert began by itself was begun when the index had acknowledged it.
        wait(story.triggered_after_alert, house.told)
        play(story, tmp_path)

    # Everything is read back from the server itself.
    alert = servers.connection.ask("GET", f"/{servers.prefix}-alerts-live/_search", {"size": 10})
    assert [hit["_id"] for hit in alert["hits"]["hits"]] == [story.alert]
    cases = {doc["id"]: doc["body"]["lane"] for doc in servers.documents("desk", "case")}
    assert [name for name, lane in cases.items() if lane == "live"] == [story.case]
    assert sorted(cases.values()) == ["drill", "live"]
    [work] = servers.documents("desk", "work")
    assert (work["body"]["status"], work["refs"]) == ("closed", [f"alert:{story.alert}"])
    runs = {doc["id"]: doc for doc in servers.documents("runs", "run")}
    assert len(runs) == 3
    run = runs[story.run]
    assert f"alert:{story.alert}" in run["refs"]
    assert run["body"]["status"] == "completed"
    events = [doc["body"] for doc in servers.documents("runs", "event") if doc["body"]["run"] == story.run]
    assert [e["n"] for e in events] == list(range(1, run["version"] + 1))
    approved = [e["event"]["by"] for e in events if e["event"]["event"] == "approved"]
    assert approved in (["wang"], ["zhao"])
    assert not (house.data / "desk.sqlite").exists()
    assert not (house.data / "playbooks.sqlite").exists()
    assert not (house.data / "alerts").exists()
