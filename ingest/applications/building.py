"""Gathers what connections give into the columns of `tables`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from citywall.rows import copy, join, take
from ingest.applications.compiled.telling import kernels
from ingest.applications.merging import Units, fill
from ingest.applications.tables import (
    ANOMALIES,
    ANOMALY,
    ANOMALY_KIND,
    CHUNK,
    FLOW,
    Tables,
)
from ingest.reassembly.layout import ESTABLISHED, ODD, PIECE, SESSION
from ingest.reassembly.numbers import Index

if TYPE_CHECKING:
    from ingest.applications.compiled.reading import Reading, Told
    from ingest.applications.connection import Connection
    from ingest.applications.parser import Transaction
    from ingest.reassembly.streams import Batch, Reassembler

Rows = NDArray[np.void]
Numbers = NDArray[np.int64]
Bytes = NDArray[np.uint8]
Oddity = tuple[int, int, int, int, int]  # kind, direction, flow, transaction, frame
_ODD_KIND = np.array([ANOMALY_KIND.get(f"stream.{name}", len(ANOMALIES)) for name in ODD], np.uint16)
_ALIKE = (
    "a_hi", "a_lo", "b_hi", "b_lo", "first", "frame", "last_frame", "offset", "ports", "vlan", "proto",
    "version", "client", "midstream",
)  # fmt: skip

_SPOKEN = ("protocol", "protocol_frame", "final", "final_frame", "sides", "sides_frame")


class Builder:
    """Rows on their way into tables, of parsers in Python and of those in kernels (`reading`).

    `keep_streams`: with all flows and the pieces of their streams.
    """

    def __init__(self, *, keep_streams: bool, reading: Reading) -> None:
        self._keep = keep_streams
        self._reading = reading
        self._clear()

    def _clear(self) -> None:
        self._transactions: list[tuple[int, Transaction]] = []
        self._anomalies: list[Oddity] = []
        self._units: Units = []
        self._spoken: dict[int, tuple[object, ...]] = {}
        self._rows: dict[int, Rows] = {}
        self._ended: list[Rows] = []
        self._pieces: list[Rows] = []
        self._arenas: list[NDArray[np.uint8]] = []
        self._size = 0
        self._told: Told | None = None  # by kernels, this time
        self._handed: dict[int, Connection] = {}

    def odd(self, odd: Rows) -> None:
        """Odd things of streams (ODDITY rows)."""
        columns = _ODD_KIND[odd["kind"]], odd["direction"], odd["number"], odd["frame"]
        rows = zip(*(column.tolist() for column in columns), strict=True)
        self._anomalies += [(kind, d, number, -1, frame) for kind, d, number, frame in rows]

    def oddities(self, odd: list[Oddity]) -> None:
        """Odd things that parsers in kernels met."""
        self._anomalies += odd

    def ended(self, rows: Rows) -> None:
        """Flows that are over (SESSION rows)."""
        if self._keep:
            self._ended.append(rows)

    def pieces(self, batch: Batch) -> None:
        """Pieces of streams."""
        if self._keep:
            pieces = copy(batch.pieces)
            pieces["at"] += self._size
            self._size += len(batch.arena)
            self._pieces.append(pieces)
            self._arenas.append(batch.arena)

    def handed(self, connection: Connection) -> None:
        """A connection that kernels read before."""
        self._handed[connection.number] = connection

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
        if self._told is None:
            self._told = self._reading.tell(growing=False)
        flows, index = self._flows(packets, streams)
        made = Tables(flows=flows, counts=streams.counts)
        fill(made, self._transactions, self._told, self._units, index)
        found = np.array(sorted(self._anomalies, key=lambda row: (row[4], row[2])), np.int64).reshape(-1, 5)
        made.anomalies = np.zeros(len(found), ANOMALY)
        made.anomalies["kind"], made.anomalies["direction"] = found[:, 0], found[:, 1]
        made.anomalies["flow"], made.anomalies["frame"] = index.of(found[:, 2]), found[:, 4]
        made.anomalies["transaction"] = _places(made.transactions, index, found[:, 2], found[:, 3])
        if self._keep:
            self._streams(made, packets, index)
        self._reading.sweep()
        self._clear()
        return made

    def _flows(self, _packets: list[tuple[NDArray[Any], ...]], _streams: Reassembler) -> tuple[Rows, Index]:
        if self._keep:
            rows = join(self._ended, SESSION)
            return self._flow_rows(take(rows, np.argsort(rows["number"], kind="stable")))
        assert self._told is not None
        odd = np.array([row[2] for row in self._anomalies if row[2] not in self._rows], np.int64)
        here = np.unique(np.concatenate([self._told.transactions["flow"], odd]))
        for connection in map(self._handed.get, here.tolist()):
            if connection is not None:
                self._rows[connection.number] = connection.row
                self._spoken[connection.number] = connection.spoken()
        here = np.setdiff1d(
            here[self._reading.knows(here)], np.fromiter(self._rows, np.int64, len(self._rows))
        )
        mine = np.frombuffer(b"".join(row.tobytes() for row in self._rows.values()), SESSION)
        rows = join([mine, self._reading.rows_of(here)], SESSION)
        return self._flow_rows(take(rows, np.argsort(rows["number"])))

    def _flow_rows(self, rows: Rows) -> tuple[Rows, Index]:
        """FLOW rows of sessions, and where each number's is."""
        flows = np.zeros(len(rows), FLOW)
        for name in _ALIKE:
            flows[name] = rows[name]
        flows["established"] = np.where(rows["proto"] == 6, rows["state"] >= ESTABLISHED, rows["answered"])
        numbers = rows["number"].copy()
        self._reading.spoken(numbers, flows)
        index = Index(numbers)
        told = np.fromiter(self._spoken, np.int64, len(self._spoken))
        at = index.of(told)
        known = told[at >= 0].tolist()
        columns = zip(*(self._spoken[number] for number in known), strict=True)
        for name, values in zip(_SPOKEN, columns, strict=False):
            flows[name][at[at >= 0]] = values
        return flows, index

    def _streams(
        self,
        made: Tables,
        packets: list[tuple[NDArray[Any], ...]],
        index: Index,
    ) -> None:
        if packets:
            numbers, made.packet_direction, made.packet_stood, made.packet_streamed = (
                np.concatenate(column) for column in zip(*packets, strict=True)
            )
            made.packet_flow = index.of(numbers).astype(np.int32)
        if self._pieces:
            pieces = join(self._pieces, PIECE)
            order = np.argsort(pieces["number"] << 1 | pieces["direction"], kind="stable")
            chunks = np.zeros(len(pieces), CHUNK)
            kernels.chunks(pieces, order, index.of(pieces["number"]), chunks)
            made.chunks, made.chunk_arena = chunks, _in_one(self._arenas)


def _in_one(arenas: list[Bytes]) -> Bytes:
    """All bytes, one behind the other: not copied where they lie so."""
    arenas = [each for each in arenas if len(each)]
    base = arenas[0].base if arenas else None
    if base is None or any(each.base is not base for each in arenas):
        return np.concatenate([np.zeros(0, np.uint8), *arenas])
    begin = arenas[0].ctypes.data - base.ctypes.data
    end = begin
    for each in arenas:
        if each.ctypes.data - base.ctypes.data != end:
            return np.concatenate(arenas)
        end += len(each)
    return base[begin:end]


def _places(transactions: Rows, index: Index, flows: Numbers, numbers: Numbers) -> Numbers:
    """The rows of transactions by flow and number; -1 for none."""
    found = np.full(len(flows), -1, np.int64)
    asked = np.flatnonzero(numbers >= 0)
    if len(asked) and len(transactions):
        keys = index.numbers[transactions["flow"]] << 32 | transactions["number"]
        wanted = flows[asked] << 32 | numbers[asked]
        at = np.searchsorted(keys, wanted, "right") - 1
        found[asked] = np.where((at >= 0) & (keys[at] == wanted), at, -1)
    return found
