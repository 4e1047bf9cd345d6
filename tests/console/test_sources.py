from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest

from alerts.store import open_store
from citywall.errors import QueryError
from citywall.settings import Settings, load
from console import sources
from console.sources import Sources, Stopped
from stream.local.lock import FolderLock


@pytest.fixture
def data(tmp_path: Path, real_alerts: Any, real_flows: Any) -> Path:
    store = open_store("sqlite://", tmp_path)
    store.upsert(real_alerts(12))
    store.close()
    real_flows(tmp_path, 3)
    return tmp_path


def opened(data: Path, *assignments: str) -> Sources:
    settings: Settings = load(None, environment={}, assignments=assignments)
    return Sources(data, settings)


def test_it_reads_while_another_process_holds_the_folder(data: Path):
    lock = FolderLock(data)
    found = opened(data)
    assert len(found.alerts(None, limit=100).documents) == 12
    assert len(found.flows(None, limit=100)[0]) == 3
    assert found.health() == (None, False)
    lock.release()


def test_pages_and_counts(data: Path):
    found = opened(data)
    page = found.alerts(None, limit=5)
    rest = found.alerts(None, limit=100, after=page.after)
    assert (len(page.documents), len(rest.documents), rest.after) == (5, 7, None)
    assert found.counted(None) == 12
    assert found.counted(sources.alert_query("severity>=high")) == 4
    assert found.counted(sources.alert_query("tactic:TA0007")) is None  # only documents could tell
    assert found.counted(sources.about_host("192.0.2.3")) == 1
    documents, after = found.flows(sources.flow_query("src:192.0.2.1"), limit=5)
    assert ([d["source"]["ip"] for d in documents], after) == (["192.0.2.1"], None)


def test_a_search_that_nobody_waits_for_ends(data: Path):
    stop = threading.Event()
    query = sources.alert_query("tactic:TA0007")
    assert len(opened(data).alerts(query, limit=5, stop=stop).documents) == 5
    stop.set()
    with pytest.raises(Stopped):
        opened(data).alerts(query, limit=5, stop=stop)


def test_the_pulse_beats_when_something_is_written(data: Path, real_alerts: Any):
    found = opened(data)
    still = found.pulse()
    assert found.pulse() == still
    store = open_store("sqlite://", data)
    store.upsert(real_alerts(1, first=50))
    after = found.pulse()
    store.close()
    assert after != still


def test_the_register_and_classes(data: Path):
    assert opened(data).register() is None
    found = opened(data, "register=example")
    assert found.register() is found.register()
    assert (found.class_of("scan"), found.class_of('un"known')) == ("attack", "other")


def test_queries():
    assert sources.alert_query("  ") is None
    assert sources.flow_query("") is None
    with pytest.raises(QueryError):
        sources.flow_query("severity>3")
