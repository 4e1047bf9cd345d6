from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from alerts.store import open_store
from citywall.settings import load
from console import overview
from console.sources import Sources
from stream import health
from stream.health import Health, StoreHealth


def test_counts_are_those_of_the_store(tmp_path: Path, real_alerts: Any):
    store = open_store("sqlite://", tmp_path)
    store.upsert(real_alerts(12))
    store.close()
    status = Health("running", "", 1, time.time_ns(), 1, "local://", 1, 1, "x", {"packets": 9}, 0, 0,
                    StoreHealth("sqlite://"), [])  # fmt: skip
    health.write(tmp_path, status)
    found = overview.gather(Sources(tmp_path, load(None, environment={})), newest=5)
    assert found.total == 12
    assert found.by_severity == found.recent == {5: 2, 4: 2, 3: 2, 2: 3, 1: 3}
    assert (found.by_class, found.by_detector) == ({"attack": 12}, {"scan": 12})
    assert sum(n for _, _, n in found.minutes) == 12
    assert len(found.newest) == 5
    assert found.until - found.since == 24 * 3600 * 10**9
    told = overview.told(found)
    assert told["trend"]["until"] == "2024-05-01T12:01:00.000000000Z"
    assert told["status"]["state"] == "cut_off"  # nobody holds the folder


def test_nothing_yet(tmp_path: Path):
    found = overview.gather(Sources(tmp_path, load(None, environment={})))
    assert (found.total, found.until, found.newest, found.status) == (0, 0, [], None)
    assert overview.told(found)["by_severity"] == dict.fromkeys("54321", 0)
