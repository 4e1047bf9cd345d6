"""The archive of closed flows: Parquet files in the data folder, queried where they lie.

`<data>/flows/<lane>/<day>/<hour>/<session>-<sequence>.parquet`, by when the session was received. The
name comes from session and sequence, so writing a part again replaces it, and after a crash what was
written past the checkpoint is taken back with :meth:`FlowArchive.truncate`. A file appears whole or not
at all. Retention and the disk budget delete files, oldest first.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from alerts import flowread, times
from alerts.flowfilter import mask
from alerts.query import Query
from citywall.batches import END
from citywall.errors import StoreError
from citywall.rows import take
from citywall.sessions import Session

#: Rows of a row group: what a query holds in memory of a file at a time, and the writer beside its input.
GROUP_ROWS = 16_384
#: Columns whose values repeat so much that Zstandard halves what LZ4 leaves, at little cost.
_REPEATING = frozenset({
    "first", "last", "proto", "reason", "src_port", "dst_port", "version", "vlan", "domain",
    "src_packets", "dst_packets", "src_bytes", "dst_bytes", "src_payload", "dst_payload",
    "first_flags", "src_flags", "dst_flags", "icmp_type", "icmp_code",
})  # fmt: skip
#: Columns that LZ4 makes smaller by less than a quarter, if at all: not worth its time.
_DENSE = frozenset({
    "flow_id", "community_id", "both_size_std", "src_first", "src_last", "dst_first", "dst_last",
    "both_gap_mean", "both_gap_std", "src_gap_mean", "src_gap_std", "dst_gap_mean", "dst_gap_std",
})  # fmt: skip
# Arrow's own allocator gives the memory of every file back and has the next one's cleared anew, which costs
# a third of writing it; the C library's keeps it.
pa.set_memory_pool(pa.system_memory_pool())

_NAME = re.compile(r"([0-9a-zA-Z_]+)-(\d{12})\.parquet")
_CURSOR = re.compile(r"(-?\d{1,19})_([0-9a-f]{16})_([0-9a-zA-Z_]+)")


@dataclass(frozen=True)
class FlowPage:
    """Flows, newest last packet first, and the cursor of the page after; None where there is none."""

    flows: list[flowread.Row]
    after: str | None


@dataclass(frozen=True)
class _File:
    path: Path
    lane: str
    session: str
    sequence: int
    hour: str  # 2024-05-01/13


class FlowArchive:
    """Closed flows under `data`. One process writes, others may read meanwhile."""

    def __init__(self, data: Path, *, read_only: bool = False) -> None:
        self.folder = data / "flows"
        self.read_only = read_only

    def write(
        self,
        reports: NDArray[Any],
        closed: NDArray[Any],
        community_ids: NDArray[np.bytes_],
        session: Session,
        sequence: int,
    ) -> int:
        """Keep the END rows of `reports` (FLOW), with `closed` (CLOSED) and Community IDs aligned to them.

        `sequence` numbers the parts of a session, growing; the same part always goes to the same file.
        Returns the number of flows; none writes no file. On return they are on disk. Raises StoreError, and
        ValueError where the three do not belong together: a fault of the program.
        """
        self._writable()
        path = self._path(session, sequence)
        ended = reports["kind"] == END
        ends = reports if ended.all() else take(reports, ended)
        if len(closed) != len(ends) or len(community_ids) != len(ends):
            raise ValueError(
                f"{len(ends)} flows ended, {len(closed)} statistics, {len(community_ids)} community ids"
            )
        if len(ends) == 0:
            path.unlink(missing_ok=True)
            return 0
        facts = {"session": session.id, "path": session.path, "received_at": str(session.received_at)}
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            unfinished = path.with_suffix(".tmp")
            with unfinished.open("wb") as out:
                _write_groups(out, ends, closed, community_ids, facts)
                out.flush()
                os.fsync(out.fileno())
            unfinished.replace(path)
            _sync_folder(path.parent)
        except (OSError, pa.ArrowException) as e:
            raise StoreError(f"{path}: {e}") from e
        return len(closed)

    def truncate(self, session: str, sequence: int) -> int:
        """Take back parts of a session numbered `sequence` or more; returns how many files went."""
        self._writable()
        gone = [f for f in self._files(None) if f.session == session and f.sequence >= sequence]
        self._delete(gone)
        return len(gone)

    def delete_session(self, session: str) -> int:
        """Remove a session, before it is run again from the start."""
        return self.truncate(session, 0)

    def query(
        self,
        where: Query | None = None,
        *,
        since: int | None = None,
        until: int | None = None,
        limit: int = 1000,
        after: str | None = None,
        lane: str | None = None,
        statistics: bool = False,
    ) -> FlowPage:
        """Flows that `where` (parsed with `query.FLOWS`) finds, newest first, a page at a time.

        `since` and `until` (ns, event time) bound the flows that were alive between them. Holds `limit`
        rows and one row group in memory. `statistics` adds the statistics of both directions.
        """
        if limit < 1:
            raise StoreError(f"a page needs at least one flow, not {limit}")
        place = None if after is None else _place(after)
        window = flowread.Window(limit + 1)

        def wanted(newest: int) -> bool:
            return (since is None or newest >= since) and not window.closed_to(newest)

        for newest, file in self._newest_first(lane):
            if not wanted(newest):
                break
            with flowread.reading(file.path) as parquet:
                if parquet is None:
                    continue
                for rows, constants in flowread.groups(
                    parquet, file.lane, statistics=statistics, wanted=wanted
                ):
                    keep = flowread.spanning(rows, since, until)
                    if where is not None:
                        keep &= mask(where.node, rows, constants)
                    if place is not None:
                        keep &= flowread.beyond(rows, place, file.session)
                    window.add(flowread.with_constants(rows.filter(pa.array(keep)), constants))
        if window.rows is None:
            return FlowPage([], None)
        flows = flowread.as_rows(window.rows.slice(0, limit))
        more = len(window.rows) > limit
        return FlowPage(flows, _cursor(flowread.place_of(flows[-1])) if more else None)

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

    def _files(self, lane: str | None) -> list[_File]:
        """Files of a lane or of all, oldest received first."""
        found = []
        for path in self.folder.glob(f"{lane or '*'}/*/*/*.parquet"):
            if form := _NAME.fullmatch(path.name):
                hour = f"{path.parent.parent.name}/{path.parent.name}"
                found.append(_File(path, path.parents[2].name, form.group(1), int(form.group(2)), hour))
        return sorted(found, key=lambda f: (f.hour, f.lane, f.session, f.sequence))

    def _newest_first(self, lane: str | None) -> list[tuple[int, _File]]:
        found = []
        for file in self._files(lane):
            with flowread.reading(file.path) as parquet:
                if parquet is not None:
                    found.append((flowread.newest_in(parquet), file))
        return sorted(found, key=lambda pair: (-pair[0], str(pair[1].path)))

    def _delete(self, files: Sequence[_File]) -> None:
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


def _write_groups(
    out: BinaryIO,
    ends: NDArray[Any],
    closed: NDArray[Any],
    community_ids: NDArray[np.bytes_],
    facts: dict[str, str],
) -> None:
    """Write a file a row group at a time, so that only one stands in memory as columns."""
    from alerts.flowtable import table  # compiles a kernel, which readers need not wait for

    slices = [slice(start, start + GROUP_ROWS) for start in range(0, len(ends), GROUP_ROWS)]
    columns = (table(ends[s], closed[s], community_ids[s]) for s in slices)
    first = next(columns).replace_schema_metadata(facts)
    # Without dictionaries, which few of the columns repay: half the time, and a tenth smaller.
    packed = {name: "zstd" if name in _REPEATING else "lz4" for name in first.column_names}
    packed |= dict.fromkeys(_DENSE, "none")
    with pq.ParquetWriter(
        out, first.schema, compression=packed, use_dictionary=False, write_statistics=["first", "last"]
    ) as writer:
        writer.write_table(first)
        for rows in columns:
            writer.write_table(rows.replace_schema_metadata(facts))


def _place(cursor: str) -> flowread.Place:
    form = _CURSOR.fullmatch(cursor)
    if form is None:
        raise StoreError(f"{cursor!r} does not come from an earlier page")
    return int(form.group(1)), int(form.group(2), 16), form.group(3)


def _cursor(place: flowread.Place) -> str:
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
