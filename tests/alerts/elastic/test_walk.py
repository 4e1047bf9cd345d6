from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from alerts.elastic.cursor import Cursor
from alerts.elastic.dsl import ALL
from alerts.elastic.walk import Walk
from citywall.errors import StoreError

Make = Callable[..., Any]


@pytest.mark.parametrize("size", [1, 3, 7, 100])
def test_hits_come_once_and_in_order(elastic_stores: Make, make_document: Make, size: int) -> None:
    store = elastic_stores()
    documents = [make_document(i // 3, entity=f"e{i}") for i in range(7)]
    store.upsert(documents)
    wanted = sorted(((d["@timestamp"], d["event"]["id"]) for d in documents), reverse=True)
    walk = Walk(store.connection, store._point(None), ALL)
    hits = list(walk.hits(size))
    assert [(h["_source"]["@timestamp"], h["_id"]) for h in hits] == wanted
    start = Cursor(walk.pit, hits[2]["sort"][0], hits[2]["sort"][1])
    again = Walk(store.connection, walk.pit, ALL, start, source=False)
    assert [h["_id"] for h in again.hits(size)] == [name for _, name in wanted[3:]]
    walk.close()
    with pytest.raises(StoreError, match="search again"):
        list(again.hits(size))
    walk.close()  # what is gone already is no error
