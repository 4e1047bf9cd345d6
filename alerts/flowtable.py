"""Closed flows as an Arrow table: what a file of the flow archive holds.

Addresses stand as text for people and as 16 bytes for prefixes; times are UTC timestamps in ns; the
statistics are those of `citywall.batches.CLOSED`, under the same names.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from alerts.kernels import LONGEST, address_texts
from citywall.batches import CLOSED, END, END_REASONS, PROTOCOL_NAMES

PROTOCOLS = [PROTOCOL_NAMES.get(n, str(n)) for n in range(256)]
_PLAIN = (
    "flow_id", "src_port", "dst_port", "version", "vlan", "domain",
    "src_packets", "dst_packets", "src_bytes", "dst_bytes", "src_payload", "dst_payload",
    "first_flags", "src_flags", "dst_flags", "icmp_type", "icmp_code",
    "src_head", "dst_head", "offset", "frame",
)  # fmt: skip
#: Statistics columns, in order.
STATISTICS = tuple(name for name in CLOSED.names or () if name != "flow_id")


def table(reports: NDArray[Any], closed: NDArray[Any], community_ids: Sequence[str]) -> pa.Table:
    """The END rows of `reports` (FLOW) as a table, a row a flow, in order.

    `closed` (CLOSED) and `community_ids` align with the END rows. Raises ValueError where they do not:
    a fault of the program.
    """
    ends = reports[reports["kind"] == END]
    if len(closed) != len(ends) or len(community_ids) != len(ends):
        raise ValueError(
            f"{len(ends)} flows ended, {len(closed)} statistics, {len(community_ids)} community ids"
        )
    if not np.array_equal(ends["flow_id"], closed["flow_id"]):
        raise ValueError("statistics do not belong to the flows that ended")
    columns: dict[str, Any] = {
        "first": _times(ends["first"]),
        "last": _times(ends["last"]),
        "src": _texts(ends["src_hi"], ends["src_lo"]),
        "dst": _texts(ends["dst_hi"], ends["dst_lo"]),
        "src_address": _keys(ends["src_hi"], ends["src_lo"]),
        "dst_address": _keys(ends["dst_hi"], ends["dst_lo"]),
        "proto": _named(ends["proto"], PROTOCOLS),
        "reason": _named(ends["reason"], list(END_REASONS)),
        "community_id": pa.array(community_ids, pa.string()),
    }
    for name in _PLAIN:
        columns[name] = pa.array(np.ascontiguousarray(ends[name]))
    for name in STATISTICS:
        columns[name] = pa.array(np.ascontiguousarray(closed[name]))
    return pa.table(columns)


def _times(values: NDArray[Any]) -> Any:
    return pa.array(np.ascontiguousarray(values)).cast(pa.timestamp("ns", tz="UTC"))


def _texts(hi: NDArray[Any], lo: NDArray[Any]) -> Any:
    rows = len(hi)
    out = np.empty(rows * LONGEST, np.uint8)
    offsets = np.empty(rows + 1, np.int32)
    address_texts(np.ascontiguousarray(hi), np.ascontiguousarray(lo), out, offsets)
    data = out[: offsets[-1]].copy()
    return pa.StringArray.from_buffers(rows, pa.py_buffer(offsets), pa.py_buffer(data))


def _keys(hi: NDArray[Any], lo: NDArray[Any]) -> Any:
    words = np.empty((len(hi), 2), ">u8")
    words[:, 0] = hi
    words[:, 1] = lo
    return pa.FixedSizeBinaryArray.from_buffers(pa.binary(16), len(hi), [None, pa.py_buffer(words)])


def _named(codes: NDArray[Any], names: list[str]) -> Any:
    return pa.DictionaryArray.from_arrays(pa.array(codes.astype(np.int16)), pa.array(names))
