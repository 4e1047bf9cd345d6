"""The embedded store's workflows: one SQLite file, `workflow.sqlite`, a row an alert.

`version` counts the changes of a row; a change names the version it was made from, in one transaction.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec

from alerts.workflow import UNCHANGED, Step, Versioned, Workflow, newer
from citywall.errors import StoreConflict
from citywall.sqlitefile import SqliteFile

NAME = "workflow.sqlite"
SCHEMA = 1
_TABLE = """
CREATE TABLE workflows (
    id TEXT PRIMARY KEY, version INTEGER NOT NULL, received TEXT NOT NULL, doc BLOB NOT NULL
) WITHOUT ROWID
"""
_PUT = """
INSERT INTO workflows (id, version, received, doc) VALUES (?, ?, ?, ?)
ON CONFLICT (id) DO UPDATE SET version = excluded.version, received = excluded.received, doc = excluded.doc
"""


class WorkFile:
    """The file in `folder`; threads and processes may share it."""

    def __init__(self, folder: Path) -> None:
        self._file = SqliteFile(folder / NAME, SCHEMA, (_TABLE,))

    def get(self, alert_id: str) -> Versioned:
        """What is known of an alert; UNCHANGED where nothing is."""
        with self._file.reading() as connection:
            return Versioned(Workflow(), UNCHANGED) if connection is None else _get(connection, alert_id)

    def change(self, alert_id: str, step: Step, version: str, fresh: Workflow) -> Versioned:
        """Apply a step to what was read as `version`; `fresh` is what a first change begins from."""
        with self._file.writing() as connection:
            found = _get(connection, alert_id)
            if found.version != version:
                raise StoreConflict(f"alert {alert_id} was changed meanwhile: read it again")
            before = fresh if found.version == UNCHANGED else found.workflow
            after, number = before.after(step), int(found.version or 0) + 1
            _put(connection, alert_id, number, after)
            return Versioned(after, str(number))

    def adopt(self, items: Iterable[tuple[str, Workflow]]) -> list[str]:
        """Take over what goes on from what is here; returns ids of what does not."""
        kept = []
        with self._file.writing() as connection:
            for alert_id, workflow in items:
                found = _get(connection, alert_id)
                if found.version == UNCHANGED or newer(workflow, found.workflow):
                    _put(connection, alert_id, int(found.version or 0) + 1, workflow)
                elif workflow != found.workflow:
                    kept.append(alert_id)
        return kept

    def everything(self) -> Iterator[tuple[str, Workflow]]:
        """Every workflow in order of id."""
        with self._file.reading() as connection:
            if connection is not None:
                for alert_id, doc in connection.execute("SELECT id, doc FROM workflows ORDER BY id"):
                    yield alert_id, msgspec.json.decode(doc, type=Workflow)

    def count(self) -> int:
        """How many there are."""
        with self._file.reading() as connection:
            if connection is None:
                return 0
            return int(connection.execute("SELECT count(*) FROM workflows").fetchone()[0])

    def forget_before(self, day: str) -> None:
        """Remove those of alerts received before `day`."""
        if self._file.path.exists():
            with self._file.writing() as connection:
                connection.execute("DELETE FROM workflows WHERE received < ?", (day,))


def _get(connection: sqlite3.Connection, alert_id: str) -> Versioned:
    row = connection.execute("SELECT doc, version FROM workflows WHERE id = ?", (alert_id,)).fetchone()
    if row is None:
        return Versioned(Workflow(), UNCHANGED)
    return Versioned(msgspec.json.decode(row[0], type=Workflow), str(row[1]))


def _put(connection: sqlite3.Connection, alert_id: str, version: int, workflow: Workflow) -> None:
    connection.execute(_PUT, (alert_id, version, workflow.received, msgspec.json.encode(workflow)))
