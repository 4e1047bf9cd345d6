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


_SPOKEN = ("protocol", "protocol_frame", "final", "final_frame", "sides", "sides_frame")


def _spoken(connection: Connection) -> tuple[object, ...]:
    """What is known of a connection's protocols."""
    return (
        connection.protocol,
        connection.protocol_frame,
        connection.final,
        connection.final_frame,
        tuple(connection.sides),
        tuple(connection.sides_frame),
    )


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
        self._rows: dict[int, np.void] = {}
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
        if self._keep and connection.protocol:
            self._spoken[connection.number] = _spoken(connection)
        if not closed and not odd and not connection.units:
            return
        number = connection.number
        self._rows[number] = connection.row
        self._spoken[number] = _spoken(connection)
        self._transactions += [(number, each) for each in closed]
        self._anomalies += [(kind, d, number, each, frame) for kind, d, each, frame in odd]
        self._units += [(number, *unit) for unit in connection.units]
        connection.clear()

    def build(self, packets: list[tuple[NDArray[Any], ...]], streams: Reassembler) -> Tables:
        """The tables; gathering begins anew."""
        flows, index = self._flows(packets, streams)
        order = sorted(self._transactions, key=lambda item: (item[0], item[1].number))
        made = Tables(flows=flows, counts=streams.counts)
        self._fill(made, order, index)
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
            rows = np.array([self._rows[n] for n in numbers], SESSION) if numbers else np.zeros(0, SESSION)
        return self._told(rows)

    def _told(self, rows: Rows) -> tuple[Rows, dict[int, int]]:
        """FLOW rows of sessions, and where each number's is."""
        flows = np.zeros(len(rows), FLOW)
        for name in _ALIKE:
            flows[name] = rows[name]
        flows["established"] = np.where(rows["proto"] == 6, rows["state"] >= ESTABLISHED, rows["answered"])
        index = {number: i for i, number in enumerate(rows["number"].tolist())}
        for number, at in index.items():
            for name, value in zip(_SPOKEN, self._spoken.get(number, ()), strict=False):
                flows[name][at] = value
        return flows, index

    def _fill(self, made: Tables, order: list[tuple[int, Transaction]], index: dict[int, int]) -> None:
        transactions, buffers, numbers = [], [], []
        arena = bytearray()
        for i, (flow, each) in enumerate(order):
            transactions.append(
                (
                    index[flow],
                    each.protocol,
                    each.complete,
                    each.over,
                    each.number,
                    *each.frames,
                    each.first_frame,
                    each.time,
                )
            )
            for kind, direction, part, frame, value in each.buffers:
                buffers.append((i, kind, direction, part, frame, len(arena), len(value)))
                arena += value
            numbers += [(i, *row) for row in each.numbers]
        units = []
        for flow, kind, direction, frame, value in sorted(self._units, key=lambda unit: unit[3]):
            units.append((index[flow], kind, direction, frame, len(arena), len(value)))
            arena += value
        made.units = np.array(units, UNIT)
        made.transactions = np.array(transactions, TRANSACTION)
        made.buffers = np.array(buffers, BUFFER)
        made.numbers = np.array(numbers, NUMBER)
        made.arena = np.frombuffer(bytes(arena), np.uint8)

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
