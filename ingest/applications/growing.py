"""Tables of traffic that goes on: each flow and transaction told again whenever something comes to it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from citywall.rows import join, take
from ingest.applications.building import Builder
from ingest.reassembly.layout import SESSION
from ingest.reassembly.numbers import Index

if TYPE_CHECKING:
    from ingest.applications.compiled.reading import Reading
    from ingest.applications.connection import Connection
    from ingest.applications.parser import Transaction
    from ingest.applications.tables import Tables
    from ingest.reassembly.streams import Reassembler

Rows = NDArray[np.void]
Packets = list[tuple[NDArray[Any], ...]]
_Odd = tuple[int, int, int, int, int]  # kind, direction, flow, transaction, frame


class Growing(Builder):
    """A builder that also tells of what is not over. What it keeps between two calls is of live flows."""

    def __init__(self, *, keep_streams: bool, reading: Reading) -> None:
        self._speaking: dict[int, tuple[object, ...]] = {}
        self._odd_of: dict[tuple[int, int], list[_Odd]] = {}
        self._touched: dict[int, Connection] = {}
        super().__init__(keep_streams=keep_streams, reading=reading)

    def take(self, connection: Connection) -> None:
        """What came to a connection."""
        self._touched[connection.number] = connection
        super().take(connection)

    def build(self, packets: Packets, streams: Reassembler) -> Tables:
        """The tables; gathering begins anew."""
        ended = [n for rows in self._ended for n in rows["number"].tolist()]
        self._told = self._reading.tell(growing=True)
        self._own_oddities()
        self._grown()
        self._speaking |= self._spoken
        self._spoken = self._speaking
        made = super().build(packets, streams)
        for number in ended:
            self._speaking.pop(number, None)
        return made

    def _clear(self) -> None:
        super()._clear()
        self._touched = {}

    def _own_oddities(self) -> None:
        """Oddities of transactions are told with them each time."""
        mine: list[_Odd] = []
        for row in self._anomalies:
            if row[3] >= 0:
                self._odd_of.setdefault((row[2], row[3]), []).append(row)
            else:
                mine.append(row)
        self._anomalies = mine

    def _grown(self) -> None:
        """Transactions that are over, and those that go on to which something came."""
        over = {(number, each.number) for number, each in self._transactions}
        for number, connection in self._touched.items():
            for each in connection.parser.open if connection.parser is not None else ():
                known = self._state(number, each)
                if known != each.told and (number, each.number) not in over:
                    each.told = known
                    self._transactions.append((number, each))
        if self._odd_of and self._told is not None:
            names = ("flow", "number", "over")
            columns = [self._told.retold[name] for name in names]
            mine = np.isin(columns[0], [flow for flow, _ in self._odd_of])
            for flow, number, ended in zip(*(column[mine].tolist() for column in columns), strict=True):
                self._anomalies += self._odd_of.get((flow, number), ())
                if ended:
                    self._odd_of.pop((flow, number), None)
        for number, each in self._transactions if self._odd_of else ():
            key = number, each.number
            self._anomalies += self._odd_of.get(key, ())
            if key in over:
                self._odd_of.pop(key, None)

    def _state(self, number: int, each: Transaction) -> int:
        """How much is known of a transaction: a number that only grows."""
        odd = len(self._odd_of[number, each.number]) if (number, each.number) in self._odd_of else 0
        return len(each.rows) + len(each.notes) + each.complete.bit_count() + odd

    def _flows(self, packets: Packets, streams: Reassembler) -> tuple[Rows, Index]:
        over = join(self._ended, SESSION)
        parts = [flow_of for flow_of, *_ in packets]
        parts += [pieces["number"] for pieces in self._pieces]
        assert self._told is not None
        parts += [np.array([n for n, _ in self._transactions], np.int64), self._told.transactions["flow"]]
        parts += [np.array([row[2] for row in self._anomalies], np.int64)]
        rows = join([over, streams.rows_of(np.concatenate(parts))], SESSION)
        order = np.argsort(rows["number"], kind="stable")
        rows = take(rows, order)
        flows, index = self._flow_rows(rows)
        flows["number"] = rows["number"]
        flows["ended"] = np.where(order < len(over), np.where(rows["ended"] > 0, rows["ended"], -1), 0)
        return flows, index
