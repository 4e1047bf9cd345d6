"""The accounts on disk: one SQLite file in the data folder, `accounts.sqlite`, a row an account.

They stay in the data folder whatever store alerts are in: hashes of passwords belong into no shared index.
`version` counts the changes of a row. `audited` is the number of the audit log's last record that a
transaction of this file wrote.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from citywall.sqlitefile import AUDITED, Audited, SqliteFile
from trust.account import Account, Attempts, Stored

NAME = "accounts.sqlite"
SCHEMA = 1
_TABLES = (
    """CREATE TABLE accounts (name TEXT PRIMARY KEY, version INTEGER NOT NULL, doc BLOB NOT NULL)
    WITHOUT ROWID""",
    "CREATE TABLE attempts (name TEXT PRIMARY KEY, doc BLOB NOT NULL) WITHOUT ROWID",
    AUDITED,
)


class Transaction(Audited):
    """What is read and written in one transaction."""

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


class AccountFile:
    """The file in `data`; threads may share it."""

    def __init__(self, data: Path) -> None:
        self._file = SqliteFile(data / NAME, SCHEMA, _TABLES)

    @property
    def path(self) -> Path:
        """Where it is."""
        return self._file.path

    def get(self, name: str) -> Stored | None:
        """An account; None where there is none of that name."""
        with self._file.reading() as connection:
            return None if connection is None else _get(connection, name)

    def everyone(self) -> list[Stored]:
        """All accounts in order of their names."""
        with self._file.reading() as connection:
            if connection is None:
                return []
            rows = connection.execute("SELECT doc, version FROM accounts ORDER BY name").fetchall()
            return [Stored(msgspec.json.decode(doc, type=Account), version) for doc, version in rows]

    @contextmanager
    def writing(self) -> Iterator[Transaction]:
        """One transaction: committed at the end, undone where anything is raised."""
        with self._file.writing() as connection:
            yield Transaction(connection)


def _get(connection: sqlite3.Connection, name: str) -> Stored | None:
    row = connection.execute("SELECT doc, version FROM accounts WHERE name = ?", (name,)).fetchone()
    return None if row is None else Stored(msgspec.json.decode(row[0], type=Account), row[1])
