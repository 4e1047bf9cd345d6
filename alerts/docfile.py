"""The embedded store of documents: one SQLite file in the data folder, `desk.sqlite`.

`audited` is the number of the audit log's last record that a transaction of this file wrote.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import msgspec

from alerts.documents import ABSENT, Doc, Head
from citywall.errors import StoreConflict
from citywall.sqlitefile import AUDITED, LARGE_PAGES, Audited, SqliteFile

NAME = "desk.sqlite"
SCHEMA = 1
_TABLES = (
    """CREATE TABLE documents (
        kind TEXT NOT NULL, id TEXT NOT NULL, version INTEGER NOT NULL, at INTEGER NOT NULL,
        refs BLOB NOT NULL, body BLOB NOT NULL, PRIMARY KEY (kind, id)
    )""",  # with row numbers: bodies are large, and would be moved about in the tree of the key
    "CREATE INDEX documents_at ON documents (kind, at, id)",
    """CREATE TABLE refs (
        kind TEXT NOT NULL, ref TEXT NOT NULL, id TEXT NOT NULL, PRIMARY KEY (kind, ref, id)
    ) WITHOUT ROWID""",
    AUDITED,
)
_SELECT = "SELECT kind, id, body, version, at, refs FROM documents"
_FIND = """
SELECT kind, id, body, version, at, refs FROM documents WHERE kind = ? AND at >= ? AND id IN
(SELECT id FROM refs WHERE kind = ? AND ref IN (SELECT value FROM json_each(?))) ORDER BY id
"""
_HEADS = """
SELECT id, version, at, length(body) FROM documents WHERE kind = ? AND at >= ? AND id IN
(SELECT id FROM refs WHERE kind = ? AND ref IN (SELECT value FROM json_each(?))) ORDER BY id
"""
_STANDING = """
SELECT id, version, refs FROM documents WHERE kind = ? AND id IN (SELECT value FROM json_each(?))
"""
_WRITE = "INSERT OR REPLACE INTO documents (kind, id, version, at, refs, body) VALUES (?, ?, ?, ?, ?, ?)"
_FORGET = "DELETE FROM refs WHERE kind = ? AND ref = ? AND id = ?"


class _Asking:
    """Questions over one connection; None for a file that is not there yet."""

    def __init__(self, connection: sqlite3.Connection | None) -> None:
        self._connection = connection

    def get(self, kind: str, doc_id: str) -> Doc | None:
        """See :class:`alerts.documents.Reading`."""
        found = self._asked(f"{_SELECT} WHERE kind = ? AND id = ?", (kind, doc_id))
        return next(iter(found), None)

    def find(self, kind: str, refs: Collection[str], *, since: int | None = None) -> list[Doc]:
        """See :class:`alerts.documents.Reading`."""
        least = -(1 << 63) if since is None else since
        return self._asked(_FIND, (kind, least, kind, msgspec.json.encode(sorted(set(refs))).decode()))

    def page(self, kind: str, *, limit: int = 100, after: tuple[int, str] | None = None) -> list[Doc]:
        """See :class:`alerts.documents.Reading`."""
        where, values = ("", ()) if after is None else (" AND (at, id) < (?, ?)", after)
        sql = f"{_SELECT} WHERE kind = ?{where} ORDER BY at DESC, id DESC LIMIT ?"
        return self._asked(sql, (kind, *values, limit))

    def _asked(self, sql: str, values: Iterable[object]) -> list[Doc]:
        if self._connection is None:
            return []
        return [
            Doc(kind, doc_id, body, version, at, tuple(msgspec.json.decode(refs)))
            for kind, doc_id, body, version, at, refs in self._connection.execute(sql, tuple(values))
        ]


class Transaction(Audited, _Asking):
    """What is read and written in one transaction."""

    _connection: sqlite3.Connection

    def put(self, doc: Doc, version: int) -> Doc:
        """See :class:`alerts.documents.Writing`."""
        before = self.get(doc.kind, doc.id)
        if (before.version if before else ABSENT) != version:
            raise StoreConflict(f"{doc.kind} {doc.id} was changed meanwhile: read it again")
        after = msgspec.structs.replace(doc, version=version + 1)
        self._write(doc.kind, [(after, before.refs if before else ())])
        return after

    def heads(self, kind: str, refs: Collection[str], *, since: int) -> list[Head] | None:
        """See :class:`alerts.documents.Writing`."""
        wanted = msgspec.json.encode(sorted(refs)).decode()
        found = self._connection.execute(_HEADS, (kind, since, kind, wanted))
        return [Head(*row) for row in found]

    def renew(self, kind: str, docs: Sequence[Doc]) -> list[Doc]:
        """See :class:`alerts.documents.Writing`."""
        ids = msgspec.json.encode([doc.id for doc in docs]).decode()
        known = {doc_id: rest for doc_id, *rest in self._connection.execute(_STANDING, (kind, ids))}
        written: list[tuple[Doc, Iterable[str]]] = []
        for doc in docs:
            version, refs = known.get(doc.id, (ABSENT, b"[]"))
            written.append((msgspec.structs.replace(doc, version=version + 1), msgspec.json.decode(refs)))
        self._write(kind, written)
        return [doc for doc, _ in written]

    def drop(self, kind: str, doc_id: str) -> None:
        """See :class:`alerts.documents.Writing`."""
        if (before := self.get(kind, doc_id)) is not None:
            self._forget(kind, doc_id, before.refs)
            self._connection.execute("DELETE FROM documents WHERE kind = ? AND id = ?", (kind, doc_id))

    def _write(self, kind: str, docs: Iterable[tuple[Doc, Iterable[str]]]) -> None:
        """Write documents of a kind, each with what it referred to before."""
        rows, gone, come = [], [], []
        for doc, before in docs:
            rows.append((kind, doc.id, doc.version, doc.at, msgspec.json.encode(doc.refs), doc.body))
            old, new = set(before), set(doc.refs)
            gone += [(kind, ref, doc.id) for ref in sorted(old - new)]
            come += [(kind, ref, doc.id) for ref in sorted(new - old)]
        self._connection.executemany(_WRITE, rows)
        self._connection.executemany(_FORGET, gone)
        self._connection.executemany("INSERT OR IGNORE INTO refs (kind, ref, id) VALUES (?, ?, ?)", come)

    def _forget(self, kind: str, doc_id: str, refs: Iterable[str]) -> None:
        self._connection.executemany(_FORGET, [(kind, ref, doc_id) for ref in refs])


class DocFile:
    """The file in `data`; threads and processes may share it."""

    def __init__(self, data: Path) -> None:
        self._file = SqliteFile(data / NAME, SCHEMA, _TABLES, page_bytes=LARGE_PAGES)

    @property
    def path(self) -> Path:
        """Where it is."""
        return self._file.path

    @property
    def there(self) -> bool:
        """See :class:`alerts.documents.Documents`."""
        return self.path.exists()

    def get(self, kind: str, doc_id: str) -> Doc | None:
        """See :class:`alerts.documents.Reading`."""
        with self._file.reading() as connection:
            return _Asking(connection).get(kind, doc_id)

    def find(self, kind: str, refs: Collection[str], *, since: int | None = None) -> list[Doc]:
        """See :class:`alerts.documents.Reading`."""
        with self._file.reading() as connection:
            return _Asking(connection).find(kind, refs, since=since)

    def page(self, kind: str, *, limit: int = 100, after: tuple[int, str] | None = None) -> list[Doc]:
        """See :class:`alerts.documents.Reading`."""
        with self._file.reading() as connection:
            return _Asking(connection).page(kind, limit=limit, after=after)

    @contextmanager
    def writing(self) -> Iterator[Transaction]:
        """One transaction: committed at the end, undone where anything is raised."""
        with self._file.writing() as connection:
            yield Transaction(connection)
