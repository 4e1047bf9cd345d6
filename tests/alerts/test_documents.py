"""What every store of documents does, on both."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from alerts.docfile import DocFile
from alerts.documents import ABSENT, Doc, Documents, documents_of, encoded, served
from citywall.errors import StoreConflict
from citywall.settings import load


def doc(name: str, at: int = 0, refs: tuple[str, ...] = (), kind: str = "case") -> Doc:
    return Doc(kind, name, b"{}", at=at, refs=refs)


@pytest.fixture(params=["sqlite", "elasticsearch"])
def documents(request: pytest.FixtureRequest, tmp_path: Path) -> Documents:
    """An empty store of each kind."""
    if request.param == "sqlite":
        return DocFile(tmp_path / "data")
    from alerts.elastic.documents import ElasticDocuments

    store = request.getfixturevalue("elastic_stores")()
    return ElasticDocuments(store.connection, store.settings, "desk")


class Body(msgspec.Struct):
    name: str
    more: dict[str, int]


def test_a_body_is_the_same_bytes_whatever_its_order_and_comes_back() -> None:
    one, other = Body("a", {"x": 1, "y": 2}), Body("a", {"y": 2, "x": 1})
    assert encoded(one) == encoded(other)
    assert Doc("kind", "1", encoded(one)).read(Body) == one
    with pytest.raises(msgspec.DecodeError):
        Doc("kind", "1", b"{").read(Body)


def test_nothing_is_there_before_it_is_written(documents: Documents) -> None:
    assert documents.get("case", "a") is None
    assert documents.find("case", ["x"]) == documents.page("case") == []
    assert not documents.there


def test_what_is_written_is_found_by_id_reference_and_time(documents: Documents) -> None:
    with documents.writing() as writing:
        writing.put(doc("a", 1, ("x", "y")), ABSENT)
        writing.put(doc("b", 3, ("y",)), ABSENT)
        writing.put(doc("c", 2, ("y",), kind="work"), ABSENT)
        assert [d.id for d in writing.find("case", {"y"})] == ["a", "b"]
    assert [d.id for d in documents.find("case", ["x", "y"])] == ["a", "b"]
    assert [d.id for d in documents.find("case", ["x", "y"], since=2)] == ["b"]
    assert documents.get("work", "a") is None
    newest, oldest = documents.page("case")
    assert (newest.id, newest.version, oldest.refs) == ("b", 1, ("x", "y"))
    assert [d.id for d in documents.page("case", limit=1, after=(3, "b"))] == ["a"]


def test_references_follow_the_document(documents: Documents) -> None:
    with documents.writing() as writing:
        first = writing.put(doc("a", refs=("x", "y")), ABSENT)
        second = writing.put(doc("a", refs=("y", "z")), first.version)
        assert second.version == 2
    assert [documents.find("case", [ref]) != [] for ref in "xyz"] == [False, True, True]
    with documents.writing() as writing:
        writing.drop("case", "a")
        writing.drop("case", "never")
    assert documents.find("case", ["y", "z"]) == []


def test_what_is_renewed_is_as_if_it_had_been_put(documents: Documents) -> None:
    with documents.writing() as writing:
        writing.put(doc("a", refs=("x", "y")), ABSENT)
    with documents.writing() as writing:
        writing.put(doc("c", 7), ABSENT)
        writing.renew("case", [doc("a", 5, ("y", "z")), doc("b", 6, ("z",)), doc("c", 8)])
        writing.renew("case", [])
    assert [documents.find("case", [ref]) != [] for ref in "xyz"] == [False, True, True]
    assert [(d.id, d.version, d.at, d.refs) for d in documents.find("case", ["z"])] == [
        ("a", 2, 5, ("y", "z")), ("b", 1, 6, ("z",)),
    ]  # fmt: skip
    kept = documents.get("case", "c")
    assert kept is not None
    assert (kept.version, kept.at) == (2, 8)


@pytest.mark.parametrize("version", [0, 2])
def test_who_has_not_seen_the_newest_is_told(documents: Documents, version: int) -> None:
    with documents.writing() as writing:
        writing.put(doc("a"), ABSENT)
    with pytest.raises(StoreConflict, match="case a was changed meanwhile"), documents.writing() as writing:
        writing.put(doc("a"), version)


def test_all_of_a_transaction_or_nothing(documents: Documents) -> None:
    def half() -> None:
        with documents.writing() as writing:
            writing.put(doc("a"), ABSENT)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        half()
    assert documents.get("case", "a") is None


def test_a_transaction_reads_what_it_wrote_itself(documents: Documents) -> None:
    with documents.writing() as writing:
        kept = writing.put(doc("a", 1, ("x",)), ABSENT)
        writing.put(doc("b", 2, ("x",)), ABSENT)
    with documents.writing() as writing:
        writing.put(doc("a", 5, ("y",)), kept.version)
        writing.drop("case", "b")
        writing.put(doc("c", 3, ("x",)), ABSENT)
        assert [d.id for d in writing.find("case", ["x"])] == ["c"]
        assert [d.id for d in writing.find("case", ["x", "y"], since=4)] == ["a"]
        assert [d.id for d in writing.page("case")] == ["a", "c"]
        assert [d.id for d in writing.page("case", limit=1, after=(5, "a"))] == ["c"]
        assert writing.get("case", "b") is None
        with pytest.raises(StoreConflict):
            writing.put(doc("b"), 1)
        back = writing.put(doc("b", 4), ABSENT)
        assert back.version == 1
    assert [(d.id, d.version) for d in documents.page("case")] == [("a", 2), ("b", 1), ("c", 1)]


def test_many_are_paged_and_found(documents: Documents) -> None:
    with documents.writing() as writing:
        for n in range(1100):
            writing.put(doc(f"{n:04d}", n // 2, ("x",)), ABSENT)
    assert [d.id for d in documents.find("case", ["x", "z"])] == [f"{n:04d}" for n in range(1100)]
    newest = [d.id for d in documents.page("case", limit=1050)]
    assert newest == [f"{n:04d}" for n in range(1099, 49, -1)]


def test_the_last_record_of_a_change_is_remembered(documents: Documents) -> None:
    with documents.writing() as writing:
        assert writing.audited is None
        writing.audited = 7
    with documents.writing() as writing:
        assert writing.audited == 7


def test_the_store_of_the_alerts_says_where_documents_are(tmp_path: Path) -> None:
    assert isinstance(documents_of(tmp_path, load(None, {})), DocFile)
    there = load(None, {}, ["store=http://127.0.0.1:9", "elasticsearch.index_prefix=abc"])
    found: Any = documents_of(tmp_path, there)
    assert found.index == "abc-desk"
    assert found is documents_of(tmp_path, there)
    assert served(there.store, there.elasticsearch, "runs") is not found
