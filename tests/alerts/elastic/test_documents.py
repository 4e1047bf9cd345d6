"""Transactions of several documents, cut off and doubled; `../test_documents.py` has what all stores do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from alerts.documents import ABSENT, Doc
from alerts.elastic.documents import ElasticDocuments
from citywall.errors import StoreConflict, StoreError, StoreUnavailable

Rooms = Callable[[], ElasticDocuments]


@pytest.fixture
def rooms(elastic_stores: Callable[..., Any]) -> Rooms:
    """The same room for several processes."""
    store = elastic_stores()
    return lambda: ElasticDocuments(store.connection, store.settings, "desk")


def doc(name: str, body: bytes = b'{"n":12345678901234567890,"f":0.1}') -> Doc:
    return Doc("case", name, body, at=1, refs=("x",))


def test_bodies_come_back_as_they_were(rooms: Rooms) -> None:
    with rooms().writing() as writing:
        writing.put(doc("a/b?c"), ABSENT)
        writing.put(doc("国"), ABSENT)
    found = rooms().get("case", "a/b?c")
    assert found is not None
    assert found.body == doc("a").body
    assert [d.id for d in rooms().find("case", ["x"])] == ["a/b?c", "国"]


def test_what_was_cut_off_is_finished_before_anybody_builds_upon_it(
    rooms: Rooms, monkeypatch: pytest.MonkeyPatch
) -> None:
    with rooms().writing() as writing:
        kept = writing.put(doc("a"), ABSENT)
        writing.put(doc("gone"), ABSENT)
    cut = rooms()

    def away(_: Any) -> None:
        raise StoreUnavailable("away")

    def change() -> None:
        with cut.writing() as writing:
            writing.put(doc("a", b"2"), kept.version)
            writing.put(doc("b"), ABSENT)
            writing.drop("case", "gone")
            writing.audited = 5

    monkeypatch.setattr(cut, "_write_out", away)
    cut._done = 1
    with pytest.raises(StoreUnavailable):
        change()
    assert [d.id for d in rooms().page("case")] == ["gone", "a"]
    with rooms().writing() as writing:
        assert writing.audited == 5
        assert [d.id for d in writing.find("case", ["x"])] == ["a", "b"]
    found = rooms().get("case", "a")
    assert found is not None
    assert (found.body, found.version) == (b"2", 2)


def test_of_two_processes_one_is_told(rooms: Rooms) -> None:
    one, other = rooms(), rooms()

    def beside() -> None:
        with one.writing() as mine:
            mine.put(doc("a"), ABSENT)
            with other.writing() as theirs:
                theirs.put(doc("b"), ABSENT)

    with pytest.raises(StoreConflict, match="desk was changed meanwhile"):
        beside()
    assert [d.id for d in one.page("case")] == ["b"]


def test_what_comes_late_changes_nothing(rooms: Rooms) -> None:
    slow = rooms()
    with slow.writing() as writing:
        first = writing.put(doc("a", b"1"), ABSENT)
        writing.put(doc("b", b"1"), ABSENT)
    before = slow.last()
    with rooms().writing() as writing:
        writing.put(doc("a", b"2"), first.version)
        writing.drop("case", "b")
    assert before is not None
    slow._write_out(before)
    assert [(d.id, d.body) for d in slow.page("case")] == [("a", b"2")]


def test_another_layout_is_left_alone(rooms: Rooms, monkeypatch: pytest.MonkeyPatch) -> None:
    with rooms().writing() as writing:
        writing.put(doc("a"), ABSENT)
    monkeypatch.setattr("alerts.elastic.documents.LAYOUT", 9)
    with pytest.raises(StoreError, match="has layout 1, this version of Citywall reads and writes 9"):
        rooms().writing().__enter__()


def test_damage_is_named(rooms: Rooms) -> None:
    room = rooms()
    with room.writing() as writing:
        writing.put(doc("a"), ABSENT)
    room._connection.ask("PUT", room._place("case:a"), {"kind": "case", "id": "a"})
    with pytest.raises(StoreError, match="case a: is damaged"):
        room.get("case", "a")
