"""The watched folder: which files are new, and which were taken in already.

`<data>/inbox.sqlite`. A file is taken in when it has not changed for a while, the one changed last coming
last; its content counts, so that a copy or a new name is no new file. One that was under way when the process
ended is told of first. What is no longer in the folder is forgotten a while after.

Live sessions that have not ended are noted here too: who starts again must end them.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from citywall.sqlitefile import SqliteFile
from stream.folders import Look, Settling
from stream.folders import look as looks

NAME = "inbox.sqlite"
SCHEMA = 1
_TABLES = (
    """CREATE TABLE files (path TEXT PRIMARY KEY, size INTEGER NOT NULL, changed INTEGER NOT NULL,
    digest TEXT NOT NULL, state TEXT NOT NULL, reason TEXT NOT NULL, at INTEGER NOT NULL) WITHOUT ROWID""",
    "CREATE INDEX by_digest ON files (digest)",
    "CREATE TABLE live (session TEXT PRIMARY KEY, path TEXT NOT NULL, at INTEGER NOT NULL) WITHOUT ROWID",
)
State = Literal["taking", "done", "same", "refused"]


class Inbox:
    """New files of `folder`, remembered in the data folder. One thread at a time."""

    def __init__(self, data: Path, folder: Path | None, settle_s: float) -> None:
        self.folder = folder
        self.waiting = 0  # files there that were not taken in yet, as last seen
        self._settling = Settling(settle_s)
        self._file = SqliteFile(data / NAME, SCHEMA, _TABLES)
        self._known: dict[str, tuple[int, int]] = {}  # size and time by path, of what is not to be taken
        self._under_way: list[str] = []
        with self._file.reading() as connection:
            for path, size, changed, state in (
                connection.execute("SELECT path, size, changed, state FROM files") if connection else ()
            ):
                if state == "taking":
                    self._under_way.append(path)
                else:
                    self._known[path] = (size, changed)

    def next(self) -> Look | None:
        """The next file to take in; None where there is none now."""
        found = {str(look.path): look for look in self._look()}
        new = [look for path, look in found.items() if self._known.get(path) != (look.size, look.changed)]
        self.waiting = len(new)
        for path in list(self._under_way):
            self._under_way.remove(path)
            if path in found:
                return found[path]
        return min(self._settling.whole(new), key=lambda look: (look.changed, str(look.path)), default=None)

    def _look(self) -> Iterator[Look]:
        if self.folder is None:
            return
        try:
            yield from looks(self.folder)
        except OSError:  # it may come (back)
            return

    def taken_before(self, digest: str) -> bool:
        """Whether a file of this content was taken in, or refused."""
        with self._file.reading() as connection:
            return bool(
                connection
                and connection.execute(
                    "SELECT 1 FROM files WHERE digest = ? AND state IN ('done', 'refused') LIMIT 1", (digest,)
                ).fetchone()
            )

    def note(self, look: Look, digest: str, state: State, reason: str = "") -> None:
        """Say what becomes of a file; on disk when this returns."""
        path = str(look.path)
        with self._file.writing() as connection:
            connection.execute(
                "INSERT OR REPLACE INTO files (path, size, changed, digest, state, reason, at)"
                " VALUES (?, ?, ?, ?, ?, ?, ?)",
                (path, look.size, look.changed, digest, state, reason, time.time_ns()),
            )
        if state != "taking":
            self._known[path] = (look.size, look.changed)

    def retain(self, before: int) -> None:
        """Forget files that are gone from the folder and were noted before a time (ns)."""
        here = {str(look.path) for look in self._look()}
        with self._file.writing() as connection:
            rows = connection.execute("SELECT path FROM files WHERE at < ?", (before,)).fetchall()
            gone = [path for (path,) in rows if path not in here]
            connection.executemany("DELETE FROM files WHERE path = ?", [(path,) for path in gone])
        for path in gone:
            self._known.pop(path, None)

    def counts(self) -> dict[str, int]:
        """Files by what became of them."""
        with self._file.reading() as connection:
            if connection is None:
                return {}
            return dict(connection.execute("SELECT state, count(*) FROM files GROUP BY state ORDER BY state"))

    def began(self, session: str, path: str) -> None:
        """A live session begins; on disk when this returns."""
        with self._file.writing() as connection:
            connection.execute(
                "INSERT OR REPLACE INTO live (session, path, at) VALUES (?, ?, ?)",
                (session, path, time.time_ns()),
            )

    def ended(self, session: str) -> None:
        """A live session is over, and everything of it was worked."""
        with self._file.writing() as connection:
            connection.execute("DELETE FROM live WHERE session = ?", (session,))

    def left(self) -> list[tuple[str, str]]:
        """Live sessions that did not end, and their paths, oldest first."""
        with self._file.reading() as connection:
            if connection is None:
                return []
            return list(connection.execute("SELECT session, path FROM live ORDER BY at, session"))
