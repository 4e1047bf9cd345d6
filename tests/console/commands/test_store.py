from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from alerts.elastic.connection import Connection
from alerts.embedded import EmbeddedStore
from alerts.store import open_store
from citywall.servers import ElasticsearchSettings
from stream.local.lock import FolderLock


@pytest.fixture
def document(make_alert: Any) -> Any:
    """Alerts whole enough for every store."""

    def make(number: int) -> dict[str, Any]:
        made = make_alert(number)
        made["citywall"]["entity"] = f"e{number}"
        return made

    return make


@pytest.fixture
def data(tmp_path: Path, document: Any) -> Path:
    store = open_store("sqlite://", tmp_path)
    store.upsert([document(n) for n in (1, 2, 3)])
    store.close()
    return tmp_path


@pytest.fixture
def server(elasticsearch_url: str) -> Iterator[tuple[str, ...]]:
    """Options that name a server and indices of our own on it."""
    prefix = f"t{uuid.uuid4().hex[:12]}"
    yield ("--set", f"store={elasticsearch_url}", "--set", f"elasticsearch.index_prefix={prefix}")
    connection = Connection(elasticsearch_url, ElasticsearchSettings())
    names = connection.ask("GET", f"/{prefix}-*/_settings", filter_path="*.settings.index.uuid") or {}
    for name in names:
        connection.ask("DELETE", f"/{name}")
    connection.close()


def test_status_of_the_embedded_store(invoke: Any, data: Path) -> None:
    done = invoke("store", "status", "--data", str(data))
    lines = done.stdout.splitlines()
    assert done.exit_code == 0
    assert lines[0].startswith("sqlite 3.")
    assert lines[1] == "health: green"
    assert lines[2].startswith("3 alerts, ")
    assert lines[3].split()[:5] == ["day", "lane", "alerts", "size", "layout"]
    assert lines[4].split()[:3] == ["2024-06-01", "live", "3"]
    told = json.loads(invoke("store", "status", "--data", str(data), "--json").stdout)
    assert (told["kind"], told["health"], told["documents"], told["outdated"]) == ("sqlite", "green", 3, [])
    assert told["parts"][0]["lane"] == "live"


def test_status_makes_nothing(invoke: Any, tmp_path: Path) -> None:
    done = invoke("store", "status", "--data", str(tmp_path / "absent"), "--lang", "zh")
    assert done.exit_code == 0
    assert "尚未初始化" in done.stdout
    assert not (tmp_path / "absent").exists()


def test_init_and_migrate(invoke: Any, tmp_path: Path) -> None:
    done = invoke("store", "init", "--data", str(tmp_path))
    assert (done.exit_code, done.stdout) == (0, f"{tmp_path / 'alerts'}: ready\n")
    assert json.loads(invoke("store", "init", "--data", str(tmp_path), "--json").stdout)["ready"]
    assert invoke("store", "migrate", "--data", str(tmp_path)).stdout == "0 brought to layout 1\n"
    told = json.loads(invoke("store", "migrate", "--data", str(tmp_path), "--json").stdout)
    assert told == {"migrated": [], "schema": 1}


def test_a_folder_in_use_is_not_written(invoke: Any, data: Path) -> None:
    lock = FolderLock(data)
    try:
        assert invoke("store", "status", "--data", str(data)).exit_code == 0
        for name in ("init", "migrate"):
            done = invoke("store", name, "--data", str(data))
            assert done.exit_code == 1
            assert "in use by another Citywall process" in done.stderr
    finally:
        lock.release()


def test_there_and_back(invoke: Any, data: Path, server: tuple[str, ...], tmp_path: Path) -> None:
    url = server[1].removeprefix("store=")
    done = invoke("store", "copy", "sqlite://", url, "--data", str(data), "--json", *server)
    told = json.loads(done.stdout)
    assert (done.exit_code, told["documents"], told["kept"]) == (0, 3, [])
    status = json.loads(invoke("store", "status", "--json", *server).stdout)
    assert (status["kind"], status["version"], status["documents"]) == ("elasticsearch", "9.2.0", 3)
    assert status["ready"]
    shown = invoke("store", "status", *server).stdout
    assert f"elasticsearch 9.2.0: {url}" in shown
    back = tmp_path / "back"
    done = invoke("store", "copy", url, "sqlite://", "--data", str(back), *server)
    assert done.stdout.startswith("3 alerts copied and found again")
    assert told["digest"] in done.stdout
    here, there = (
        EmbeddedStore(data / "alerts", read_only=True),
        EmbeddedStore(back / "alerts", read_only=True),
    )
    assert list(here.scan()) == list(there.scan())
    listed = invoke("alerts", "--json", "--data", str(data), *server, "--where", "severity:4")
    assert len(listed.stdout.splitlines()) == 3


def test_bad_use(invoke: Any, data: Path) -> None:
    done = invoke("store", "copy", "sqlite://", "sqlite://", "--data", str(data))
    assert (done.exit_code, done.stdout) == (2, "")
    assert "both source and target" in done.stderr
    done = invoke("store", "copy", "mysql://x", "sqlite://", "--data", str(data))
    assert "no alert store" in done.stderr
    done = invoke("store", "status", "--set", "store=mysql://x", "--data", str(data))
    assert done.exit_code == 2
    done = invoke("store", "status", "--set", "store=http://127.0.0.1:9", "--data", str(data))
    assert done.exit_code == 1
    assert "http://127.0.0.1:9: cannot be reached" in done.stderr
