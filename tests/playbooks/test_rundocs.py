"""Runs as documents: the same desk, the same runs as in a file of their own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from alerts.docfile import DocFile
from alerts.documents import Documents
from citywall.errors import StoreConflict, StoreError
from playbooks.actions.base import World
from playbooks.desk import Desk
from playbooks.events import Aborted
from playbooks.library import Library
from playbooks.rundocs import RunDocuments

BLOCK = """\
  ask:
    commands: [{type: manual, command: x}]
    on_completion: block
  block:
    commands: [{type: x-citywall-block, address: '__source_ip__:value', minutes: 10}]
    on_completion: end
"""


@pytest.fixture(params=["sqlite", "elasticsearch"])
def documents(request: pytest.FixtureRequest, tmp_path: Path) -> Documents:
    if request.param == "sqlite":
        return DocFile(tmp_path / "documents")
    from alerts.elastic.documents import ElasticDocuments

    url = request.getfixturevalue("elasticsearch_url")
    return ElasticDocuments(*_place(url, request), "runs")


def _place(url: str, request: pytest.FixtureRequest) -> Any:
    import uuid

    from alerts.elastic.connection import Connection
    from citywall.servers import ElasticsearchSettings

    settings = ElasticsearchSettings(index_prefix=f"t{uuid.uuid4().hex[:12]}")
    connection = Connection(url, settings)

    def clean() -> None:
        connection.ask("DELETE", f"/{settings.index_prefix}-runs", absent=None)
        connection.close()

    request.addfinalizer(clean)
    return connection, settings


@pytest.fixture
def runs(house: Any, documents: Documents) -> RunDocuments:
    """The house's desk on documents."""
    made = RunDocuments(documents)
    world = World(house.data, house.settings, cases=house.kernel, alert=house.alerts.get)
    house.desk = Desk(made, house.accounts, Library([house.books]), world, clock=house.clock)
    house.write(BLOCK)
    return made


def test_a_run_from_its_request_to_the_end_of_its_block(house: Any, runs: RunDocuments) -> None:
    assert runs.get("x") is None
    assert runs.everything() == runs.due(1) == runs.holding() == runs.journal("x") == []
    run = house.desk.request(house.li, "test", {}, live=True).run
    assert [s.run.id for s in runs.due(house.clock())] == [run.id]
    house.desk.answer(house.li, run.id, "done")
    (waits,) = runs.get(run.id).run.waiting
    from playbooks.state import asked

    house.desk.approve(house.wang, run.id, asked(runs.get(run.id).run, waits))
    stored = runs.get(run.id)
    assert stored.run.status == "completed"
    assert [s.run.id for s in runs.holding()] == [run.id]
    assert runs.due(house.clock()) == []
    kinds = [type(event).__name__ for _, event in runs.journal(run.id)]
    assert (kinds[0], kinds.count("Approved"), len(kinds)) == ("Requested", 1, stored.version)
    house.clock.pass_(11)
    assert house.desk.tick() == [run.id]
    assert house.kernel.undone == [waits.key]
    assert runs.holding() == []


def test_of_two_changes_of_one_version_one_is_refused(house: Any, runs: RunDocuments) -> None:
    stored = house.desk.request(house.li, "test", {}, live=True)
    event = Aborted(by="li", reason="x")
    with runs.writing() as transaction:
        after = transaction.put(stored.run, event, 1, stored.version)
    assert after.version == stored.version + 1
    with pytest.raises(StoreConflict), runs.writing() as transaction:
        transaction.put(stored.run, event, 1, stored.version)
    assert runs.get(stored.run.id).version == after.version


def test_runs_are_listed_newest_first_and_by_time(house: Any, runs: RunDocuments) -> None:
    asked = [house.desk.request(house.li, "test", {}).run for _ in range(3)]
    ids = [run.id for run in asked]
    assert [s.run.id for s in runs.everything()] == ids[::-1]
    assert [s.run.id for s in runs.everything(1)] == ids[2:]
    middle = asked[1].requested
    assert [s.run.id for s in runs.everything(since=middle)] == ids[:0:-1]
    assert [s.run.id for s in runs.everything(until=middle)] == ids[:1]


def test_what_another_version_wrote_and_what_is_missing_is_told(house: Any, runs: RunDocuments) -> None:
    run = house.desk.request(house.li, "test", {}).run
    fresh = RunDocuments(runs._documents)
    assert [book.name for book in fresh.books(run).values()] == ["Test"]
    with runs._documents.writing() as writing:
        writing.drop("book", run.books[0])
        doc = writing.get("run", run.id)
        body = msgspec.json.decode(doc.body) | {"engine": 99}
        writing.put(msgspec.structs.replace(doc, body=msgspec.json.encode(body)), doc.version)
    with pytest.raises(StoreError, match="version 99 of the engine"):
        runs.get(run.id)
    with pytest.raises(StoreError, match="is missing"):
        RunDocuments(runs._documents).books(run)
