"""One SQLite file of ours, opened for a call: read, or changed in one transaction, on disk when it ends."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import msgspec

from citywall.errors import StoreError

_BUSY_SECONDS = 30
#: Bytes of a page where documents of some KiB are kept: fewer pages to write than with SQLite's 4 KiB.
LARGE_PAGES = 16_384
#: Room for the pages that a transaction changes: SQLite's 2 MiB are full after some sixty alerts, and then it
#: writes pages before they are whole, reads them again, and writes them once more.
ROOM_FOR_CHANGES = "PRAGMA cache_size = -8192"
#: The table of `Audited`.
AUDITED = "CREATE TABLE audited (one INTEGER PRIMARY KEY CHECK (one = 1), n INTEGER NOT NULL)"


class SqliteFile:
    """The file at `path`, made by the `tables` statements under number `schema`, readable by its owner only.

    Connections live for one call, so that threads and processes may share it. Everything it raises of its
    own is a StoreError with the path: a file that cannot be opened, of another schema, or damaged.
    """

    def __init__(self, path: Path, schema: int, tables: Sequence[str], *, page_bytes: int = 4096) -> None:
        self.path = path
        self._page_bytes = page_bytes  # of a file that is made; one that is there keeps its own
        self._schema = schema
        self._tables = tables

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection | None]:
        """For questions; None where there is nothing yet.

        Not read-only: after a kill the transaction cut off is undone by whoever comes first.
        """
        if not self.path.exists():
            yield None
            return
        with self._failing(), self._connected() as connection:
            yield connection if self._check(connection) else None

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """One transaction: committed and synced at the end, undone where anything is raised."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            os.close(os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
        except OSError as e:
            raise StoreError(f"{self.path}: {e.strerror or e}") from e
        with self._failing(), self._connected() as connection:
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute(f"PRAGMA page_size = {self._page_bytes}")
            connection.execute(ROOM_FOR_CHANGES)
            connection.execute("BEGIN IMMEDIATE")
            try:
                if not self._check(connection):
                    for table in self._tables:
                        connection.execute(table)
                    connection.execute(f"PRAGMA user_version = {self._schema}")
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise

    @contextmanager
    def _connected(self) -> Iterator[sqlite3.Connection]:
        connection = sqlite3.connect(
            f"{self.path.resolve().as_uri()}?mode=rw", uri=True, timeout=_BUSY_SECONDS, isolation_level=None
        )
        try:
            yield connection
        finally:
            connection.close()

    def _check(self, connection: sqlite3.Connection) -> int:
        schema = int(connection.execute("PRAGMA user_version").fetchone()[0])
        if schema not in (0, self._schema):
            raise StoreError(
                f"{self.path}: has schema {schema}, this version of Citywall reads {self._schema}"
            )
        return schema

    @contextmanager
    def _failing(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as e:
            raise StoreError(f"{self.path}: {e}") from e
        except (msgspec.DecodeError, UnicodeDecodeError) as e:
            raise StoreError(f"{self.path}: is damaged ({e})") from e


class Audited:
    """A transaction that knows the audit log's last record that one of its file wrote (see `AUDITED`)."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    @property
    def audited(self) -> int | None:
        """The number of that record; None in a file just made."""
        row = self._connection.execute("SELECT n FROM audited").fetchone()
        return None if row is None else int(row[0])

    @audited.setter
    def audited(self, n: int) -> None:
        self._connection.execute("INSERT OR REPLACE INTO audited (one, n) VALUES (1, ?)", (n,))
