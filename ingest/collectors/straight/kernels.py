"""The quick way to read a record: each field is eight bytes shifted into place, and no field is asked about.

`Layouts` sorts the operations of a straight layout by kind: numbers, addresses of IPv4, addresses of IPv6,
milliseconds. The result is that of `ingest.collectors.kernels`' way of reading fields one by one.
"""

from __future__ import annotations

import numpy as np

from citywall.kernels import U8, internal, load_be32, load_be64

#: Bytes behind a record that must be there to read: a field's eight bytes may reach beyond it.
BEHIND = 8

_V4_MAPPED = U8(0xFFFF_0000_0000)
_MS = U8(1_000_000)
_MOST_MS = U8(1 << 43)


@internal
def milliseconds(word):
    """As nanoseconds; 0 where that is beyond any time."""
    return word * _MS if word < _MOST_MS else U8(0)


@internal
def fill(buffer, at, layout, ops, row):
    """Read the record at `at`, behind which BEHIND bytes lie, into the columns that its layout has."""
    stop = np.int64(layout["numbers"])
    for k in range(np.int64(layout["first"]), stop):
        op = ops[k]
        row[op["column"]] = U8(load_be64(buffer, at + op["at"])) >> U8(op["shift"])
    first, stop = stop, np.int64(layout["fours"])
    for k in range(first, stop):
        op = ops[k]
        row[op["column"]] = U8(0)
        row[op["column"] + 1] = _V4_MAPPED | U8(load_be32(buffer, at + op["at"]))
    first, stop = stop, np.int64(layout["sixes"])
    for k in range(first, stop):
        op = ops[k]
        row[op["column"]] = U8(load_be64(buffer, at + op["at"]))
        row[op["column"] + 1] = U8(load_be64(buffer, at + op["at"] + 8))
    first, stop = stop, np.int64(layout["stop"])
    for k in range(first, stop):
        op = ops[k]
        word = U8(load_be64(buffer, at + op["at"])) >> U8(op["shift"])
        row[op["column"]] = milliseconds(word)
