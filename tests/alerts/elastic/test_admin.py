from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from alerts import times
from alerts.elastic import admin, templates, workflows
from alerts.query import parse
from alerts.workflow import UNCHANGED, Step
from citywall.errors import StoreError, StoreUnavailable

Make = Callable[..., Any]


@pytest.fixture
def old(
    elastic_stores: Make, make_document: Make, make_session: Make, monkeypatch: pytest.MonkeyPatch
) -> Any:
    """A store with two days in a layout before the present, with an alert that people worked on."""
    store = elastic_stores()
    monkeypatch.setattr(templates, "VERSION", 0)
    monkeypatch.setattr(admin, "VERSION", 0)
    store.prepare()
    for day in (20_000, 20_001):
        session = make_session(f"d{day}", received_at=day * times.DAY)
        store.upsert([make_document(i, session=session, entity=f"e{i}") for i in range(30)])
    store.change(store.search(limit=1).documents[0]["event"]["id"], Step(1, "li", note="x"), UNCHANGED)
    monkeypatch.undo()
    return store


def everything(store: Any) -> list[Any]:
    return sorted(store.scan(), key=lambda d: (d["event"]["ingested"], d["event"]["id"]))


def test_days_are_brought_to_the_present_layout(old: Any) -> None:
    before, worked = everything(old), list(old.workflows())
    status = old.status()
    assert [p.schema for p in status.parts] == [0, 0]
    assert status.outdated == status.parts
    assert not status.ready
    done = old.migrate()
    assert done == [p.name for p in status.parts]
    assert everything(old) == before
    assert list(old.workflows()) == worked
    after = old.status()
    assert (after.outdated, after.ready) == ((), True)
    assert old.count(parse("扫描")) == 60
    assert old.migrate() == []
    old.upsert(before)  # open to writers again, and still behind its alias
    assert old.count(lane="live") == 60
    moving = old.connection.ask("GET", f"/{old.names.prefix}-moving-*/_settings", absent={})
    assert not moving


def test_a_day_that_is_moved_makes_writers_wait(old: Any) -> None:
    index = old.status().parts[0].name
    document = everything(old)[0]
    admin._block(old.connection, index, blocked=True)
    with pytest.raises(StoreUnavailable, match="blocked"):
        old.upsert([document])


@pytest.mark.parametrize("killed_at", range(1, 9))
def test_a_migration_killed_anywhere_goes_on(
    old: Any, monkeypatch: pytest.MonkeyPatch, killed_at: int
) -> None:
    before = everything(old)
    ask = old.connection.ask
    writes = 0

    def failing(method: str, path: str, *more: Any, **parameters: Any) -> Any:
        nonlocal writes
        changes = (method in ("PUT", "DELETE") and "alerts-live-" in path) or path.startswith("/_bulk")
        writes += changes
        if changes and writes >= killed_at:
            raise KeyboardInterrupt
        return ask(method, path, *more, **parameters)

    old.prepare()
    monkeypatch.setattr(old.connection, "ask", failing)
    with pytest.raises(KeyboardInterrupt):
        admin.migrate(old.connection, old.names, old.settings)
    monkeypatch.undo()
    old.migrate()
    assert everything(old) == before
    assert old.status().outdated == ()


def test_a_newer_store_is_refused(elastic_stores: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    store = elastic_stores()
    for module in (templates, admin, workflows):
        monkeypatch.setattr(module, "VERSION", 9)
    store.prepare()
    monkeypatch.undo()
    with pytest.raises(StoreError, match="layout 9, this version of Citywall writes 2"):
        elastic_stores(store.names.prefix).prepare()


def test_this_server_is_probed_for_policies(connection: Any) -> None:
    assert admin.has_policies(connection) is False  # the distribution for tests has none


def test_a_server_with_policies_gets_one(elastic_stores: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    store = elastic_stores()
    ask, told = store.connection.ask, []

    def with_policies(method: str, path: str, body: Any = None, **parameters: Any) -> Any:
        if path.startswith("/_ilm"):
            told.append((method, path, body))
            return {"operation_mode": "RUNNING"}
        if path == f"/_component_template/{store.names.settings}":
            told.append((method, path, body["template"]["settings"]["index"]["lifecycle"]))
            del body["template"]["settings"]["index"]["lifecycle"]  # unknown to the server at hand
        return ask(method, path, body, **parameters)

    monkeypatch.setattr(store.connection, "ask", with_policies)
    store.prepare()
    store.retain(190, 20_000 * times.DAY)
    name = store.names.policy
    assert ("PUT", f"/_component_template/{store.names.settings}", {"name": name}) in told
    assert ("PUT", f"/_ilm/policy/{name}", templates.policy(190)) in told
