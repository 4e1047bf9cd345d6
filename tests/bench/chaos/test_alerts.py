"""What is wrong with the alerts of a run."""

from __future__ import annotations

import copy
import uuid

import pytest

from alerts.elastic.store import ElasticStore
from bench.chaos import alerts
from bench.chaos.alerts import Difference
from bench.errors import BenchError
from bench.ours.alerts import documents
from citywall.servers import ElasticsearchSettings


def test_everything_that_can_be_wrong():
    made = list(documents(4))
    expected = alerts.by_id(made)
    assert not alerts.compare(expected, copy.deepcopy(made))
    later = copy.deepcopy(made)
    later[0]["event"]["ingested"] = "2026-01-01T00:00:00.000Z"
    assert not alerts.compare(expected, later)
    first, second, third, fourth = (document["event"]["id"] for document in made)
    assert alerts.compare(expected, made[1:]) == Difference(lost=(first,))
    assert alerts.compare(expected, [*made, made[1]]) == Difference(doubled=(second,))
    del expected[third]
    assert alerts.compare(expected, made) == Difference(doubled=(third,))
    later[3]["event"]["severity"] = 99
    assert alerts.compare(expected, later) == Difference(doubled=(third,), different=(fourth,))


def test_they_are_read_from_every_day(elasticsearch_url, monkeypatch):
    prefix = f"t{uuid.uuid4().hex[:12]}"
    store = ElasticStore(elasticsearch_url, ElasticsearchSettings(index_prefix=prefix, replicas=0))
    assert alerts.read(elasticsearch_url, prefix) == []
    try:
        store.prepare()
        made = list(documents(5))
        made[4]["event"]["created"] = "2024-05-03T00:00:00.000Z"
        store.upsert(made)
        found = alerts.read(elasticsearch_url, prefix)
        assert len(found) == 5
        assert not alerts.compare(alerts.by_id(made), found)
        monkeypatch.setattr(alerts, "MOST", 4)
        with pytest.raises(BenchError, match="5 alerts are more than 4"):
            alerts.read(elasticsearch_url, prefix)
    finally:
        store.retain(1, 1 << 62)
        store.close()
