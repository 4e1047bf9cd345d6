"""Reading files of the flow archive: a row group at a time, and a window of the newest rows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from alerts import times
from alerts.flowfilter import Mask, column
from citywall.addresses import mac_to_text
from citywall.batches import CLOSED
from citywall.errors import StoreError

#: Columns that only a question for statistics reads.
STATISTICS = frozenset(CLOSED.names or ()) - {"flow_id"}
_DROPPED = ("src_address", "dst_address")
#: (last ns, flow id, session): the order of flows, and a place in it.
Place = tuple[int, int, str]
#: Columns of that time and id, in an archive.
Order = tuple[str, str]
FLOW_ORDER: Order = ("last", "flow_id")
#: What is the same for all rows of a file: session, lane, path.
Constants = Mapping[str, str]
#: Which columns are read.
Chosen = Callable[[str], bool]
Row = dict[str, Any]


class Window:
    """The newest `size` rows of those added."""

    def __init__(self, size: int, order: Order = FLOW_ORDER) -> None:
        self.size = size
        self._time = order[0]
        self._order = [(name, "descending") for name in (*order, "session")]
        self.rows: pa.Table | None = None

    def add(self, rows: pa.Table) -> None:
        """Take rows in, let older ones go."""
        if len(rows) == 0:
            return
        together = rows if self.rows is None else pa.concat_tables([self.rows, rows])
        self.rows = together.sort_by(self._order).slice(0, self.size)

    def closed_to(self, newest: int) -> bool:
        """Whether no row that ended at `newest` (ns) or before could still come in."""
        if self.rows is None or len(self.rows) < self.size:
            return False
        return newest < int(column(self.rows.slice(self.size - 1), self._time)[0])


@contextmanager
def reading(path: Path) -> Iterator[pq.ParquetFile | None]:
    """A file of the archive; None where it has just been removed. Raises StoreError on a damaged one."""
    try:
        with pq.ParquetFile(path) as file:
            yield file
    except FileNotFoundError:
        yield None
    except (OSError, pa.ArrowException) as e:
        raise StoreError(
            f"{path}: cannot be read ({e}); move it aside and run its capture again: flows come from there"
        ) from e


def newest_in(file: pq.ParquetFile, name: str = "last") -> int:
    """The latest time in a column of a file (ns)."""
    return max(_edge(file, group, name) for group in range(file.metadata.num_row_groups))


def groups(
    file: pq.ParquetFile, lane: str, *, columns: Chosen, wanted: Callable[[int], bool], newest: str = "last"
) -> Iterator[tuple[pa.Table, Constants]]:
    """Row groups whose latest `newest` is `wanted`, each with what is the same for all its rows."""
    facts = {k.decode(): v.decode() for k, v in (file.schema_arrow.metadata or {}).items()}
    constants = {"session": facts.get("session", ""), "lane": lane, "path": facts.get("path", "")}
    chosen = [name for name in file.schema_arrow.names if columns(name)]
    for group in range(file.metadata.num_row_groups):
        if wanted(_edge(file, group, newest)):
            yield file.read_row_group(group, columns=chosen), constants


def plain(name: str) -> bool:
    """The columns that are no statistics."""
    return name not in STATISTICS


def spanning(rows: pa.Table, since: int | None, until: int | None) -> Mask:
    """Rows alive in `[since, until)`."""
    keep = np.ones(len(rows), np.bool_)
    if since is not None:
        keep &= column(rows, "last") >= times.bounded(since)
    if until is not None:
        keep &= column(rows, "first") < times.bounded(until)
    return keep


def beyond(rows: pa.Table, place: Place, session: str, order: Order = FLOW_ORDER) -> Mask:
    """Rows that come after `place` in the order newest first."""
    last, ids = (column(rows, name) for name in order)
    own = np.uint64(place[1])
    same = ids <= own if session < place[2] else ids < own
    return np.asarray((last < place[0]) | ((last == place[0]) & same))


def with_constants(rows: pa.Table, constants: Mapping[str, str]) -> pa.Table:
    """The table with a column for each constant."""
    for name, text in constants.items():
        rows = rows.append_column(name, pa.array([text] * len(rows), pa.string()))
    return rows


def with_zeros(rows: pa.Table, added: Iterable[pa.Field], columns: Chosen) -> pa.Table:
    """The table with those of the `added` columns that are chosen and not there: 0 in every row."""
    for field in added:
        if columns(field.name) and field.name not in rows.column_names:
            rows = rows.append_column(field, pa.array(np.zeros(len(rows)), field.type))
    return rows


def last_place(rows: pa.Table, order: Order = FLOW_ORDER) -> Place:
    """Where the last row stands in the order."""
    end = rows.slice(len(rows) - 1)
    time, own = (int(column(end, name)[0]) for name in order)
    return time, own, end.column("session")[0].as_py()


def as_rows(found: pa.Table) -> list[Row]:
    """Rows as JSON would have them: ISO times, ids and first payload bytes in hex, sums of both sides."""
    first, last = column(found, "first").tolist(), column(found, "last").tolist()
    rows: list[Row] = found.drop_columns([*_DROPPED, "first", "last"]).to_pylist()
    return [_as_row(row, *span) for row, span in zip(rows, zip(first, last, strict=True), strict=True)]


def _as_row(row: Row, first: int, last: int) -> Row:
    for name in ("flow_id", "src_head", "dst_head"):
        row[name] = f"{row[name]:016x}"
    for name in ("src_mac", "dst_mac"):
        if name in row:
            row[name] = mac_to_text(row[name])
    return {
        "flow_id": row.pop("flow_id"),
        "first": times.to_iso(first),
        "last": times.to_iso(last),
        "duration": (last - first) / times.SECOND,
        **{name: row.pop(name) for name in ("src", "src_port", "dst", "dst_port", "proto")},
        "bytes": row["src_bytes"] + row["dst_bytes"],
        "packets": row["src_packets"] + row["dst_packets"],
        **row,
    }


def _edge(file: pq.ParquetFile, group: int, name: str) -> int:
    facts = file.metadata.row_group(group).column(file.schema_arrow.names.index(name))
    return int(facts.statistics.max_raw)
