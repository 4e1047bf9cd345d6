"""Which hosts spoke in a span of time, and on which services, from the archive of closed flows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from alerts import flowread
from alerts.flowfilter import column

_NEEDED = ["first", "last", "src", "dst", "domain", "proto", "dst_port", "dst_packets", "dst_payload"]
Host = tuple[int, str]  # number of the network domain, address


class Spoken:
    """Who spoke. `hosts`: sent packets; `services`: flows in which a host sent data from a TCP port, by both.

    A refused connection is an answer of the host, but no service.
    """

    def __init__(self) -> None:
        self.flows = 0
        self.files = 0
        self.hosts: set[Host] = set()
        self.services: Counter[tuple[Host, int]] = Counter()


def spoken(paths: Iterable[Path], ports: Iterable[int], since: int, until: int) -> Spoken:
    """What the files at `paths` say of flows alive in `[since, until)` (ns); `ports` are TCP ports.

    Holds one row group's columns and every host once. Raises StoreError on a damaged file; one that has just
    been removed is left out.
    """
    found, asked = Spoken(), pa.array(sorted(ports), pa.uint16())
    for path in paths:
        with flowread.reading(path) as parquet:
            if parquet is None or flowread.newest_in(parquet) < since:
                continue
            before = found.flows
            for group in range(parquet.metadata.num_row_groups):
                rows = parquet.read_row_group(group, columns=_NEEDED)
                rows = rows.filter(pa.array(flowread.spanning(rows, since, until)))
                _add(found, rows, asked)
            found.files += found.flows > before
    return found


def _add(found: Spoken, rows: pa.Table, asked: pa.Array) -> None:
    found.flows += len(rows)
    answered = rows.filter(pa.array(np.asarray(column(rows, "dst_packets") > 0)))
    for table, side in ((rows, "src"), (answered, "dst")):
        found.hosts.update(_distinct(table.select(["domain", side])))
    proto, port = answered.column("proto").cast(pa.string()), answered.column("dst_port")
    served = pc.and_(pc.equal(proto, "tcp"), pc.greater(answered.column("dst_payload"), 0))
    services = answered.filter(pc.and_(served, pc.is_in(port, value_set=asked)))
    columns = (services.column(name).to_pylist() for name in ("domain", "dst", "dst_port"))
    found.services.update(((domain, host), port) for domain, host, port in zip(*columns, strict=True))


def _distinct(pairs: pa.Table) -> list[Host]:
    distinct = pairs.group_by(pairs.column_names).aggregate([])
    domains, hosts = (distinct.column(name).to_pylist() for name in pairs.column_names)
    return list(zip(domains, hosts, strict=True))
