"""Columns that fill with flows as records are read."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ingest.collectors.joined import kernels
from ingest.collectors.kernels import HALF
from ingest.collectors.pairing import Pairing
from ingest.collectors.pairing import kernels as pairing
from ingest.flowlogs.rows import COLUMN_TYPES, Logged

#: Records on their way at once: their rows are to stay in the nearest cache.
SOME = 64
#: Rows that columns have room for at the least: what is not used is not taken, and to grow is to take anew.
_LEAST = 1 << 17
#: Bytes after which memory falls into the same sets of the nearest cache, and how far apart in it columns
#: begin: those that begin together drive each other out, a quarter of what joining costs.
_TURN, _APART = 4096, 448
_TYPES = {name: kind for name, kind in COLUMN_TYPES.items() if name != "line"}


class Joined:
    """Columns that fill with flows, in memory that is used again; `records` came since `begin`."""

    def __init__(self, joining: Pairing) -> None:
        self._joining = joining
        self._some = np.zeros(SOME, HALF)
        self._columns: list[NDArray[Any]] = [np.empty(0, kind) for kind in _TYPES.values()]
        self._lines = np.zeros(0, np.int64)  # one after the other
        self._filled = 0
        self.records = 0

    def begin(self) -> None:
        """Let go of what there is."""
        self._filled = self.records = 0

    def take(self, room: int, *decoding: Any) -> None:
        """Decode sets that hold up to `room` records, with what `kernels.flows` wants for that."""
        self._make_room(room + self._joining.waiting)
        with np.errstate(over="ignore"):  # hashes wrap; matters only where the kernel is not compiled
            filled, records = kernels.flows(
                *decoding, *self._joining.work(), self._some, self._joining.out(SOME), self._filled,
                *self._columns,
            )  # fmt: skip
        self._filled = int(filled)
        self.records += int(records)

    def add(self, flows: NDArray[np.void]) -> None:
        """Flows that were joined already."""
        self._make_room(len(flows))
        pairing.columns(flows, len(flows), self._filled, *self._columns)
        self._filled += len(flows)

    def _make_room(self, more: int) -> None:
        room = self._filled + more
        if len(self._columns[0]) < room:
            old, size = self._columns, max(room + room // 4, _LEAST)
            self._columns = [_column(place, size, kind) for place, kind in enumerate(_TYPES.values())]
            for new, before in zip(self._columns, old, strict=True):
                new[: self._filled] = before[: self._filled]

    def logged(self, first: int) -> Logged:
        """All since `begin`, numbered from `first` on. It holds until the next call of anything."""
        n = self._filled
        if len(self._lines) < n:
            self._lines = np.arange(n + n // 4)
        if n:
            self._lines += first - self._lines[0]
        told = dict(zip(_TYPES, (column[:n] for column in self._columns), strict=True))
        return Logged(self._lines[:n], **told)


def _column(place: int, size: int, kind: Any) -> NDArray[Any]:
    """Room for a column, which begins elsewhere in the caches than those at other places."""
    length = size * np.dtype(kind).itemsize
    raw = np.empty(length + _TURN, np.uint8)
    at = (place * _APART - raw.ctypes.data) % _TURN
    return raw[at : at + length].view(kind)
