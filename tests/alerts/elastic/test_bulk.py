from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from alerts import times
from alerts.elastic import bulk
from alerts.elastic.templates import SEARCH
from citywall.errors import StoreError, StoreUnavailable

Make = Callable[..., Any]


def many(make_document: Make, count: int) -> list[dict[str, Any]]:
    return [make_document(i, entity=f"e{i}") for i in range(count)]


def test_what_is_indexed_beside_the_document(make_document: Make) -> None:
    document = make_document(61.5)
    told = msgspec.json.decode(bulk.body_of(document))
    search = told.pop(SEARCH)
    assert told == document
    time = times.from_iso(document["@timestamp"])
    assert (search["time"], search["minute"]) == (time, time // times.MINUTE)
    assert search["last"] == times.from_iso(document["citywall"]["dedup"]["last_seen"])
    assert "网络 络扫 扫描 描" in search["words"]


@pytest.mark.parametrize("part", ["severity", "risk_score", "action"])
def test_an_incomplete_alert_is_named(make_document: Make, part: str) -> None:
    document = make_document()
    del document["event"][part]
    with pytest.raises(StoreError, match=f"alert {document['event']['id']} lacks"):
        bulk.body_of(document)


def test_requests_are_of_bounded_size(through: Any, door: Any, make_document: Make) -> None:
    documents = many(make_document, 60)
    through.upsert(documents)
    sizes = [len(body) for _, path, body in door.requests if "/_bulk" in path]
    assert len(sizes) > 8
    assert max(sizes) <= 16 << 10
    assert through.count() == 60
    huge = make_document(0, entity="e" * 20_000)
    huge["citywall"]["entity"] = "e" * 20_000
    through.upsert([huge, *documents])  # one alone may be larger than a request should be
    assert through.count() in (60, 61)


@pytest.mark.parametrize("fault", [429, 503, "drop", "hang", "items"])
def test_no_room_now_is_not_the_end(through: Any, door: Any, make_document: Make, fault: Any) -> None:
    documents = many(make_document, 30)
    through.upsert(documents[:1])
    door.faults = [None, fault]
    with pytest.raises(StoreUnavailable, match=door.url):
        through.upsert(documents)
    through.upsert(documents)
    assert {d["event"]["id"] for d in through.scan()} == {d["event"]["id"] for d in documents}


def test_what_is_never_taken_is_named_and_the_rest_goes_on(through: Any, make_document: Make) -> None:
    documents = many(make_document, 40)
    for n in (3, 20, 21, 22, 39):
        documents[n]["event"]["severity"] = "tall" if n != 20 else 3
    documents[20]["unheard_of"] = {"field": 1}
    with pytest.raises(StoreError) as caught:
        through.upsert(documents)
    told = str(caught.value)
    assert not isinstance(caught.value, StoreUnavailable)
    assert f"alert {documents[3]['event']['id']} is refused by the store: document_parsing_exception" in told
    assert "event.severity" in told
    assert "strict_dynamic_mapping_exception" in told
    assert told.endswith("(and 2 more)")
    assert through.count() == 35


def test_deleting_what_is_gone_is_no_error(through: Any, make_document: Make) -> None:
    through.upsert(many(make_document, 1))
    (index,) = through._known
    bulk.send(through.connection, [bulk.Entry(index, "absent", None)], 1000)
