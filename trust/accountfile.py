"""The accounts on disk: one SQLite file in the data folder, `accounts.sqlite`, a row an account.

They stay in the data folder whatever store alerts are in: hashes of passwords belong into no shared index.
`version` counts the changes of a row. `audited` is the number of the audit log's last record that a
transaction of this file wrote.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from citywall.errors import StoreError
from trust.account import Account, Attempts, Stored

NAME = "accounts.sqlite"
SCHEMA = 1
_BUSY_SECONDS = 30
_TABLES = (
    "accounts (name TEXT PRIMARY KEY, version INTEGER NOT NULL, doc BLOB NOT NULL) WITHOUT ROWID",
    "attempts (name TEXT PRIMARY KEY, doc BLOB NOT NULL) WITHOUT ROWID",
    "audited (one INTEGER PRIMARY KEY CHECK (one = 1), n INTEGER NOT NULL)",
)


class Transaction:
    """What is read and written in one transaction."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def get(self, name: str) -> Stored | None:
        """An account; None where there is none of that name."""
        return _get(self._connection, name)

    def count(self) -> int:
        """How many accounts there are."""
        return int(self._connection.execute("SELECT count(*) FROM accounts").fetchone()[0])

    def put(self, account: Account) -> Stored:
        """Write an account; its version goes up by one."""
        before = self.get(account.name)
        version = 1 if before is None else before.version + 1
        self._connection.execute(
            "INSERT OR REPLACE INTO accounts (name, version, doc) VALUES (?, ?, ?)",
            (account.name, version, msgspec.json.encode(account)),
        )
        return Stored(account, version)

    def attempts(self, name: str) -> Attempts:
        """The failed log-ins of an account."""
        row = self._connection.execute("SELECT doc FROM attempts WHERE name = ?", (name,)).fetchone()
        return Attempts() if row is None else msgspec.json.decode(row[0], type=Attempts)

    def set_attempts(self, name: str, attempts: Attempts) -> None:
        """Write them."""
        if attempts == Attempts():
            self._connection.execute("DELETE FROM attempts WHERE name = ?", (name,))
        else:
            self._connection.execute(
                "INSERT OR REPLACE INTO attempts (name, doc) VALUES (?, ?)",
                (name, msgspec.json.encode(attempts)),
            )

    @property
    def audited(self) -> int | None:
        """The last record of ours in the audit log; None in a file just made."""
        row = self._connection.execute("SELECT n FROM audited").fetchone()
        return None if row is None else int(row[0])

    @audited.setter
    def audited(self, n: int) -> None:
        self._connection.execute("INSERT OR REPLACE INTO audited (one, n) VALUES (1, ?)", (n,))


class AccountFile:
    """The file in `data`. Connections live for one call, so that threads may share it."""

    def __init__(self, data: Path) -> None:
        self.path = data / NAME

    def get(self, name: str) -> Stored | None:
        """An account; None where there is none of that name."""
        with self._reading() as connection:
            return None if connection is None else _get(connection, name)

    def everyone(self) -> list[Stored]:
        """All accounts in order of their names."""
        with self._reading() as connection:
            if connection is None:
                return []
            rows = connection.execute("SELECT doc, version FROM accounts ORDER BY name").fetchall()
            return [Stored(msgspec.json.decode(doc, type=Account), version) for doc, version in rows]

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
                self._check(connection)
                for table in _TABLES:
                    connection.execute(f"CREATE TABLE IF NOT EXISTS {table}")
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
        with self._failing(), self._connected("ro") as connection:
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
        except msgspec.DecodeError as e:
            raise StoreError(f"{self.path}: is damaged ({e})") from e


def _get(connection: sqlite3.Connection, name: str) -> Stored | None:
    row = connection.execute("SELECT doc, version FROM accounts WHERE name = ?", (name,)).fetchone()
    return None if row is None else Stored(msgspec.json.decode(row[0], type=Account), row[1])
