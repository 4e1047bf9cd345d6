from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from alerts.elastic.workflows import Workflows
from alerts.workflow import UNCHANGED, Step, Workflow
from citywall.errors import StoreConflict, StoreError

Make = Callable[..., Any]
FRESH = Workflow(received="2024-05-02")


@pytest.fixture
def work(elastic_stores: Make) -> Workflows:
    store = elastic_stores()
    return Workflows(store.connection, store.names, store.settings)


def test_the_server_itself_refuses_a_stale_version(work: Workflows, monkeypatch: pytest.MonkeyPatch) -> None:
    first = work.change("a", Step(1, "li", note="x"), UNCHANGED, FRESH)
    second = work.change("a", Step(2, "li", note="y"), first.version, FRESH)
    monkeypatch.setattr(work, "get", lambda _: first)  # what was read before somebody else wrote
    with pytest.raises(StoreConflict):
        work.change("a", Step(3, "wang", note="z"), first.version, FRESH)
    monkeypatch.undo()
    assert work.get("a") == second


def test_many_are_listed_in_order(work: Workflows) -> None:
    items = [(f"{n:05d}", FRESH.after(Step(n, "li", owner=f"o{n}"))) for n in range(620)]
    assert work.adopt(reversed(items)) == []
    assert list(work.everything()) == items
    assert work.count() == 620


def test_ids_cannot_leave_their_place(work: Workflows) -> None:
    for name in ("a/b", "../x", "a?b#c", "网络"):
        assert work.get(name).version == UNCHANGED
        work.change(name, Step(1, "li", note="x"), UNCHANGED, FRESH)
        assert work.get(name).workflow.notes[0].note == "x"
    assert work.count() == 4


def test_a_damaged_document_is_named(work: Workflows, elastic_stores: Make) -> None:
    work.change("a", Step(1, "li", note="x"), UNCHANGED, FRESH)
    work._connection.ask("PUT", work._place("a"), {"id": "a", "status": "lost"})
    with pytest.raises(StoreError, match="workflow a: is damaged"):
        work.get("a")
