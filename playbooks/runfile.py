"""Runs on disk: one SQLite file in the data folder, `playbooks.sqlite`, a row a run, a row an event.

An event, the run after it and the playbooks it is bound to are one transaction. `version` is the number of a
run's last event, which a change names: of two at once one is refused. `audited` is the number of the audit
log's last record that a transaction of this file wrote.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec

from citywall.errors import StoreConflict, StoreError
from citywall.sqlitefile import AUDITED, Audited, SqliteFile
from playbooks.cacao import Playbook
from playbooks.engine import wakes
from playbooks.events import Event
from playbooks.library import restored
from playbooks.runs import NEVER, Stored
from playbooks.state import ENGINE, Run

NAME = "playbooks.sqlite"
SCHEMA = 1
_TABLES = (
    """CREATE TABLE runs (id TEXT PRIMARY KEY, version INTEGER NOT NULL, status TEXT NOT NULL,
    requested INTEGER NOT NULL, engine INTEGER NOT NULL, wakes INTEGER, holds INTEGER NOT NULL,
    doc BLOB NOT NULL) WITHOUT ROWID""",
    """CREATE TABLE journal (run TEXT NOT NULL, n INTEGER NOT NULL, time INTEGER NOT NULL,
    event BLOB NOT NULL, PRIMARY KEY (run, n)) WITHOUT ROWID""",
    "CREATE TABLE books (digest TEXT PRIMARY KEY, doc BLOB NOT NULL) WITHOUT ROWID",
    AUDITED,
)


class Transaction(Audited):
    """What is read and written in one transaction."""

    def get(self, id_: str) -> Stored | None:
        """A run; None where there is none."""
        return _get(self._connection, id_)

    def put(self, run: Run, event: Event, now: int, version: int) -> Stored:
        """Write an event and the run after it; raises StoreConflict where the run is not at `version`."""
        found = self.get(run.id)
        if (found.version if found else 0) != version:
            raise StoreConflict(f"run {run.id} was changed meanwhile: look again")
        self._connection.execute(
            "INSERT INTO journal (run, n, time, event) VALUES (?, ?, ?, ?)",
            (run.id, version + 1, now, msgspec.json.encode(event)),
        )
        holds = sum(unit.held for unit in run.units.values())
        self._connection.execute(
            "INSERT OR REPLACE INTO runs (id, version, status, requested, engine, wakes, holds, doc)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (run.id, version + 1, run.status, run.requested, run.engine, wakes(run), holds,
             msgspec.json.encode(run)),
        )  # fmt: skip
        return Stored(run, version + 1)

    def keep_book(self, digest: str, document: dict[str, Any]) -> None:
        """Keep a playbook as it is now."""
        self._connection.execute(
            "INSERT OR IGNORE INTO books (digest, doc) VALUES (?, ?)", (digest, msgspec.json.encode(document))
        )


class RunFile:
    """The file in `data`; threads may share it."""

    def __init__(self, data: Path) -> None:
        self._file = SqliteFile(data / NAME, SCHEMA, _TABLES)
        self._books: dict[str, Playbook] = {}

    @property
    def path(self) -> Path:
        """Where it is."""
        return self._file.path

    @property
    def there(self) -> bool:
        """See :class:`playbooks.runs.Runs`."""
        return self.path.exists()

    def get(self, id_: str) -> Stored | None:
        """A run; None where there is none."""
        with self._file.reading() as connection:
            return None if connection is None else _get(connection, id_)

    def everything(self, limit: int = -1, *, since: int = 0, until: int = NEVER) -> list[Stored]:
        """Runs that were asked for in `[since, until)` (ns), newest first."""
        return self._select(
            "WHERE requested >= ? AND requested < ? ORDER BY requested DESC, id LIMIT ?", since, until, limit
        )

    def due(self, now: int) -> list[Stored]:
        """Runs that something may be due in: those that go on, and those whose effects end."""
        return self._select(
            "WHERE status IN ('running', 'rolling_back') OR wakes <= ? ORDER BY requested", now
        )

    def holding(self) -> list[Stored]:
        """Runs with effects that stand and can be taken back."""
        return self._select("WHERE holds > ? ORDER BY requested", 0)

    def _select(self, rest: str, *values: int) -> list[Stored]:
        with self._file.reading() as connection:
            if connection is None:
                return []
            rows = connection.execute(f"SELECT id FROM runs {rest}", values)  # noqa: S608  (our own words)
            return [found for (id_,) in rows.fetchall() if (found := _get(connection, id_)) is not None]

    def journal(self, id_: str) -> list[tuple[int, Event]]:
        """The events of a run, each with its time."""
        with self._file.reading() as connection:
            if connection is None:
                return []
            rows = connection.execute("SELECT time, event FROM journal WHERE run = ? ORDER BY n", (id_,))
            return [(time, msgspec.json.decode(doc, type=Event)) for time, doc in rows.fetchall()]

    def books(self, run: Run) -> dict[str, Playbook]:
        """The playbooks a run is bound to, by digest."""
        missing = [digest for digest in run.books if digest not in self._books]
        if missing:
            with self._file.reading() as connection:
                for digest in missing:
                    row = None
                    if connection is not None:
                        row = connection.execute(
                            "SELECT doc FROM books WHERE digest = ?", (digest,)
                        ).fetchone()
                    if row is None:
                        raise StoreError(f"{self.path}: the playbook {digest} of run {run.id} is missing")
                    self._books[digest] = restored(row[0])
        return {digest: self._books[digest] for digest in run.books}

    @contextmanager
    def writing(self) -> Iterator[Transaction]:
        """One transaction: committed at the end, undone where anything is raised."""
        with self._file.writing() as connection:
            yield Transaction(connection)


def _get(connection: sqlite3.Connection, id_: str) -> Stored | None:
    row = connection.execute("SELECT doc, version, engine FROM runs WHERE id = ?", (id_,)).fetchone()
    if row is None:
        return None
    if row[2] != ENGINE:
        raise StoreError(
            f"run {id_} was made by version {row[2]} of the engine, this one goes on with {ENGINE}"
        )
    return Stored(msgspec.json.decode(row[0], type=Run), row[1])
