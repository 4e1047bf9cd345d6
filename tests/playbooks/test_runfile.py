from __future__ import annotations

import sqlite3
from typing import Any

import pytest

from citywall.errors import StoreConflict, StoreError
from playbooks.events import Aborted

ASK = "  ask:\n    commands: [{type: manual, command: x}]\n    on_completion: end\n"


def test_of_two_changes_of_one_version_one_is_refused(house: Any) -> None:
    house.write(ASK)
    stored = house.desk.request(house.li, "test", {}, live=True)
    event = Aborted(by="li", reason="x")
    with house.file.writing() as transaction:
        after = transaction.put(stored.run, event, 1, stored.version)
    assert after.version == stored.version + 1
    with pytest.raises(StoreConflict), house.file.writing() as transaction:
        transaction.put(stored.run, event, 1, stored.version)
    assert house.file.get(stored.run.id).version == after.version


def test_nothing_is_there_before_the_first(tmp_path: Any) -> None:
    from playbooks.runfile import RunFile

    file = RunFile(tmp_path)
    assert (file.get("x"), file.everything(), file.journal("x"), file.due(1)) == (None, [], [], [])


def test_what_another_version_wrote_is_left_alone(house: Any) -> None:
    house.write(ASK)
    run = house.desk.request(house.li, "test", {}, live=True).run
    with sqlite3.connect(house.file.path) as connection:
        connection.execute("UPDATE runs SET engine = 99")
    with pytest.raises(StoreError, match="version 99 of the engine"):
        house.file.get(run.id)
    with sqlite3.connect(house.file.path) as connection:
        connection.execute("PRAGMA user_version = 7")
    with pytest.raises(StoreError, match="schema 7"):
        house.file.everything()
