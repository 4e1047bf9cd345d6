"""Closed flows as an Arrow table: what a file of the flow archive holds.

Addresses stand as text for people and as 16 bytes for prefixes; times are UTC timestamps in ns; the
statistics are those of `citywall.batches.CLOSED`, under the same names.

Columns are made of the memory that holds their values. `pa.array`, asked for the first one, would look for
pandas, and load it where there is one: that takes longer than writing a hundred thousand flows.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from alerts.kernels import LONGEST, address_texts
from citywall.batches import CLOSED, END_REASONS, PROTOCOL_NAMES

PROTOCOLS = [PROTOCOL_NAMES.get(n, str(n)) for n in range(256)]
_PLAIN = (
    "flow_id", "src_port", "dst_port", "version", "vlan", "domain",
    "src_packets", "dst_packets", "src_bytes", "dst_bytes", "src_payload", "dst_payload",
    "first_flags", "src_flags", "dst_flags", "icmp_type", "icmp_code",
    "src_head", "dst_head", "offset", "frame",
)  # fmt: skip
_OTHERS = ("first", "last", "src_hi", "src_lo", "dst_hi", "dst_lo", "proto", "reason", "sampling")
#: Statistics columns, in order.
STATISTICS = tuple(name for name in CLOSED.names or () if name != "flow_id")


#: Rows whose columns are gathered together: they stay in the cache from one column to the next.
_BLOCK = 2048


def table(ends: NDArray[Any], closed: NDArray[Any], community_ids: NDArray[np.bytes_]) -> pa.Table:
    """END rows (FLOW) as a table, a row a flow, in order.

    `closed` (CLOSED) and `community_ids` (texts of one length) align with them. Raises ValueError where they
    do not: a fault of the program.
    """
    if not np.array_equal(ends["flow_id"], closed["flow_id"]):
        raise ValueError("statistics do not belong to the flows that ended")
    of, statistics = _columns(ends, _OTHERS + _PLAIN), _columns(closed, STATISTICS)
    columns: dict[str, Any] = {
        "first": times(of["first"]),
        "last": times(of["last"]),
        "src": texts(of["src_hi"], of["src_lo"]),
        "dst": texts(of["dst_hi"], of["dst_lo"]),
        "src_address": keys(of["src_hi"], of["src_lo"]),
        "dst_address": keys(of["dst_hi"], of["dst_lo"]),
        "proto": named(of["proto"], PROTOCOLS),
        "reason": named(of["reason"], list(END_REASONS)),
        "community_id": of_one_length(community_ids),
    }
    columns |= {name: numbers(of[name]) for name in _PLAIN}
    columns |= {name: numbers(column) for name, column in statistics.items()}
    columns["sampling"] = numbers(of["sampling"])  # last, where readers put it to files that lack it
    arrays = list(columns.values())
    fields = [pa.field(n, a.type, nullable=False) for n, a in zip(columns, arrays, strict=True)]
    return pa.Table.from_arrays(arrays, schema=pa.schema(fields))


def _columns(rows: NDArray[Any], names: tuple[str, ...]) -> dict[str, NDArray[Any]]:
    """Fields of rows, each as an array of its own."""
    found: dict[str, NDArray[Any]] = {name: np.empty(len(rows), rows.dtype[name]) for name in names}
    for start in range(0, len(rows), _BLOCK):
        block = rows[start : start + _BLOCK]
        for name, column in found.items():
            column[start : start + _BLOCK] = block[name]
    return found


def numbers(values: NDArray[Any], kind: pa.DataType | None = None) -> Any:
    """Numbers as a column; `kind` says what else they stand for, of the same size."""
    kind = kind or pa.from_numpy_dtype(values.dtype)
    return pa.Array.from_buffers(kind, len(values), [None, pa.py_buffer(np.ascontiguousarray(values))])


def times(values: NDArray[np.int64]) -> Any:
    """Times (ns) as a column."""
    return numbers(values, pa.timestamp("ns", tz="UTC"))


def of_one_length(texts: NDArray[np.bytes_]) -> Any:
    """Texts of one length as a column."""
    offsets = np.arange(len(texts) + 1, dtype=np.int32) * np.int32(texts.itemsize)
    data = np.ascontiguousarray(texts).view(np.uint8)
    return pa.StringArray.from_buffers(len(texts), pa.py_buffer(offsets), pa.py_buffer(data))


def texts(hi: NDArray[Any], lo: NDArray[Any]) -> Any:
    """Addresses as text."""
    rows = len(hi)
    out = np.empty(rows * LONGEST, np.uint8)
    offsets = np.empty(rows + 1, np.int32)
    address_texts(hi, lo, out, offsets)
    data = out[: offsets[-1]].copy()
    return pa.StringArray.from_buffers(rows, pa.py_buffer(offsets), pa.py_buffer(data))


def keys(hi: NDArray[Any], lo: NDArray[Any]) -> Any:
    """Addresses as 16 bytes."""
    words = np.empty((len(hi), 2), ">u8")
    words[:, 0] = hi
    words[:, 1] = lo
    return pa.FixedSizeBinaryArray.from_buffers(pa.binary(16), len(hi), [None, pa.py_buffer(words)])


def named(codes: NDArray[Any], names: list[str]) -> Any:
    """Numbers as the names that stand at them."""
    offsets = np.cumsum([0, *(len(name.encode()) for name in names)], dtype=np.int32)
    data = pa.py_buffer("".join(names).encode())
    known = pa.StringArray.from_buffers(len(names), pa.py_buffer(offsets), data)
    return pa.DictionaryArray.from_arrays(numbers(codes.astype(np.int16)), known)
