"""Copying between stores, both ways."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from alerts.copying import Digest, copy
from alerts.embedded import EmbeddedStore
from alerts.store import AlertStore
from alerts.workflow import UNCHANGED, Step
from citywall.errors import StoreError

Make = Callable[..., Any]


@pytest.fixture
def other(
    store: AlertStore, tmp_path: Path, elastic_stores: Callable[..., AlertStore]
) -> Iterator[AlertStore]:
    """A store of the other kind."""
    opened: AlertStore = EmbeddedStore(tmp_path / "other")
    if isinstance(store, EmbeddedStore):
        opened = elastic_stores()
    yield opened
    opened.close()


def fill(store: AlertStore, make_document: Make, make_session: Make) -> list[str]:
    for lane, day in (("live", 20_000), ("live", 20_001), ("drill", 20_001)):
        session = make_session(f"{lane}{day}", lane, day * 86_400_000_000_000)
        store.upsert([make_document(i, session=session, entity=f"网络/{i}") for i in range(300)])
    names = [d["event"]["id"] for d in store.search(limit=3).documents]
    for name in names:
        store.change(name, Step(1, "李", status="in_progress", note="查"), UNCHANGED)
    return names


def everything(store: AlertStore) -> dict[str, Any]:
    return {d["event"]["id"]: d for d in store.scan()}


def test_everything_arrives(
    store: AlertStore, other: AlertStore, make_document: Make, make_session: Make
) -> None:
    fill(store, make_document, make_session)
    told: list[int] = []
    done = copy(store, other, told.append)
    assert (done.documents, done.workflows, done.kept) == (900, 3, [])
    assert told[-1] == 900
    assert everything(other) == everything(store)
    assert list(other.workflows()) == list(store.workflows())
    assert [(p.lane, p.day, p.documents) for p in other.status().parts] == [
        ("live", "2024-10-04", 300), ("drill", "2024-10-05", 300), ("live", "2024-10-05", 300)
    ]  # fmt: skip
    again = copy(store, other)
    assert again.digest == done.digest
    assert other.count() == 900


def test_what_the_target_has_besides_stays(
    store: AlertStore, other: AlertStore, make_document: Make, make_session: Make
) -> None:
    names = fill(store, make_document, make_session)
    copy(store, other)
    mine = make_document(5, session=make_session("mine"))
    other.upsert([mine])
    before = other.workflow(names[0])
    other.change(names[0], Step(2, "wang", owner="wang"), before.version)
    store.change(names[0], Step(2, "li", owner="li"), store.workflow(names[0]).version)
    done = copy(store, other)
    assert done.kept == [names[0]]
    assert other.workflow(names[0]).workflow.owner == "wang"
    assert other.get(mine["event"]["id"]) == mine
    assert other.count() == 901


class Losing:
    """A store that loses an alert now and then."""

    def __init__(self, store: AlertStore) -> None:
        self._store = store

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def upsert(self, documents: Any) -> None:
        self._store.upsert(documents[1:])


def test_what_does_not_arrive_is_noticed(tmp_path: Path, make_document: Make, make_session: Make) -> None:
    source, target = EmbeddedStore(tmp_path / "a"), EmbeddedStore(tmp_path / "b")
    fill(source, make_document, make_session)
    with pytest.raises(StoreError, match=r"900 alerts were sent .* 897 arrived"):
        copy(source, Losing(target))  # type: ignore[arg-type]
    source.close()
    target.close()


def test_a_digest_does_not_depend_on_order() -> None:
    one, other, third = Digest(), Digest(), Digest()
    for value in ({"a": 1, "b": 2}, [3]):
        one.add(value)
    for value in ([3], {"b": 2, "a": 1}):
        other.add(value)
    third.add([3])
    assert str(one) == str(other) != str(third)
    assert one.count == 2
