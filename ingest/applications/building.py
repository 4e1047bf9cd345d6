"""Gathers what connections give into the columns of `tables`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ingest.applications.tables import (
    ANOMALIES,
    ANOMALY,
    ANOMALY_KIND,
    BUFFER,
    CHUNK,
    FLOW,
    NUMBER,
    TRANSACTION,
    UNIT,
    Tables,
)
from ingest.reassembly.layout import ESTABLISHED, ODD, SESSION

if TYPE_CHECKING:
    from ingest.applications.connection import Connection
    from ingest.applications.parser import Transaction
    from ingest.reassembly.streams import Batch, Reassembler

Rows = NDArray[np.void]
_ODD_KIND = np.array([ANOMALY_KIND.get(f"stream.{name}", len(ANOMALIES)) for name in ODD], np.uint16)
_ALIKE = (
    "a_hi", "a_lo", "b_hi", "b_lo", "first", "frame", "last_frame", "offset", "ports", "vlan", "proto",
    "version", "client", "midstream",
)  # fmt: skip

# What a transaction, its buffers and its numbers give, in this order.
_TOLD = (
    "flow", "protocol", "complete", "over", "number", "request_frame", "response_frame", "first_frame",
    "time",
)  # fmt: skip
_PUT = ("kind", "direction", "part", "frame")
_NOTED = ("field", "direction", "part", "frame", "value")

_SPOKEN = ("protocol", "protocol_frame", "final", "final_frame", "sides", "sides_frame")


class Builder:
    """Rows on their way into tables. `keep_streams`: with all flows and the pieces of their streams."""

    def __init__(self, *, keep_streams: bool) -> None:
        self._keep = keep_streams
        self._clear()

    def _clear(self) -> None:
        self._transactions: list[tuple[int, Transaction]] = []
        self._anomalies: list[
            tuple[int, int, int, int, int]
        ] = []  # kind, direction, flow, transaction, frame
        self._units: list[tuple[int, int, int, int, bytes]] = []  # flow, kind, direction, frame, bytes
        self._spoken: dict[int, tuple[object, ...]] = {}
        self._rows: dict[int, Rows] = {}
        self._ended: list[Rows] = []
        self._pieces: list[Rows] = []
        self._arenas: list[NDArray[np.uint8]] = []
        self._size = 0

    def odd(self, odd: Rows) -> None:
        """Odd things of streams (ODDITY rows)."""
        for row in odd:
            self._anomalies.append(
                (
                    int(_ODD_KIND[row["kind"]]),
                    int(row["direction"]),
                    int(row["number"]),
                    -1,
                    int(row["frame"]),
                )
            )

    def ended(self, rows: Rows) -> None:
        """Flows that are over (SESSION rows)."""
        if self._keep:
            self._ended.append(rows)

    def pieces(self, batch: Batch) -> None:
        """Pieces of streams."""
        if self._keep:
            pieces = batch.pieces.copy()
            pieces["at"] += self._size
            self._size += len(batch.arena)
            self._pieces.append(pieces)
            self._arenas.append(batch.arena)

    def take(self, connection: Connection) -> None:
        """What a connection finished."""
        closed, odd = connection.collect()
        number = connection.number
        if self._keep and connection.protocol:
            self._spoken[number] = connection.spoken()
        if not closed and not odd and not connection.units:
            return
        self._rows[number] = connection.row
        self._spoken[number] = connection.spoken()
        self._transactions += [(number, each) for each in closed]
        self._anomalies += [(kind, d, number, each, frame) for kind, d, each, frame in odd]
        self._units += [(number, *unit) for unit in connection.units]
        connection.clear()

    def build(self, packets: list[tuple[NDArray[Any], ...]], streams: Reassembler) -> Tables:
        """The tables; gathering begins anew."""
        flows, index = self._flows(packets, streams)
        order = sorted(self._transactions, key=lambda item: item[0] << 32 | item[1].number)
        made = Tables(flows=flows, counts=streams.counts)
        self._fill(made, order, index)
        places: dict[tuple[int, int], int] = {}
        if any(row[3] >= 0 for row in self._anomalies):
            places = {(number, each.number): i for i, (number, each) in enumerate(order)}
        found = sorted(self._anomalies, key=lambda row: (row[4], row[2]))
        made.anomalies = np.array(
            [(k, d, index.get(f, -1), places.get((f, t), -1), frame) for k, d, f, t, frame in found], ANOMALY
        )
        if self._keep:
            self._streams(made, packets, index)
        self._clear()
        return made

    def _flows(
        self, _packets: list[tuple[NDArray[Any], ...]], _streams: Reassembler
    ) -> tuple[Rows, dict[int, int]]:
        if self._keep:
            rows = np.concatenate(self._ended) if self._ended else np.zeros(0, SESSION)
            rows = rows[np.argsort(rows["number"], kind="stable")]
        else:
            numbers = sorted(self._rows)
            rows = np.frombuffer(b"".join(self._rows[n].tobytes() for n in numbers), SESSION)
        return self._told(rows)

    def _told(self, rows: Rows) -> tuple[Rows, dict[int, int]]:
        """FLOW rows of sessions, and where each number's is."""
        flows = np.zeros(len(rows), FLOW)
        for name in _ALIKE:
            flows[name] = rows[name]
        flows["established"] = np.where(rows["proto"] == 6, rows["state"] >= ESTABLISHED, rows["answered"])
        index = {number: i for i, number in enumerate(rows["number"].tolist())}
        known = [number for number in index if number in self._spoken]
        places = [index[number] for number in known]
        columns = zip(*(self._spoken[number] for number in known), strict=True)
        for name, values in zip(_SPOKEN, columns, strict=False):
            flows[name][places] = values
        return flows, index

    def _fill(self, made: Tables, order: list[tuple[int, Transaction]], index: dict[int, int]) -> None:
        heads: list[int] = []
        rows: list[int] = []
        notes: list[int] = []
        values: list[bytes] = []
        for flow, each in order:
            heads += (
                index[flow], each.protocol, each.complete, each.over, each.number, each.request_frame,
                each.response_frame, each.first_frame, each.time, len(each.values), len(each.notes),
            )  # fmt: skip
            rows += each.rows
            notes += each.notes
            values += each.values
        told = np.array(heads, np.int64).reshape(-1, len(_TOLD) + 2)
        made.transactions = _columns(TRANSACTION, _TOLD, told)
        buffers = np.array(rows, np.int64).reshape(-1, len(_PUT))
        lengths = np.fromiter(map(len, values), np.int64, len(values))
        made.buffers = _columns(BUFFER, _PUT, buffers)
        made.buffers["transaction"] = np.repeat(np.arange(len(told)), told[:, -2])
        made.buffers["length"] = lengths
        made.buffers["at"] = np.cumsum(lengths) - lengths
        made.numbers = _columns(NUMBER, _NOTED, np.array(notes, np.int64).reshape(-1, len(_NOTED)))
        made.numbers["transaction"] = np.repeat(np.arange(len(told)), told[:, -1] // len(_NOTED))
        size = int(lengths.sum())
        units = []
        for flow, kind, direction, frame, value in sorted(self._units, key=lambda unit: unit[3]):
            units.append((index[flow], kind, direction, frame, size, len(value)))
            values.append(value)
            size += len(value)
        made.units = np.array(units, UNIT)
        made.arena = np.frombuffer(b"".join(values), np.uint8)

    def _streams(
        self,
        made: Tables,
        packets: list[tuple[NDArray[Any], ...]],
        index: dict[int, int],
    ) -> None:
        if packets:
            numbers, made.packet_direction, made.packet_stood, made.packet_streamed = (
                np.concatenate(column) for column in zip(*packets, strict=True)
            )
            made.packet_flow = numbers.astype(np.int32)
            known = np.array(sorted(index), np.int64)  # rows are in order of numbers
            at = np.searchsorted(known, numbers)
            found = (numbers >= 0) & (at < len(known))
            found[found] = known[at[found]] == numbers[found]
            made.packet_flow = np.where(found, at, -1).astype(np.int32)
        if self._pieces:
            pieces = np.concatenate(self._pieces)
            pieces = pieces[np.lexsort((np.arange(len(pieces)), pieces["direction"], pieces["number"]))]
            chunks = np.zeros(len(pieces), CHUNK)
            for name in ("direction", "length", "gap", "offset", "arrived", "frame", "time", "at"):
                chunks[name] = pieces[name]
            chunks["flow"] = [index[n] for n in pieces["number"].tolist()]
            made.chunks, made.chunk_arena = chunks, np.concatenate(self._arenas)


def _columns(dtype: np.dtype[Any], names: tuple[str, ...], numbers: NDArray[np.int64]) -> Rows:
    made = np.zeros(len(numbers), dtype)
    for i, name in enumerate(names):
        made[name] = numbers[:, i]
    return made
