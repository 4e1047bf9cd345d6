"""Copying structured rows fast.

NumPy copies rows of a structured dtype field by field, about a microsecond a row for the wider ones here;
the same rows seen as opaque bytes are copied at memory speed, a hundred times faster. Use these wherever
rows are joined, chosen or copied.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.void]


def _opaque(rows: Rows) -> NDArray[np.void]:
    return rows.view(_opaque_dtype(rows.dtype.itemsize))


@lru_cache
def _opaque_dtype(size: int) -> np.dtype[np.void]:
    return np.dtype((np.void, size))


#: Bytes of a cache line.
_LINE = 64


def zeros(n: int, dtype: np.dtype[Any]) -> Rows:
    """`n` blank rows that begin at a cache line: `np.zeros` lets a row of 128 bytes lie on three lines.

    Memory is taken as rows are first used.
    """
    size = n * dtype.itemsize
    raw = np.zeros(size + _LINE, np.uint8)
    at = -raw.ctypes.data % _LINE
    return raw[at : at + size].view(dtype)


def read_only(array: NDArray[Any]) -> NDArray[Any]:
    """A view that cannot be written to: kernels are compiled once, for this kind."""
    view = array.view()
    view.flags.writeable = False
    return view


def copy(rows: Rows) -> Rows:
    """A contiguous copy of rows of any structured dtype."""
    return _opaque(rows).copy().view(rows.dtype)


def join(pieces: Sequence[Rows], dtype: np.dtype[Any]) -> Rows:
    """The rows of every piece in order, all of `dtype`; the piece itself where there is only one."""
    if len(pieces) == 1:
        return pieces[0]
    if not pieces:
        return np.empty(0, dtype)
    if any(piece.dtype != dtype for piece in pieces):
        raise ValueError("rows of different kinds cannot be joined")
    return np.concatenate([_opaque(piece) for piece in pieces]).view(dtype)


def take(rows: Rows, chosen: NDArray[np.int64] | NDArray[np.bool_]) -> Rows:
    """The rows at given indices, or where a mask is true, as a new array."""
    found: Rows = _opaque(rows)[chosen].view(rows.dtype)
    return found


def blank(rows: Rows, chosen: NDArray[np.int64]) -> None:
    """Make the rows at given indices as `zeros` gives them."""
    rows.view(np.uint8).reshape(len(rows), rows.dtype.itemsize)[chosen] = 0


def fill(room: Rows, pieces: Sequence[Rows]) -> tuple[Rows, list[Rows]]:
    """Copy rows of `pieces` into `room` as long as it has place; gives those there, and the pieces left."""
    into, n = _opaque(room), 0
    left: list[Rows] = []
    for piece in pieces:
        if piece.dtype != room.dtype:
            raise ValueError("rows of different kinds cannot be joined")
        fits = min(len(piece), len(room) - n)
        into[n : n + fits] = _opaque(piece)[:fits]
        n += fits
        if fits < len(piece):
            left.append(piece[fits:])
    return room[:n], left


def longer(rows: NDArray[Any], size: int) -> NDArray[Any]:
    """Room for `size` rows of any dtype that begins with as many of `rows` as it takes; the rest is blank."""
    more = np.zeros(size, rows.dtype)
    fill(more, [rows])
    return more


#: References to a room that nobody looks into: the list's, and that of who counts them.
_NOBODY = 2


class Rooms:
    """Rooms of `n` rows that others look into for a while, and that are given again when nobody does.

    Fresh memory has to be cleared by the system first, which costs more than filling it. What a room holds
    is what it held last, blank the first time: whoever takes one fills what is given on.
    """

    def __init__(self, n: int, dtype: np.dtype[Any], keep: int = 2) -> None:
        self._n = n
        self._dtype = dtype
        self._keep = keep
        self._rooms: list[Rows] = []

    def take(self) -> Rows:
        """A room that nobody looks into."""
        for at in range(len(self._rooms)):
            if sys.getrefcount(self._rooms[at]) <= _NOBODY:
                return self._rooms[at][:]
        room = np.zeros(self._n, self._dtype)
        self._rooms = [room, *self._rooms[: self._keep - 1]]
        return room[:]
