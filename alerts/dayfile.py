"""One SQLite file of the embedded store: the alerts of a lane received on one day.

Tables: `alerts` (a row an alert, the document in `doc`), `addresses` (spans of 16-byte keys by side),
`words` (FTS5 over tokens of :mod:`alerts.tokens`), `minutes` (counts kept ready). Texts in columns are
folded (`tokens.fold`), as queries compare them.
"""

from __future__ import annotations

import os
import socket
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from operator import itemgetter
from pathlib import Path
from typing import Any

import msgspec

from alerts import times, tokens
from alerts.shapes import Shape
from alerts.sqlfilter import COLUMNS, SIDES, TEXTS, TIMES, Filter, address_key
from alerts.terms import SEARCHED, Finder, flat, network_of, texts_of
from citywall.errors import StoreError
from citywall.sqlitefile import LARGE_PAGES, ROOM_FOR_CHANGES

SCHEMA = 1
#: "City" in the file's header, so that `file` and we can tell it from other databases.
APPLICATION_ID = 0x43697479
_BUSY_SECONDS = 30

#: Columns that no alert lacks. The rest are NULL where the document is silent.
NEEDED = ("id", "time", "last", "severity", "risk", "count", "detector", "kind", "entity", "session")


def _column(field: str, name: str) -> str:
    kind = "TEXT" if field in TEXTS else "REAL" if name == "risk" else "INTEGER"
    return f"{name} {kind}{' NOT NULL' if name in NEEDED else ''}{' UNIQUE' if name == 'id' else ''}"


_TABLES = f"""
CREATE TABLE alerts (
    n INTEGER PRIMARY KEY,
    {", ".join(_column(field, name) for field, name in COLUMNS.items())},
    doc BLOB NOT NULL
);
CREATE INDEX alerts_time ON alerts (time DESC, id DESC);
CREATE INDEX alerts_severity ON alerts (severity, time);
CREATE INDEX alerts_detector ON alerts (detector, time);
CREATE INDEX alerts_session ON alerts (session);
CREATE TABLE addresses (
    alert INTEGER NOT NULL,
    side INTEGER NOT NULL,
    start BLOB NOT NULL,
    stop BLOB NOT NULL,
    PRIMARY KEY (alert, side, start, stop)
) WITHOUT ROWID;
CREATE INDEX addresses_start ON addresses (side, start, stop);
CREATE TABLE minutes (
    minute INTEGER NOT NULL,
    severity INTEGER NOT NULL,
    count INTEGER NOT NULL,
    PRIMARY KEY (minute, severity)
) WITHOUT ROWID;
CREATE VIRTUAL TABLE words USING fts5 (body, tokenize = 'ascii');
"""

#: Texts that many alerts have: each is folded once.
_folded = lru_cache(maxsize=8192)(tokens.fold)


def _reader(field: str) -> Callable[[Any], Any] | None:
    """What makes a column of a field's value; None where it is the value."""
    return times.from_iso if field in TIMES else _folded if field in TEXTS else None


#: Columns whose values are not those of the document.
_READERS = [(at, read) for at, field in enumerate(COLUMNS) if (read := _reader(field)) is not None]
#: What is asked of a document: its columns, its addresses, and the texts that are searched.
_ASKED = (*COLUMNS, *SIDES, *SEARCHED)
_AT_SIDES, _AT_TEXTS = len(COLUMNS), len(COLUMNS) + len(SIDES)
_SHAPE, _FINDER = Shape(_ASKED), Finder(_ASKED[_AT_SIDES:])
_NAMES = ("n", *COLUMNS.values(), "doc")
_TIME, _SEVERITY = (_NAMES.index(name) for name in ("time", "severity"))
#: Rows are replaced by number, so that what is said of an alert again stays where it was.
_UPSERT = f"""
INSERT INTO alerts ({", ".join(_NAMES)}) VALUES ({", ".join("?" * len(_NAMES))})
ON CONFLICT (n) DO UPDATE SET {", ".join(f"{name} = excluded.{name}" for name in _NAMES[1:])}
"""  # noqa: S608 (names of ours)
_KNOWN = """
SELECT id, n, time, severity, body FROM alerts LEFT JOIN words ON words.rowid = n
WHERE id IN (SELECT value FROM json_each(?))
"""
_COUNT_MINUTE = """
INSERT INTO minutes (minute, severity, count) VALUES (?, ?, ?)
ON CONFLICT (minute, severity) DO UPDATE SET count = count + excluded.count
"""
_needed = itemgetter(*(at for at, name in enumerate(COLUMNS.values()) if name in NEEDED))
#: Documents written together.
_BATCH = 500

Row = tuple[int, str, bytes]  # time, id, document
Document = dict[str, Any]


