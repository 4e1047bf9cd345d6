from __future__ import annotations

import msgspec
import pytest

from citywall.errors import StoreError, StoreUnavailable
from stream import codecs, patience
from stream.agents import index
from stream.agents.index import IndexStage
from stream.codecs import Tally
from stream.stages import FINISHED


class Memory:
    """A store that remembers calls."""

    def __init__(self) -> None:
        self.documents: dict[str, dict] = {}
        self.calls: list[str] = []
        self.broken = False

    def upsert(self, documents) -> None:
        if self.broken:
            raise StoreError("gone")
        self.calls.append(f"upsert {len(documents)}")
        self.documents |= {d["event"]["id"]: d for d in documents}

    def delete_session(self, session: str, *, lane: str | None = None) -> int:
        self.calls.append(f"delete {session} {lane}")
        return 0


def test_what_comes_after_gets_what_the_store_has_taken(session, hand):
    store, taken = Memory(), []

    def after(documents) -> None:
        assert all(store.documents[d["event"]["id"]] == d for d in documents)
        taken.append([d["event"]["id"] for d in documents])

    feeding = hand(IndexStage(lambda: store, after=after), session)
    feeding.open()
    feeding.data(codecs.pack([document("a", 1), document("b", 1)]), count=2)
    feeding.flush()
    assert taken == [["a", "b"]]


def test_of_files_many_are_told_together_and_a_checkpoint_keeps_them(session, hand) -> None:
    taken: list[list[tuple[str, int]]] = []

    def after(documents) -> None:
        taken.append([(d["event"]["id"], d["version"]) for d in documents])

    def stage() -> IndexStage:
        return IndexStage(Memory, after=after, together=3)

    feeding = hand(stage(), session)
    feeding.open()
    feeding.data(codecs.pack([document("a", 1), document("b", 1)]), count=2)
    feeding.flush()
    feeding.data(codecs.pack([document("a", 2)]), count=1)
    feeding.flush()
    assert taken == []
    parts = feeding.stage.snapshot()
    feeding.data(codecs.pack([document("c", 1)]), count=1)
    feeding.flush()
    assert taken == [[("a", 2), ("b", 1), ("c", 1)]]
    feeding.stage = stage()
    feeding.stage.restore(parts)
    feeding.data(codecs.pack([document("d", 1)]), count=1)
    feeding.end()
    assert taken[1:] == [[("a", 2), ("b", 1), ("d", 1)]]


def test_documents_of_files_wait_for_others_for_a_moment_and_a_checkpoint_keeps_them(
    session, hand, monkeypatch
) -> None:
    clock = [100.0]
    monkeypatch.setattr(index.time, "monotonic", lambda: clock[0])
    store = Memory()

    def come(*names: str) -> None:
        feeding.data(codecs.pack([document(name, 1) for name in names]), count=len(names))
        feeding.flush()

    feeding = hand(IndexStage(lambda: store, together=3), session)
    feeding.open()
    come("a")
    clock[0] += index.WAIT_S / 2
    come("b")
    assert store.documents == {}
    parts = feeding.stage.snapshot()
    come("c")
    assert store.calls[1:] == ["upsert 3"]
    come("d")
    clock[0] += index.WAIT_S
    feeding.flush()
    assert store.calls[1:] == ["upsert 3", "upsert 1"]
    store.documents.clear()
    feeding.stage = IndexStage(lambda: store, together=3)
    feeding.stage.restore(parts)
    feeding.end()
    assert store.documents == {name: document(name, 1) for name in "ab"}


def test_of_what_has_no_end_each_is_told_at_once(session, hand) -> None:
    taken: list[int] = []
    live = msgspec.structs.replace(session, kind="live")
    feeding = hand(IndexStage(Memory, after=lambda documents: taken.append(len(documents)), together=3), live)
    feeding.open()
    feeding.data(codecs.pack([document("a", 1)]), count=1)
    feeding.flush()
    assert taken == [1]


def document(name: str, version: int) -> dict:
    return {"event": {"id": name}, "version": version}


def test_the_newest_document_of_each_alert_is_kept(session, hand, topics_of):
    store = Memory()
    feeding = hand(IndexStage(lambda: store), session)
    feeding.open()
    feeding.data(codecs.pack([document("a", 1), document("b", 1)]), count=2)
    feeding.data(codecs.pack([document("a", 2)]), count=1)
    assert feeding.flush() == []
    assert store.calls == ["delete 5e55 live", "upsert 2"]
    assert store.documents["a"]["version"] == 2
    assert [d["version"] for d in feeding.stage.take_fresh()] == [2, 1]
    assert feeding.stage.take_fresh() == []
    feeding.data(codecs.pack([document("a", 3), document("c", 1)]), count=2)
    out = feeding.end(tally=Tally(findings=9))
    assert topics_of(out) == [(FINISHED, "end")]
    assert codecs.unpack(out[0].body, Tally) == Tally(findings=9, alerts=3)
    assert store.calls[-1] == "upsert 2"  # on disk before the session is over
    assert feeding.stage.totals == {"alerts": 3}


def test_counts_survive(session, hand):
    store = Memory()
    feeding = hand(IndexStage(lambda: store), session)
    feeding.open()
    feeding.data(codecs.pack([document("a", 1)]), count=1)
    feeding.flush()
    parts = feeding.stage.snapshot()
    feeding.stage = IndexStage(lambda: store)
    feeding.stage.restore(parts)
    feeding.data(codecs.pack([document("a", 2), document("b", 1)]), count=2)
    assert codecs.unpack(feeding.end()[0].body, Tally).alerts == 2
    assert feeding.stage.totals == {"alerts": 2}


def test_a_store_that_stays_broken_is_raised(session, hand, monkeypatch):
    monkeypatch.setattr(patience, "DELAYS", (0.0, 0.0, 0.0))
    store = Memory()
    feeding = hand(IndexStage(lambda: store), session)
    feeding.open()
    store.broken = True
    feeding.data(codecs.pack([document("a", 1)]), count=1)
    with pytest.raises(StoreError, match="gone"):
        feeding.flush()


def test_a_store_that_is_away_is_waited_for(session, hand, monkeypatch):
    monkeypatch.setattr(patience, "FIRST", 0.001)
    store = Memory()
    feeding = hand(IndexStage(lambda: store), session)
    feeding.open()
    tries = iter(range(5))
    take = store.upsert

    def upsert(documents) -> None:
        if next(tries) < 3:
            raise StoreUnavailable("away")
        take(documents)

    monkeypatch.setattr(store, "upsert", upsert)
    feeding.data(codecs.pack([document("a", 1)]), count=1)
    feeding.flush()
    assert store.documents == {"a": document("a", 1)}
    assert feeding.stage.patience.waits == 3
