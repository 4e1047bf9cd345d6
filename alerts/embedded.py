"""The embedded alert store: SQLite files in the data folder, one a lane and day of receipt.

`<folder>/<lane>/<day>.sqlite`. Retention deletes files; a query asks the files one by one and merges
what they say (ATTACH would stop at ten). Write-ahead logging lets others read while one process writes;
that there is one writer is seen to by the lock on the data folder.
"""

from __future__ import annotations

import heapq
import re
import sqlite3
import threading
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import msgspec

from alerts import times
from alerts.dayfile import SCHEMA, DayFile, Row
from alerts.query import Query
from alerts.sqlfilter import Filter, compiled
from alerts.store import (
    By,
    Document,
    MinuteCount,
    Page,
    Part,
    StoreStatus,
    day_of_receipt,
    lanes_of,
)
from alerts.workfile import WorkFile
from alerts.workflow import Step, Versioned, Workflow
from citywall.errors import StoreError

#: Connections a writer keeps open.
_KEPT = 8
_PAGE = 500
_NAME = re.compile(r"\d{4}-\d\d-\d\d\.sqlite")
_CURSOR = re.compile(r"(-?\d{1,19})_([0-9a-f]{1,64})")


class EmbeddedStore:
    """Alert store in `folder`; see :class:`alerts.store.AlertStore` for what each method promises."""

    def __init__(self, folder: Path, *, read_only: bool = False) -> None:
        self.folder = folder
        self.read_only = read_only
        self._lock = threading.Lock()
        self._kept: OrderedDict[Path, DayFile] = OrderedDict()
        self._work = WorkFile(folder)

    def upsert(self, documents: Sequence[Document]) -> None:
        """One transaction a file, so all of a batch or nothing where it was received on one day."""
        self._writable()
        by_file: dict[tuple[str, str], list[Document]] = {}
        for document in documents:
            by_file.setdefault(day_of_receipt(document), []).append(document)
        with self._lock:
            for (lane, day), batch in by_file.items():
                self._writer(self.folder / lane / f"{day}.sqlite").upsert(batch)

    def get(self, alert_id: str) -> Document | None:
        """Looks into every file, newest first."""
        for path in reversed(self._files(None)):
            with self._reading(path) as file:
                found = None if file is None else file.get(alert_id)
            if found is not None:
                return _decoded(found)
        return None

    def search(
        self,
        query: Query | None = None,
        *,
        since: int | None = None,
        until: int | None = None,
        limit: int = 100,
        after: str | None = None,
        lane: str | None = None,
    ) -> Page:
        """Reads at most `limit` documents of each file."""
        if limit < 1:
            raise StoreError(f"a page needs at least one document, not {limit}")
        where, accepts = _condition(query, since, until)
        if after is not None:
            where = _and(where, _after(after))
        best: list[Row] = []
        for path in self._files(lane):
            with self._reading(path) as file:
                if file is None:
                    continue
                bound = where
                if len(best) > limit:
                    bound = _and(where, Filter("(time, id) > (?, ?)", best[-1][:2], exact=True))
                best = heapq.nlargest(limit + 1, [*best, *file.rows(bound, accepts, limit + 1)])
        more = len(best) > limit
        best = best[:limit]
        return Page([_decoded(r[2]) for r in best], f"{best[-1][0]}_{best[-1][1]}" if more else None)

    def scan(
        self,
        query: Query | None = None,
        *,
        since: int | None = None,
        until: int | None = None,
        lane: str | None = None,
    ) -> Iterator[Document]:
        """Page after page."""
        after: str | None = None
        while True:
            page = self.search(query, since=since, until=until, limit=_PAGE, after=after, lane=lane)
            yield from page.documents
            if page.after is None:
                return
            after = page.after

    def count(
        self,
        query: Query | None = None,
        *,
        since: int | None = None,
        until: int | None = None,
        lane: str | None = None,
    ) -> int:
        """Counted by columns where they can answer the query, else by reading documents."""
        where, accepts = _condition(query, since, until)
        total = 0
        for path in self._files(lane):
            with self._reading(path) as file:
                if file is None:
                    continue
                total += file.count(where) if accepts is None else sum(map(accepts, file.documents(where)))
        return total

    def tally(
        self,
        by: By,
        *,
        since: int | None = None,
        until: int | None = None,
        lane: str | None = None,
    ) -> dict[str, int]:
        """Counted by one of the columns."""
        if by not in ("severity", "detector", "kind", "session"):
            raise StoreError(f"alerts are not counted by {by!r}")
        where, _ = _condition(None, since, until)
        counts: Counter[str] = Counter()
        for path in self._files(lane):
            with self._reading(path) as file:
                if file is not None:
                    counts.update(file.tally(by, where))
        return dict(sorted(counts.items(), key=lambda kv: (-kv[1], kv[0])))

    def minutes(self, since: int, until: int, *, lane: str | None = None) -> list[MinuteCount]:
        """Reads the counts kept ready; `since` is taken down to its minute."""
        counts: Counter[tuple[int, int]] = Counter()
        for path in self._files(lane):
            with self._reading(path) as file:
                if file is not None:
                    for minute, severity, count in file.minutes(since // times.MINUTE * times.MINUTE, until):
                        counts[minute, severity] += count
        return [MinuteCount(minute, severity, n) for (minute, severity), n in sorted(counts.items())]

    def delete_session(self, session: str, *, lane: str | None = None) -> int:
        """From every file that holds any of it."""
        self._writable()
        with self._lock:
            return sum(self._writer(path).delete_session(session) for path in self._files(lane))

    def retain(self, days: int, now: int) -> list[str]:
        """Deletes the files of days before; returns their paths, oldest first."""
        self._writable()
        oldest = times.day_of(now - days * times.DAY)
        gone = [p for p in self._files(None) if p.stem < oldest]
        self._work.forget_before(oldest)
        with self._lock:
            for path in gone:
                if (file := self._kept.pop(path, None)) is not None:
                    file.close()
                _delete(path)
        return [str(p) for p in gone]

    def workflow(self, alert_id: str) -> Versioned:
        """From the file beside the days."""
        return self._work.get(alert_id)

    def change(self, alert_id: str, step: Step, version: str) -> Versioned:
        """In one transaction."""
        self._writable()
        document = self.get(alert_id)
        if document is None:
            raise StoreError(f"there is no alert {alert_id}")
        lane, day = day_of_receipt(document)
        return self._work.change(alert_id, step, version, Workflow(lane=lane, received=day))

    def workflows(self) -> Iterator[tuple[str, Workflow]]:
        """From the file beside the days."""
        return self._work.everything()

    def adopt_workflows(self, items: Iterable[tuple[str, Workflow]]) -> list[str]:
        """In one transaction."""
        self._writable()
        return self._work.adopt(items)

    def status(self) -> StoreStatus:
        """Read from the files; a file just begun has no layout yet."""
        parts = []
        for path in self._files(None):
            with self._reading(path) as file:
                documents = 0 if file is None else file.count(Filter("1", (), exact=True))
                size = 0 if file is None else file.size()
            parts.append(Part(str(path), path.parent.name, path.stem, documents, size, SCHEMA))
        return StoreStatus(
            "sqlite", str(self.folder), "green", sqlite3.sqlite_version, SCHEMA, self.folder.is_dir(),
            tuple(parts), self._work.count(),
        )  # fmt: skip

    def prepare(self) -> None:
        """Make the folder."""
        self._writable()
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as e:
            raise StoreError(f"{self.folder}: {e.strerror}") from e

    def migrate(self) -> list[str]:
        """There is one layout so far; a file of another is refused when it is opened."""
        self._writable()
        for path in self._files(None):
            with self._reading(path):
                pass
        return []

    def close(self) -> None:
        """Close every file."""
        with self._lock:
            while self._kept:
                self._kept.popitem()[1].close()

    def _files(self, lane: str | None) -> list[Path]:
        """Files of a lane or of all, oldest day first."""
        found: list[Path] = []
        for name in lanes_of(lane):
            folder = self.folder / name
            try:
                found += [p for p in folder.iterdir() if _NAME.fullmatch(p.name)]
            except FileNotFoundError:
                continue
            except OSError as e:
                raise StoreError(f"{folder}: {e.strerror}") from e
        return sorted(found, key=lambda p: (p.stem, str(p)))

    def _writer(self, path: Path) -> DayFile:
        if path not in self._kept:
            try:
                path.parent.mkdir(parents=True, exist_ok=True)
            except OSError as e:
                raise StoreError(f"{path.parent}: {e.strerror}") from e
            self._kept[path] = DayFile(path, read_only=False)
            if len(self._kept) > _KEPT:
                self._kept.popitem(last=False)[1].close()
        self._kept.move_to_end(path)
        return self._kept[path]

    @contextmanager
    def _reading(self, path: Path) -> Iterator[DayFile | None]:
        """A connection of its own for each question; None for a file that is gone or just begun."""
        if not path.exists():
            yield None
            return
        try:
            file = DayFile(path, read_only=True)
        except StoreError:
            if path.exists():
                raise
            yield None  # retention was quicker
            return
        try:
            yield None if file.empty else file
        finally:
            file.close()

    def _writable(self) -> None:
        if self.read_only:
            raise StoreError(f"{self.folder}: was opened for reading only")


def _condition(
    query: Query | None, since: int | None, until: int | None
) -> tuple[Filter, Callable[[bytes], bool] | None]:
    where = Filter("1", (), exact=True) if query is None else compiled(query.node)
    accepts = None
    if query is not None and not where.exact:
        asked = query

        def accepts(doc: bytes) -> bool:
            return asked.matches(_decoded(doc))

    if since is not None:
        where = _and(where, Filter("last >= ?", (times.bounded(since),), exact=True))
    if until is not None:
        where = _and(where, Filter("time < ?", (times.bounded(until),), exact=True))
    return where, accepts


def _after(cursor: str) -> Filter:
    form = _CURSOR.fullmatch(cursor)
    if form is None:
        raise StoreError(f"{cursor!r} does not come from an earlier page")
    return Filter("(time, id) < (?, ?)", (times.bounded(int(form.group(1))), form.group(2)), exact=True)


def _and(one: Filter, other: Filter) -> Filter:
    return Filter(
        f"({one.sql}) AND {other.sql}", (*one.parameters, *other.parameters), one.exact and other.exact
    )


def _decoded(doc: bytes) -> Document:
    document: Document = msgspec.json.decode(doc)
    return document


def _delete(path: Path) -> None:
    # The file goes first: a log without its file is nothing, a file without its log may be old.
    for name in (path, Path(f"{path}-wal"), Path(f"{path}-shm")):
        try:
            name.unlink(missing_ok=True)
        except OSError as e:
            raise StoreError(f"{name}: {e.strerror}") from e
