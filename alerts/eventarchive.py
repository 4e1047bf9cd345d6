"""The archive of what applications said: Parquet files (:mod:`alerts.parts`), queried where they lie."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from alerts import flowread, times
from alerts.eventfilter import mask
from alerts.flowfilter import Mask, column
from alerts.parts import Parts, Search
from alerts.query import Query
from citywall.sessions import Session

#: Rows of a row group.
GROUP_ROWS = 16_384
#: Numbers that a part leaves for its rows.
PART = 1 << 20
_LEFT_OUT = frozenset({"src_address", "dst_address", "answer_address"})


@dataclass(frozen=True)
class EventPage:
    """Events, newest first, and the cursor of the page after; None where there is none."""

    events: list[flowread.Row]
    after: str | None


class EventArchive(Parts):
    """What applications said, under `data`."""

    order = ("time", "event_id")

    def __init__(self, data: Path, *, read_only: bool = False) -> None:
        super().__init__(data / "events", read_only=read_only)

    def write(
        self, events: NDArray[Any], community_ids: NDArray[np.bytes_], session: Session, sequence: int
    ) -> None:
        """Keep EVENT rows, with Community IDs aligned to them, as a part of their session.

        `sequence` numbers the parts of a session; the same part always goes to the same file. On return
        they are on disk. Raises StoreError.
        """
        self._writable()
        facts = {"session": session.id, "path": session.path, "received_at": str(session.received_at)}

        def write(out: BinaryIO) -> None:
            _write_groups(out, events, community_ids, sequence * PART, facts)

        self.put(session, sequence, write)

    def query(
        self, where: Query | None = None, *, since: int | None = None, until: int | None = None,
        limit: int = 1000, after: str | None = None, lane: str | None = None,
    ) -> EventPage:  # fmt: skip
        """Events that `where` (parsed with `eventfilter.EVENTS`) finds, newest first, a page at a time.

        `since` and `until` (ns) bound their event time. Holds `limit` rows and one row group in memory.
        """

        def keep(rows: pa.Table, constants: flowread.Constants) -> Mask:
            time = column(rows, "time")
            found = np.ones(len(rows), np.bool_)
            if since is not None:
                found &= time >= times.bounded(since)
            if until is not None:
                found &= time < times.bounded(until)
            return found if where is None else found & mask(where.node, rows, constants)

        page, then = self.search(Search(since, until, limit, after, lane), keep, lambda _: True)
        return EventPage([] if page is None else _as_rows(page), then)


def _as_rows(found: pa.Table) -> list[flowread.Row]:
    """Rows as JSON would have them."""
    moments = column(found, "time").tolist()
    rows: list[flowread.Row] = found.drop_columns([*_LEFT_OUT, "time"]).to_pylist()
    return [{"time": times.to_iso(moment), **row} for moment, row in zip(moments, rows, strict=True)]


def _write_groups(
    out: BinaryIO, events: NDArray[Any], community_ids: NDArray[np.bytes_], first: int, facts: dict[str, str]
) -> None:
    from alerts.eventtable import table  # compiles a kernel, which readers need not wait for

    make: Callable[[slice], pa.Table] = lambda s: table(events[s], first + s.start, community_ids[s])  # noqa: E731
    slices = [slice(start, start + GROUP_ROWS) for start in range(0, len(events), GROUP_ROWS)]
    head = make(slices[0]).replace_schema_metadata(facts)
    with pq.ParquetWriter(
        out, head.schema, compression="zstd", use_dictionary=False, write_statistics=["time"]
    ) as writer:
        writer.write_table(head)
        for piece in slices[1:]:
            writer.write_table(make(piece).replace_schema_metadata(facts))
