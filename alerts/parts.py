"""Archives of what the stream says: Parquet files in the data folder, queried where they lie.

`<data>/<folder>/<lane>/<day>/<hour>/<session>-<sequence>.parquet`, by when the session was received. The
name comes from session and sequence, so writing a part again replaces it, and after a crash what was
written past the checkpoint is taken back with :meth:`Parts.truncate`. A file appears whole or not
at all. Retention and the disk budget delete files, oldest first.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import pyarrow as pa

from alerts import flowread, times
from alerts.flowfilter import Mask
from citywall.errors import StoreError
from citywall.sessions import Session

_NAME = re.compile(r"([0-9a-zA-Z_]+)-(\d{12})\.parquet")
_CURSOR = re.compile(r"(-?\d{1,19})_([0-9a-f]{16})_([0-9a-zA-Z_]+)")


@dataclass(frozen=True)
class File:
    """A file of an archive; its hour as `2024-05-01/13`."""

    path: Path
    lane: str
    session: str
    sequence: int
    hour: str


@dataclass(frozen=True)
class Search:
    """A page of `limit` rows from the cursor `after` on, between `since` and `until` (ns)."""

    since: int | None = None
    until: int | None = None
    limit: int = 1000
    after: str | None = None
    lane: str | None = None


class Parts:
    """The files of an archive in `folder`. One process writes, others may read meanwhile.

    Rows are in the order of the columns `order`: a time, and a number that no other row of the session has.
    The last columns may be `added`: files of earlier versions lack them, and are read as though they held 0.
    """

    order: tuple[str, str] = ("last", "flow_id")
    added: tuple[pa.Field, ...] = ()

    def __init__(self, folder: Path, *, read_only: bool = False) -> None:
        self.folder = folder
        self.read_only = read_only

    def put(self, session: Session, sequence: int, write: Callable[[BinaryIO], object]) -> None:
        """Have a part of a session written; on return it is on disk. Raises StoreError."""
        path = self._path(session, sequence)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            unfinished = path.with_suffix(".tmp")
            with unfinished.open("wb") as out:
                write(out)
                out.flush()
                os.fsync(out.fileno())
            unfinished.replace(path)
            _sync_folder(path.parent)
        except (OSError, pa.ArrowException) as e:
            raise StoreError(f"{path}: {e}") from e

    def search(
        self, what: Search, keep: Callable[[pa.Table, flowread.Constants], Mask], columns: flowread.Chosen
    ) -> tuple[pa.Table | None, str | None]:
        """The rows that `keep` says, newest first, and the cursor of the page after (None: there is none).

        Holds `limit` rows and one row group in memory.
        """
        if what.limit < 1:
            raise StoreError(f"a page needs at least one row, not {what.limit}")
        place = None if what.after is None else place_of(what.after)
        window = flowread.Window(what.limit + 1, self.order)

        def wanted(newest: int) -> bool:
            return (what.since is None or newest >= what.since) and not window.closed_to(newest)

        for newest, file in self._newest_first(what.lane):
            if not wanted(newest):
                break
            with flowread.reading(file.path) as parquet:
                if parquet is None:
                    continue
                for stored, constants in flowread.groups(
                    parquet, file.lane, columns=columns, wanted=wanted, newest=self.order[0]
                ):
                    rows = flowread.with_zeros(stored, self.added, columns)
                    found = keep(rows, constants)
                    if place is not None:
                        found &= flowread.beyond(rows, place, file.session, self.order)
                    window.add(flowread.with_constants(rows.filter(pa.array(found)), constants))
        if window.rows is None:
            return None, None
        page = window.rows.slice(0, what.limit)
        more = len(window.rows) > what.limit
        return page, cursor(flowread.last_place(page, self.order)) if more else None

    def truncate(self, session: str, sequence: int) -> int:
        """Take back parts of a session numbered `sequence` or more; returns how many files went."""
        self._writable()
        gone = [f for f in self._files(None) if f.session == session and f.sequence >= sequence]
        self._delete(gone)
        return len(gone)

    def delete_session(self, session: str) -> int:
        """Remove a session, before it is run again from the start."""
        return self.truncate(session, 0)

    def days(self, lane: str | None = None) -> dict[tuple[str, str], int]:
        """Bytes kept of each lane and day of receipt (`2024-05-01`)."""
        found: dict[tuple[str, str], int] = {}
        for file in self._files(lane):
            key = (file.lane, file.hour[:10])
            found[key] = found.get(key, 0) + _size(file.path)
        return found

    def paths(self, lane: str | None = None) -> list[Path]:
        """Its files, oldest received first."""
        return [f.path for f in self._files(lane)]

    def count_files(self) -> int:
        """Files in the archive."""
        return len(self._files(None))

    def usage(self) -> int:
        """Bytes the archive takes."""
        return sum(_size(f.path) for f in self._files(None))

    def retain(self, days: int, now: int) -> list[str]:
        """Remove what was received more than `days` days before `now` (ns); returns what went."""
        self._writable()
        oldest = times.day_of(now - days * times.DAY)
        gone = [f for f in self._files(None) if f.hour[:10] < oldest]
        self._delete(gone)
        return [str(f.path) for f in gone]

    def shrink(self, budget: int) -> list[str]:
        """Remove files, oldest received first, until at most `budget` bytes are taken."""
        self._writable()
        files = self._files(None)
        sizes = [_size(f.path) for f in files]
        surplus, gone = sum(sizes) - budget, []
        for file, size in zip(files, sizes, strict=True):
            if surplus <= 0:
                break
            gone.append(file)
            surplus -= size
        self._delete(gone)
        return [str(f.path) for f in gone]

    def clean(self) -> int:
        """Remove what a killed writer left unfinished; returns how many files. For the one writer."""
        self._writable()
        left = list(self.folder.glob("*/*/*/*.tmp"))
        for path in left:
            path.unlink(missing_ok=True)
        return len(left)

    def _path(self, session: Session, sequence: int) -> Path:
        received = times.to_iso(session.received_at)
        name = f"{session.id}-{sequence:012d}.parquet"
        if sequence < 0 or not _NAME.fullmatch(name):
            raise StoreError(f"{name!r} is no name for a part of the archive")
        return self.folder / session.lane / received[:10] / received[11:13] / name

    def _files(self, lane: str | None) -> list[File]:
        """Files of a lane or of all, oldest received first."""
        found = []
        for path in self.folder.glob(f"{lane or '*'}/*/*/*.parquet"):
            if form := _NAME.fullmatch(path.name):
                hour = f"{path.parent.parent.name}/{path.parent.name}"
                found.append(File(path, path.parents[2].name, form.group(1), int(form.group(2)), hour))
        return sorted(found, key=lambda f: (f.hour, f.lane, f.session, f.sequence))

    def _newest_first(self, lane: str | None) -> list[tuple[int, File]]:
        found = []
        for file in self._files(lane):
            with flowread.reading(file.path) as parquet:
                if parquet is not None:
                    found.append((flowread.newest_in(parquet, self.order[0]), file))
        return sorted(found, key=lambda pair: (-pair[0], str(pair[1].path)))

    def _delete(self, files: Sequence[File]) -> None:
        for file in files:
            try:
                file.path.unlink(missing_ok=True)
                for folder in (file.path.parent, file.path.parent.parent):
                    if not any(folder.iterdir()):
                        folder.rmdir()
            except OSError as e:
                raise StoreError(f"{file.path}: {e.strerror}") from e

    def _writable(self) -> None:
        if self.read_only:
            raise StoreError(f"{self.folder}: was opened for reading only")


def place_of(cursor: str) -> flowread.Place:
    """The place that a cursor names; raises StoreError where it is none."""
    form = _CURSOR.fullmatch(cursor)
    if form is None:
        raise StoreError(f"{cursor!r} does not come from an earlier page")
    return int(form.group(1)), int(form.group(2), 16), form.group(3)


def cursor(place: flowread.Place) -> str:
    """A place as text."""
    return f"{place[0]}_{place[1]:016x}_{place[2]}"


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
