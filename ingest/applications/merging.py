"""Rows of parsers in Python and of those in kernels, put together in order of flow and transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from citywall.rows import join, take
from ingest.applications.compiled.telling import kernels
from ingest.applications.tables import BUFFER, NUMBER, TRANSACTION, UNIT, Tables

if TYPE_CHECKING:
    from ingest.applications.compiled.reading import Told
    from ingest.applications.parser import Transaction
    from ingest.reassembly.numbers import Index

Rows = NDArray[np.void]
Numbers = NDArray[np.int64]
Units = list[tuple[int, int, int, int, bytes, int]]  # flow, kind, direction, frame, bytes, start

# What a transaction, its buffers and its numbers give, in this order.
_TOLD = (
    "number", "protocol", "complete", "over", "request_frame", "response_frame", "first_frame", "time",
)  # fmt: skip
_PUT = ("kind", "direction", "part", "frame")
_NOTED = ("field", "direction", "part", "frame", "value")


class _Python:
    """What transactions read in Python say, as columns; `transaction` counts them as they are given."""

    def __init__(self, given: list[tuple[int, Transaction]]) -> None:
        heads: list[int] = []
        rows: list[int] = []
        notes: list[int] = []
        self.values: list[bytes] = []
        for _, each in given:
            heads += (
                each.number, each.protocol, each.complete, each.over, each.request_frame, each.response_frame,
                each.first_frame, each.time, len(each.values), len(each.notes),
            )  # fmt: skip
            rows += each.rows
            notes += each.notes
            self.values += each.values
        told = np.array(heads, np.int64).reshape(-1, len(_TOLD) + 2)
        self.flows = np.fromiter((flow for flow, _ in given), np.int64, len(given))
        self.transactions = columns(TRANSACTION, _TOLD, told)
        self.buffers = columns(BUFFER, _PUT, np.array(rows, np.int64).reshape(-1, len(_PUT)))
        self.buffers["transaction"] = np.repeat(np.arange(len(told)), told[:, -2])
        lengths = np.fromiter(map(len, self.values), np.int64, len(self.values))
        self.buffers["length"] = lengths
        self.buffers["at"] = np.cumsum(lengths) - lengths
        self.numbers = columns(NUMBER, _NOTED, np.array(notes, np.int64).reshape(-1, len(_NOTED)))
        self.numbers["transaction"] = np.repeat(np.arange(len(told)), told[:, -1] // len(_NOTED))


def fill(made: Tables, given: list[tuple[int, Transaction]], told: Told, units: Units, index: Index) -> None:
    """Transactions, buffers, numbers and units into tables, whose flows `index` knows."""
    python = _Python(given)
    flows = np.concatenate([python.flows, told.transactions["flow"]])
    transactions = np.zeros(len(flows), TRANSACTION)
    n = len(given)
    transactions[:n] = python.transactions
    for name in _TOLD:
        transactions[name][n:] = told.transactions[name]
    transactions["flow"] = index.of(flows)
    order = np.argsort(flows << 32 | transactions["number"], kind="stable")
    rank = np.empty(len(order), np.int64)
    rank[order] = np.arange(len(order))
    made.transactions = take(transactions, order)
    made.numbers, _ = _together(python.numbers, told.numbers, rank, n)
    made.buffers, here = _together(python.buffers, told.buffers, rank, n)
    at = size = int(made.buffers["length"].sum())
    rows = []
    for flow, kind, direction, frame, value, start in sorted(units, key=lambda unit: unit[3]):
        rows.append((int(index.of(np.array([flow]))[0]), kind, direction, frame, size, len(value), start))
        size += len(value)
    made.units = np.array(rows, UNIT)
    made.arena = np.empty(size, np.uint8)
    other = np.frombuffer(b"".join(python.values), np.uint8)
    kernels.gather(made.buffers, here, told.arena, other, made.arena)
    if size > at:
        joined = b"".join(unit[4] for unit in sorted(units, key=lambda unit: unit[3]))
        made.arena[at:] = np.frombuffer(joined, np.uint8)


def _together(python: Rows, told: Rows, rank: Numbers, n: int) -> tuple[Rows, NDArray[np.bool_]]:
    """Rows of both by transaction, as they stand in each; which of them are the kernels'."""
    here = np.zeros(len(python) + len(told), np.bool_)
    here[len(python) :] = True
    if not len(python) or not len(told):
        rows = told if len(told) else python
        rows["transaction"] = rank[rows["transaction"].astype(np.int64) + (n if len(told) else 0)]
        order = np.argsort(rows["transaction"], kind="stable")
        return take(rows, order), here
    places = np.concatenate(
        [rank[python["transaction"].astype(np.int64)], rank[n + told["transaction"].astype(np.int64)]]
    )
    order = np.argsort(places, kind="stable")
    rows = join([python, told], python.dtype)
    rows["transaction"] = places
    return take(rows, order), here[order]


def columns(dtype: np.dtype[Any], names: tuple[str, ...], numbers: Numbers) -> Rows:
    """Rows of numbers, one column for each name."""
    made = np.zeros(len(numbers), dtype)
    for i, name in enumerate(names):
        made[name] = numbers[:, i]
    return made
