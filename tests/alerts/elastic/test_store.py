"""What is particular to this store; the contract is tested in tests/alerts/test_store.py."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from alerts import times
from alerts.elastic import cursor
from alerts.elastic.store import ElasticStore
from alerts.query import parse
from alerts.store import open_store
from citywall.errors import StoreError, StoreStarting, StoreUnavailable
from citywall.servers import ElasticsearchSettings

Make = Callable[..., Any]


def test_opened_by_its_address_without_speaking() -> None:
    settings = ElasticsearchSettings(index_prefix="city")
    store = open_store("http://127.0.0.1:9", None, elasticsearch=settings)  # type: ignore[arg-type]
    assert isinstance(store, ElasticStore)
    assert store.names.prefix == "city"
    with pytest.raises(StoreUnavailable, match=r"http://127.0.0.1:9: cannot be reached"):
        store.count()
    store.close()


def test_another_process_finds_everything_after_close(
    elastic_stores: Make, make_document: Make, elasticsearch_url: str
) -> None:
    reader = elastic_stores()
    reader.prepare()
    assert reader.count() == 0
    writer = ElasticStore(elasticsearch_url, ElasticsearchSettings(index_prefix=reader.names.prefix))
    writer.upsert([make_document(i, entity=f"e{i}") for i in range(50)])
    writer.close()
    assert reader.count(parse("扫描")) == 50


def test_a_page_that_was_left_too_long_says_so(elastic_stores: Make, make_document: Make) -> None:
    store = elastic_stores()
    store.upsert([make_document(i, entity=f"e{i}") for i in range(5)])
    page = store.search(limit=2)
    store.connection.ask("DELETE", "/_pit", {"id": cursor.read(page.after).pit})
    with pytest.raises(StoreError, match="older than 5 minutes: search again"):
        store.search(limit=2, after=page.after)


def test_pages_are_of_one_moment(elastic_stores: Make, make_document: Make) -> None:
    store = elastic_stores()
    documents = [make_document(i, entity=f"e{i}") for i in range(5)]
    store.upsert(documents)
    page = store.search(limit=2)
    store.upsert([make_document(i + 0.5, entity=f"f{i}") for i in range(5)])
    rest = store.search(limit=10, after=page.after)
    assert page.documents + rest.documents == documents[::-1]
    assert store.count() == 10


def test_the_newest_receipt_of_an_alert_is_got(
    elastic_stores: Make, make_document: Make, make_session: Make
) -> None:
    store = elastic_stores()
    for day in (20_001, 20_003, 20_002):
        document = make_document(0, session=make_session("s", received_at=day * times.DAY))
        store.upsert([document])
    assert store.count() == 3
    assert store.get(document["event"]["id"])["event"]["ingested"].startswith("2024-10-07")


def test_an_index_removed_behind_our_back_is_made_again(elastic_stores: Make, make_document: Make) -> None:
    store = elastic_stores()
    store.upsert([make_document(0)])
    (index,) = store._known
    store.connection.ask("DELETE", f"/{index}")
    store.upsert([make_document(1)])
    assert store.count() == 1
    told = store.connection.ask("GET", f"/{index}/_mapping")
    assert told[index]["mappings"]["dynamic"] == "strict"


@pytest.mark.slow
def test_a_server_killed_and_started_loses_nothing(own_elasticsearch: Any, make_document: Make) -> None:
    store = ElasticStore(own_elasticsearch.url, ElasticsearchSettings(request_timeout_s=5))
    documents = [make_document(i, entity=f"e{i}") for i in range(400)]
    store.upsert(documents[:200])
    own_elasticsearch.kill()
    with pytest.raises(StoreUnavailable):
        store.upsert(documents[200:])
    own_elasticsearch.restart()
    deadline = time.monotonic() + 60
    while True:
        try:
            store.upsert(documents[200:])
            break
        except StoreUnavailable:
            assert time.monotonic() < deadline
            time.sleep(0.2)
    assert list(store.scan()) == documents[::-1]
    store.close()


def test_an_index_without_a_shard_is_waited_for(
    elastic_stores: Make, make_document: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in its first moments, when another process reads; not for ever."""
    store = elastic_stores()
    store.upsert([make_document(1)])
    index = store.names.index("live", "2020-01-01")
    nowhere = {"index.routing.allocation.require._name": "nobody"}
    store.connection.ask(
        "PUT", f"/{index}", {"settings": nowhere | {"number_of_replicas": 0}}, wait_for_active_shards=0
    )
    anywhere = dict.fromkeys(nowhere)
    timer = threading.Timer(0.5, store.connection.ask, ("PUT", f"/{index}/_settings", anywhere))
    timer.start()
    assert store.count() == 1
    assert len(store.search().documents) == 1
    timer.join()
    other = store.names.index("live", "2020-01-02")
    store.connection.ask("PUT", f"/{other}", {"settings": nowhere}, wait_for_active_shards=0)
    monkeypatch.setattr("alerts.elastic.connection._PAUSES", (0.01,))
    try:
        for read in (store.count, store.search):
            with pytest.raises(StoreStarting, match="cannot be read yet"):
                read()
    finally:  # others ask how this server fares
        store.connection.ask("DELETE", f"/{other}")
        store.close()
