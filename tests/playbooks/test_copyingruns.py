from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from alerts.docfile import DocFile
from citywall.errors import StoreError
from playbooks.copyingruns import copy_runs
from playbooks.events import Aborted
from playbooks.rundocs import RunDocuments
from playbooks.runfile import RunFile

BLOCK = """\
  ask:
    commands: [{type: manual, command: x}]
    on_completion: end
"""


@pytest.fixture
def source(house: Any) -> RunFile:
    """Two runs of the house's desk: one that waits, one that ended."""
    house.write(BLOCK)
    house.desk.request(house.li, "test", {}, live=True)
    done = house.desk.request(house.li, "test", {}, live=False)
    if done.run.waiting:
        house.desk.answer(house.li, done.run.id, "done")
    found: RunFile = house.desk.file
    return found


def test_there_and_back(source: RunFile, tmp_path: Path):
    server, back = RunDocuments(DocFile(tmp_path / "server")), RunFile(tmp_path / "back")
    for _ in range(2):
        assert copy_runs(source, server) == (2, [])
    assert copy_runs(server, back) == (2, [])
    assert back.everything() == source.everything()
    for stored in source.everything():
        assert back.journal(stored.run.id) == source.journal(stored.run.id) != []
        assert back.books(stored.run) == source.books(stored.run)
    assert [s.run.id for s in back.due(1 << 62)] == [s.run.id for s in source.due(1 << 62)]
    with source.writing() as one, back.writing() as other:
        assert one.audited == other.audited


def test_a_run_that_went_on_in_the_target_stays(source: RunFile, tmp_path: Path):
    target = RunFile(tmp_path / "target")
    copy_runs(source, target)
    stored = target.everything()[0]
    with target.writing() as writing:
        writing.put(stored.run, Aborted(by="li", reason="x"), 5, stored.version)
    assert copy_runs(source, target) == (1, [f"run {stored.run.id}"])
    assert copy_runs(RunFile(tmp_path / "none"), target) == (0, [])


def test_loss_is_told(source: RunFile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    target = RunFile(tmp_path / "target")
    monkeypatch.setattr(target, "journal", lambda id_: [])
    with pytest.raises(StoreError, match="did not arrive"):
        copy_runs(source, target)
