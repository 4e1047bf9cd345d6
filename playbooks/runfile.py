"""Runs on disk: one SQLite file in the data folder, `playbooks.sqlite`, a row a run, a row an event.

An event, the run after it and the playbooks it is bound to are one transaction. `version` is the number of a
run's last event, which a change names: of two at once one is refused. `audited` is the number of the audit
log's last record that a transaction of this file wrote.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from citywall.errors import StoreConflict, StoreError
from playbooks.cacao import Playbook
from playbooks.engine import wakes
from playbooks.events import Event
from playbooks.library import restored
from playbooks.state import ENGINE, Run

NAME = "playbooks.sqlite"
SCHEMA = 1
_BUSY_SECONDS = 30
_TABLES = """
CREATE TABLE runs (id TEXT PRIMARY KEY, version INTEGER NOT NULL, status TEXT NOT NULL,
    requested INTEGER NOT NULL, engine INTEGER NOT NULL, wakes INTEGER, holds INTEGER NOT NULL,
    doc BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE journal (run TEXT NOT NULL, n INTEGER NOT NULL, time INTEGER NOT NULL, event BLOB NOT NULL,
    PRIMARY KEY (run, n)) WITHOUT ROWID;
CREATE TABLE books (digest TEXT PRIMARY KEY, doc BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE audited (one INTEGER PRIMARY KEY CHECK (one = 1), n INTEGER NOT NULL)
"""


class Stored(NamedTuple):
    """A run as it was read, and the version that a change of it must name."""

    run: Run
    version: int


class Transaction:
    """What is read and written in one transaction."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

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

    @property
    def audited(self) -> int | None:
        """The last record of ours in the audit log; None in a file just made."""
        row = self._connection.execute("SELECT n FROM audited").fetchone()
        return None if row is None else int(row[0])

    @audited.setter
    def audited(self, n: int) -> None:
        self._connection.execute("INSERT OR REPLACE INTO audited (one, n) VALUES (1, ?)", (n,))


class RunFile:
    """The file in `data`. Connections live for one call, so that threads may share it."""

    def __init__(self, data: Path) -> None:
        self.path = data / NAME
        self._books: dict[str, Playbook] = {}

    def get(self, id_: str) -> Stored | None:
        """A run; None where there is none."""
        with self._reading() as connection:
            return None if connection is None else _get(connection, id_)

    def everything(self, limit: int = -1, *, since: int = 0, until: int = (1 << 63) - 1) -> list[Stored]:
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
        with self._reading() as connection:
            if connection is None:
                return []
            rows = connection.execute(f"SELECT id FROM runs {rest}", values)  # noqa: S608  (our own words)
            return [found for (id_,) in rows.fetchall() if (found := _get(connection, id_)) is not None]

    def journal(self, id_: str) -> list[tuple[int, Event]]:
        """The events of a run, each with its time."""
        with self._reading() as connection:
            if connection is None:
                return []
            rows = connection.execute("SELECT time, event FROM journal WHERE run = ? ORDER BY n", (id_,))
            return [(time, msgspec.json.decode(doc, type=Event)) for time, doc in rows.fetchall()]

    def books(self, run: Run) -> dict[str, Playbook]:
        """The playbooks a run is bound to, by digest."""
        missing = [digest for digest in run.books if digest not in self._books]
        if missing:
            with self._reading() as connection:
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
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            os.close(os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
        except OSError as e:
            raise StoreError(f"{self.path}: {e.strerror or e}") from e
        with self._failing(), self._connected("rw") as connection:
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute("BEGIN IMMEDIATE")
            try:
                if not self._check(connection):
                    for table in _TABLES.split(";"):
                        connection.execute(table)
                    connection.execute(f"PRAGMA user_version = {SCHEMA}")
                yield Transaction(connection)
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection | None]:
        if not self.path.exists():
            yield None
            return
        # Not read-only: after a kill the file's own journal is rolled back by whoever reads first.
        with self._failing(), self._connected("rw") as connection:
            yield connection if self._check(connection) else None

    @contextmanager
    def _connected(self, mode: str) -> Iterator[sqlite3.Connection]:
        connection = sqlite3.connect(
            f"{self.path.resolve().as_uri()}?mode={mode}",
            uri=True,
            timeout=_BUSY_SECONDS,
            isolation_level=None,
        )
        try:
            yield connection
        finally:
            connection.close()

    def _check(self, connection: sqlite3.Connection) -> int:
        schema = int(connection.execute("PRAGMA user_version").fetchone()[0])
        if schema not in (0, SCHEMA):
            raise StoreError(f"{self.path}: has schema {schema}, this version of Citywall reads {SCHEMA}")
        return schema

    @contextmanager
    def _failing(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as e:
            raise StoreError(f"{self.path}: {e}") from e
        except (msgspec.DecodeError, UnicodeDecodeError) as e:
            raise StoreError(f"{self.path}: is damaged ({e})") from e


def _get(connection: sqlite3.Connection, id_: str) -> Stored | None:
    row = connection.execute("SELECT doc, version, engine FROM runs WHERE id = ?", (id_,)).fetchone()
    if row is None:
        return None
    if row[2] != ENGINE:
        raise StoreError(
            f"run {id_} was made by version {row[2]} of the engine, this one goes on with {ENGINE}"
        )
    return Stored(msgspec.json.decode(row[0], type=Run), row[1])
