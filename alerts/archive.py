"""The archive of closed flows: Parquet files (:mod:`alerts.parts`), queried where they lie."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from alerts import flowread
from alerts.flowfilter import Mask, mask
from alerts.parts import Parts, Search
from alerts.query import Query
from citywall.batches import END
from citywall.rows import take
from citywall.sessions import Session

#: Rows of a row group: what a query holds in memory of a file at a time, and the writer beside its input.
GROUP_ROWS = 16_384
#: Columns whose values repeat so much that Zstandard halves what LZ4 leaves, at little cost.
_REPEATING = frozenset({
    "first", "last", "proto", "reason", "src_port", "dst_port", "version", "vlan", "domain",
    "src_packets", "dst_packets", "src_bytes", "dst_bytes", "src_payload", "dst_payload",
    "first_flags", "src_flags", "dst_flags", "icmp_type", "icmp_code", "sampling",
})  # fmt: skip
#: Columns that LZ4 makes smaller by less than a quarter, if at all: not worth its time.
_DENSE = frozenset({
    "flow_id", "community_id", "both_size_std", "src_first", "src_last", "dst_first", "dst_last",
    "both_gap_mean", "both_gap_std", "src_gap_mean", "src_gap_std", "dst_gap_mean", "dst_gap_std",
})  # fmt: skip
# Arrow's own allocator gives the memory of every file back and has the next one's cleared anew, which costs
# a third of writing it; the C library's keeps it. (Parquet's writers go by `ARROW_DEFAULT_MEMORY_POOL`.)
pa.set_memory_pool(pa.system_memory_pool())


@dataclass(frozen=True)
class FlowPage:
    """Flows, newest last packet first, and the cursor of the page after; None where there is none."""

    flows: list[flowread.Row]
    after: str | None


class FlowArchive(Parts):
    """Closed flows under `data`."""

    added = (pa.field("sampling", pa.uint32(), nullable=False),)

    def __init__(self, data: Path, *, read_only: bool = False) -> None:
        super().__init__(data / "flows", read_only=read_only)

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
        ended = reports["kind"] == END
        ends = reports if ended.all() else take(reports, ended)
        if len(closed) != len(ends) or len(community_ids) != len(ends):
            raise ValueError(
                f"{len(ends)} flows ended, {len(closed)} statistics, {len(community_ids)} community ids"
            )
        if len(ends) == 0:
            self._path(session, sequence).unlink(missing_ok=True)
            return 0
        facts = {"session": session.id, "path": session.path, "received_at": str(session.received_at)}
        self.put(session, sequence, lambda out: _write_groups(out, ends, closed, community_ids, facts))
        return len(closed)

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

        def keep(rows: pa.Table, constants: flowread.Constants) -> Mask:
            found = flowread.spanning(rows, since, until)
            return found if where is None else found & mask(where.node, rows, constants)

        def columns(name: str) -> bool:
            return statistics or flowread.plain(name)

        page, then = self.search(Search(since, until, limit, after, lane), keep, columns)
        return FlowPage([] if page is None else flowread.as_rows(page), then)


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
