"""A query as a mask over columns of the flow archive."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from alerts.terms import And, Anything, Net, Node, Not, Number, Or, Span, Term, Text, Words, compare
from citywall.errors import StoreError

Mask = NDArray[np.bool_]
_SUMS = {
    "bytes": ("src_bytes", "dst_bytes"),
    "packets": ("src_packets", "dst_packets"),
    "payload": ("src_payload", "dst_payload"),
}
_NUMPY = {":": np.equal, "<": np.less, "<=": np.less_equal, ">": np.greater, ">=": np.greater_equal}


#: Which rows a field of theirs lets through: field, what is asked, rows, constants.
Ask = Callable[[str, Term, pa.Table, Mapping[str, str]], Mask]


def mask(node: Node, rows: pa.Table, constants: Mapping[str, str], ask: Ask | None = None) -> Mask:
    """Which rows answer to a query parsed with `query.FLOWS`, or one whose fields `ask` knows.

    `constants` are texts that are the same for every row of a file: session, lane, path.
    """
    match node:
        case And():
            found = np.ones(len(rows), np.bool_)
            for part in node.nodes:
                found &= mask(part, rows, constants, ask)
            return found
        case Or():
            found = np.zeros(len(rows), np.bool_)
            for part in node.nodes:
                found |= mask(part, rows, constants, ask)
            return found
        case Not():
            return ~mask(node.node, rows, constants, ask)
        case Words():
            raise StoreError("flows have no text to search")
        case Term():
            found = np.zeros(len(rows), np.bool_)
            for field in node.fields:
                found |= (ask or about)(field, node, rows, constants)
            return found


def column(rows: pa.Table, name: str) -> NDArray[Any]:
    """A column of numbers or times (ns) as an array; `bytes`, `packets`, `payload` are sums."""
    if name in _SUMS:
        one, other = (column(rows, part) for part in _SUMS[name])
        return np.asarray(one + other)
    if name == "duration":
        return np.asarray((column(rows, "last") - column(rows, "first")) / 1e9)
    values = rows.column(name).combine_chunks()
    if pa.types.is_timestamp(values.type):
        values = values.cast(pa.int64())
    return np.asarray(values.to_numpy(zero_copy_only=False))


def about(field: str, term: Term, rows: pa.Table, constants: Mapping[str, str]) -> Mask:
    """Which rows a column lets through."""
    value = term.value
    if field in constants:
        hit = isinstance(value, Anything) or (isinstance(value, Text) and value.matches(constants[field]))
        return np.full(len(rows), hit)
    match value:
        case Anything():
            return np.ones(len(rows), np.bool_)
        case Number():
            return _compared(column(rows, field), term.op, value.value)
        case Span():
            return _within(column(rows, field), term.op, value)
        case Net():
            return _inside(rows.column(f"{field}_address").combine_chunks(), value)
        case Text():
            return _texts(field, value, rows)


def _compared(values: NDArray[Any], op: str, wanted: float) -> Mask:
    if isinstance(wanted, int) and values.dtype.kind in "iu":
        limits = np.iinfo(values.dtype)
        if not limits.min <= wanted <= limits.max:  # NumPy refuses to compare with what does not fit
            return np.full(len(values), compare(op, 0, wanted))
        return np.asarray(_NUMPY[op](values, values.dtype.type(wanted)))
    return np.asarray(_NUMPY[op](values.astype(np.float64), np.float64(wanted)))


def _within(times: NDArray[Any], op: str, span: Span) -> Mask:
    match op:
        case ":":
            return np.asarray(_compared(times, ">=", span.start) & _compared(times, "<", span.stop))
        case "<":
            return _compared(times, "<", span.start)
        case "<=":
            return _compared(times, "<", span.stop)
        case ">":
            return _compared(times, ">=", span.stop)
        case _:
            return _compared(times, ">=", span.start)


def _inside(keys: Any, net: Net) -> Mask:
    first = keys.offset * 16
    raw = np.frombuffer(keys.buffers()[1], np.uint8)[first : first + len(keys) * 16]
    words = raw.view(">u8").reshape(-1, 2).astype(np.uint64)
    hi, lo = words[:, 0], words[:, 1]
    low = (np.uint64(net.start >> 64), np.uint64(net.start & (1 << 64) - 1))
    high = (np.uint64(net.stop >> 64), np.uint64(net.stop & (1 << 64) - 1))
    above = (hi > low[0]) | ((hi == low[0]) & (lo >= low[1]))
    below = (hi < high[0]) | ((hi == high[0]) & (lo <= high[1]))
    return np.asarray(above & below)


def _texts(field: str, value: Text, rows: pa.Table) -> Mask:
    if field == "flow_id":
        return _flow_ids(column(rows, field), value)
    values = rows.column(field).combine_chunks()
    if pa.types.is_dictionary(values.type):
        names = np.array([value.matches(n) for n in values.dictionary.to_pylist()], np.bool_)
        return np.asarray(names[values.indices.to_numpy()])
    if not value.wild:
        import pyarrow.compute as pc  # which makes hundreds of functions: those who only write need none

        # Community ids are Base64: their case matters, and two that differ in it are two flows.
        return np.asarray(pc.equal(values, value.text).to_numpy(zero_copy_only=False))
    return np.array([value.matches(t) for t in values.to_pylist()], np.bool_)


def _flow_ids(ids: NDArray[Any], value: Text) -> Mask:
    if value.wild:
        return np.array([value.matches(f"{i:016x}") for i in ids.tolist()], np.bool_)
    try:
        wanted = int(value.text, 16)
    except ValueError:
        return np.zeros(len(ids), np.bool_)
    return _compared(ids, ":", wanted)