class DayFile:
    """A connection to one file. Not for two threads at once."""

    def __init__(self, path: Path, *, read_only: bool) -> None:
        self.path = path
        with self._failing():
            self._connection = self._connect(read_only)
            try:
                self._prepare(read_only)
            except BaseException:
                self._connection.close()
                raise

    def close(self) -> None:
        """Close the connection; the last one folds the write-ahead log into the file."""
        self._connection.close()

    def upsert(self, documents: Sequence[Document]) -> None:
        """Write documents in one transaction."""
        with self._failing(), self._transaction() as cursor:
            for at in range(0, len(documents), _BATCH):
                _write(cursor, documents[at : at + _BATCH])

    def get(self, alert_id: str) -> bytes | None:
        """The document of an id, as JSON."""
        with self._failing():
            row = self._connection.execute(
                "SELECT doc FROM alerts WHERE id = ?", (tokens.fold(alert_id),)
            ).fetchone()
            return None if row is None else bytes(row[0])

    def rows(self, where: Filter, accepts: Callable[[bytes], bool] | None, limit: int) -> list[Row]:
        """Up to `limit` rows that `where` and `accepts` let through, newest first."""
        sql = f"SELECT time, id, doc FROM alerts WHERE {where.sql} ORDER BY time DESC, id DESC"  # noqa: S608
        found: list[Row] = []
        with self._failing():
            cursor = self._connection.execute(sql, where.parameters)
            while len(found) < limit and (batch := cursor.fetchmany(256)):
                found += [r for r in batch if accepts is None or accepts(r[2])]
            cursor.close()
        return found[:limit]

    def count(self, where: Filter) -> int:
        """Rows that an exact filter lets through."""
        sql = f"SELECT count(*) FROM alerts WHERE {where.sql}"  # noqa: S608
        with self._failing():
            return int(self._connection.execute(sql, where.parameters).fetchone()[0])

    def size(self) -> int:
        """Bytes that it takes once all of it stands in the file: the same whoever else has it open."""
        with self._failing():
            (pages,) = self._connection.execute("PRAGMA page_count").fetchone()
            (each,) = self._connection.execute("PRAGMA page_size").fetchone()
        return int(pages) * int(each)

    def documents(self, where: Filter) -> Iterator[bytes]:
        """Documents that a filter lets through, in no order, a few in memory at a time."""
        sql = f"SELECT doc FROM alerts WHERE {where.sql}"  # noqa: S608
        with self._failing():
            for (doc,) in self._connection.execute(sql, where.parameters):
                yield bytes(doc)

    def tally(self, column: str, where: Filter) -> dict[str, int]:
        """Rows counted by a column."""
        sql = f"SELECT {column}, count(*) FROM alerts WHERE {where.sql} GROUP BY 1"  # noqa: S608
        with self._failing():
            return {str(k): int(n) for k, n in self._connection.execute(sql, where.parameters)}

    def minutes(self, since: int, until: int) -> list[tuple[int, int, int]]:
        """(minute, severity, count) of whole minutes from `since` to before `until`, in ns."""
        sql = "SELECT minute, severity, count FROM minutes WHERE minute >= ? AND minute < ? AND count > 0"
        with self._failing():
            return list(self._connection.execute(sql, (since, until)))

    def delete_session(self, session: str) -> int:
        """Remove a session's rows in one transaction; returns how many."""
        if self.count(Filter("session = ?", (tokens.fold(session),), exact=True)) == 0:
            return 0
        with self._failing(), self._transaction() as cursor:
            rows = cursor.execute(
                "SELECT n, time, severity FROM alerts WHERE session = ?", (tokens.fold(session),)
            ).fetchall()
            for n, time, severity in rows:
                cursor.execute("DELETE FROM words WHERE rowid = ?", (n,))
                cursor.execute("DELETE FROM addresses WHERE alert = ?", (n,))
                cursor.execute("DELETE FROM alerts WHERE n = ?", (n,))
                cursor.execute(_COUNT_MINUTE, (_minute(time), severity, -1))
        return len(rows)

    def _connect(self, read_only: bool) -> sqlite3.Connection:
        address = self.path.resolve().as_uri() + ("?mode=ro" if read_only else "?mode=rwc")
        if read_only and not self._beside("-wal").exists() and not os.access(self.path.parent, os.W_OK):
            # Even a reader needs to make the shared-memory file; without a log nothing is lost without it.
            address += "&immutable=1"
        return sqlite3.connect(
            address, uri=True, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False
        )

    def _beside(self, suffix: str) -> Path:
        return self.path.with_name(self.path.name + suffix)

    def _prepare(self, read_only: bool) -> None:
        if not read_only:
            self._connection.execute(f"PRAGMA page_size = {LARGE_PAGES}")  # of a new file
            self._connection.execute("PRAGMA journal_mode = WAL")
            # An alert acknowledged must survive a power cut: its source is then committed.
            self._connection.execute("PRAGMA synchronous = FULL")
            self._connection.execute(ROOM_FOR_CHANGES)
        schema = int(self._connection.execute("PRAGMA user_version").fetchone()[0])
        if schema == 0 and not read_only:
            self._create()
        elif schema not in (0, SCHEMA):
            raise StoreError(
                f"{self.path}: has schema {schema}, this version of Citywall reads {SCHEMA}; "
                "use the version that wrote it, or move the file aside"
            )
        self.empty = schema == 0 and read_only

    def _create(self) -> None:
        with self._transaction() as cursor:
            if int(cursor.execute("PRAGMA user_version").fetchone()[0]) == SCHEMA:
                return
            for statement in _TABLES.split(";"):
                cursor.execute(statement)
            cursor.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            cursor.execute(f"PRAGMA user_version = {SCHEMA}")

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Cursor]:
        cursor = self._connection.cursor()
        cursor.execute("BEGIN IMMEDIATE")
        try:
            yield cursor
        except BaseException:
            if self._connection.in_transaction:  # SQLite itself takes some failures back
                cursor.execute("ROLLBACK")
            raise
        cursor.execute("COMMIT")

    @contextmanager
    def _failing(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.OperationalError as e:
            raise StoreError(f"{self.path}: {e}") from e
        except sqlite3.DatabaseError as e:
            if type(e) is not sqlite3.DatabaseError:  # its other children are faults of the program
                raise
            raise StoreError(
                f"{self.path}: is damaged ({e}); move the file aside and run its captures again: "
                "alerts are derived from them"
            ) from e


def _write(cursor: sqlite3.Cursor, documents: Sequence[Document]) -> None:
    """Write documents; of several of one id the last. Table by table: that is several times faster."""
    rows = {found[0][0]: (*found, document) for document in documents for found in (_read(document),)}
    known = {
        row[0]: row[1:]
        for row in cursor.execute(_KNOWN, (msgspec.json.encode(list(rows)).decode(),)).fetchall()
    }
    (last,) = cursor.execute("SELECT ifnull(max(n), 0) FROM alerts").fetchone()
    counts: Counter[tuple[int, int]] = Counter()
    alerts, addresses, words, gone = [], [], [], []
    for alert_id, (row, sides, texts, document) in rows.items():
        body = tokens.joined(texts)
        if alert_id in known:
            n, time, severity, before = known[alert_id]
            counts[_minute(time), severity] -= 1
            if before != body:
                gone.append((n,))
        else:
            n, before = (last := last + 1), None
        numbered = (n, *row, msgspec.json.encode(document))
        counts[_minute(numbered[_TIME]), numbered[_SEVERITY]] += 1
        alerts.append(numbered)
        addresses += sorted(_addresses(n, sides))
        if before != body:
            words.append((n, body))
    cursor.executemany("DELETE FROM addresses WHERE alert = ?", [(row[0],) for row in known.values()])
    cursor.executemany("DELETE FROM words WHERE rowid = ?", gone)
    cursor.executemany(_UPSERT, alerts)
    cursor.executemany("INSERT INTO addresses VALUES (?, ?, ?, ?)", addresses)
    cursor.executemany("INSERT INTO words (rowid, body) VALUES (?, ?)", words)
    cursor.executemany(_COUNT_MINUTE, [(*minute, count) for minute, count in counts.items() if count])


def _read(document: Document) -> tuple[list[Any], Sequence[Any], list[str]]:
    """Columns of a document, what stands at each of its `SIDES`, and the texts that are searched.

    Raises StoreError where it lacks a column that all need.
    """
    found: Sequence[Any] | None = _SHAPE(document)
    if found is None:
        found = [*(_column_of(document, field) for field in COLUMNS), *_FINDER(document)]
    row = list(found[:_AT_SIDES])
    for at, read in _READERS:
        if row[at] is not None:
            row[at] = read(row[at])
    if None in _needed(row):
        missing = [name for name, value in zip(COLUMNS.values(), row, strict=True)
                   if value is None and name in NEEDED]  # fmt: skip
        raise StoreError(f"alert {row[0]} lacks {', '.join(missing)}")
    return row, found[_AT_SIDES:_AT_TEXTS], texts_of(found[_AT_TEXTS:])


def _column_of(document: Any, field: str) -> Any:
    """The value of a field, None where it is not there: only one value can stand in a column."""
    for name in field.split("."):
        document = document.get(name) if isinstance(document, dict) else None
    return document


def _addresses(n: int, found: Sequence[Any]) -> set[tuple[int, int, bytes, bytes]]:
    sides = zip(SIDES.values(), found, strict=True)
    return {(n, side, *_span(v)) for side, value in sides if value is not None for v in flat(value)}


@lru_cache(maxsize=16384)
def _span(text: str) -> tuple[bytes, bytes]:
    try:  # nearly all are single addresses
        key = socket.inet_pton(socket.AF_INET6, text if ":" in text else f"::ffff:{text}")
    except (OSError, ValueError):
        start, stop = network_of(text)
        return address_key(start), address_key(stop)
    return key, key


def _minute(time: int) -> int:
    return time // times.MINUTE * times.MINUTE
