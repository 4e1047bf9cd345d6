"""Reports of flows that wait until nothing can come before them, and are then given out in order.

Reports are wide, so they stay where they came, and only times and flow ids are sorted: each is copied once,
to its place. What they are copied into is used again as soon as nobody looks at it any more: fresh memory
costs more than copying.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from citywall import rows as rows_
from citywall.batches import FLOW
from stream import kernels

Rows = NDArray[np.void]
_FIELDS: Any = FLOW.fields
_WIDTH = FLOW.itemsize // 8
_TIME, _FLOW_ID = _FIELDS["time"][1] // 8, _FIELDS["flow_id"][1] // 8
#: References to a room that nobody looks into: the list's, and those of who asks.
_NOBODY = 3


class _Piece:
    """Rows as they came, and of each its time and flow id."""

    def __init__(self, rows: Rows, times: NDArray[np.int64], ids: NDArray[np.uint64], rises: bool) -> None:
        self.rows = rows
        self.times = times
        self.ids = ids
        self.rises = rises  # whether times never fall

    def split(self, ready: NDArray[np.bool_]) -> tuple[_Piece | None, _Piece | None]:
        """The rows that are ready, and the others."""
        n = int(np.count_nonzero(ready))
        if n == len(ready):
            return self, None
        if not n:
            return None, self
        if ready[:n].all():  # as nearly always: without a copy
            return self._of(slice(0, n)), self._of(slice(n, None))
        return self._of(ready), self._of(~ready)

    def _of(self, chosen: Any) -> _Piece:
        rows = self.rows[chosen] if isinstance(chosen, slice) else rows_.take(self.rows, chosen)
        return _Piece(rows, self.times[chosen], self.ids[chosen], self.rises)


class WaitingFlows:
    """FLOW rows that are held, in pieces as they came."""

    def __init__(self) -> None:
        self._pieces: list[_Piece] = []
        self._rooms: list[NDArray[np.uint64]] = []

    def add(self, rows: Rows, least: int) -> bool:
        """Take rows (at least one), unless one of them is before `least`; whether they were taken."""
        times, ids = np.empty(len(rows), np.int64), np.empty(len(rows), np.uint64)
        rises = bool(kernels.pick(_words(rows), _TIME, _FLOW_ID, times, ids))
        if int(times[0] if rises else times.min()) < least:
            return False
        self._pieces.append(_Piece(rows, times, ids, rises))
        return True

    def rows(self) -> Rows:
        """All that waits."""
        return rows_.join([piece.rows for piece in self._pieces], FLOW)

    def release(self, until: tuple[int, int] | None, most: int) -> Iterator[Rows]:
        """Rows before `until` (time, flow id; None: all) by (time, flow id, report), `most` at a time.

        What is given is to be read before the next is asked for.
        """
        ready = self._take(until)
        if not ready:
            return
        times, ids = _joined([p.times for p in ready]), _joined([p.ids for p in ready])
        rises = all(piece.rises for piece in ready) and bool((times[1:] >= times[:-1]).all())
        order = _in_order(times, ids, rises)
        if order is None:
            reports = np.concatenate([piece.rows["report"] for piece in ready])
            order = np.lexsort([reports, ids, times])
        if len(ready) == 1 and (order[1:] > order[:-1]).all():
            whole = ready[0].rows
            yield from (whole[at : at + most] for at in range(0, len(whole), most))
            return
        places = np.empty(len(order), np.int64)
        places[order] = np.arange(len(order))
        ends = np.cumsum([len(piece.rows) for piece in ready])
        of_piece = [places[end - len(piece.rows) : end] for piece, end in zip(ready, ends, strict=True)]
        reach = [(int(at.min()), int(at.max())) for at in of_piece]
        for least in range(0, len(order), most):
            n = min(most, len(order) - least)
            out = self._room(n)
            for piece, at, (low, high) in zip(ready, of_piece, reach, strict=True):
                if low < least + n and high >= least:
                    kernels.place(_words(piece.rows), at, least, out)
            given = out.reshape(-1).view(FLOW)
            del out  # or its room is looked into for ever
            yield given
            del given

    def _take(self, until: tuple[int, int] | None) -> list[_Piece]:
        """The pieces that are ready; the rest goes on waiting."""
        if until is None:
            ready, self._pieces = self._pieces, []
            return ready
        time, flow_id = until
        found, left = [], []
        for piece in self._pieces:
            now = piece.times < time
            if flow_id:
                now |= (piece.times == time) & (piece.ids < np.uint64(flow_id))
            some, rest = piece.split(now)
            found += [some] if some else []
            left += [rest] if rest else []
        self._pieces = left
        return found

    def _room(self, n: int) -> NDArray[np.uint64]:
        """Room for `n` rows that nobody looks into."""
        for at in range(len(self._rooms)):
            if len(self._rooms[at]) >= n and sys.getrefcount(self._rooms[at]) < _NOBODY:
                return self._rooms[at][:n]
        room = np.empty((n, _WIDTH), np.uint64)
        self._rooms = [room, *self._rooms[:1]]
        return room[:]


def _words(rows: Rows) -> NDArray[np.uint64]:
    """Rows as words, not to be written."""
    words = np.ascontiguousarray(rows.view(np.dtype((np.void, FLOW.itemsize)))).view(np.uint64)
    words = words.reshape(len(rows), _WIDTH)
    words.flags.writeable = False
    return words


def _joined(pieces: list[NDArray[Any]]) -> NDArray[Any]:
    return pieces[0] if len(pieces) == 1 else np.concatenate(pieces)


def _in_order(times: NDArray[np.int64], flow_id: NDArray[np.uint64], rises: bool) -> NDArray[np.int64] | None:
    """The order by (time, flow id); None where two rows are alike in what is looked at."""
    first: NDArray[np.int64] | None = None
    if not rises:
        first = np.argsort(times, kind="stable")
        times, flow_id = times[first], flow_id[first]
    # The rank of the time above as many bits of the flow id as there is room for.
    rank = np.zeros(len(times), np.uint64)
    np.cumsum(times[1:] != times[:-1], out=rank[1:])
    bits = np.uint64(64 - int(rank[-1]).bit_length())
    if bits < 64:
        rank <<= bits
        flow_id = rank | (flow_id >> (np.uint64(64) - bits))
    order: NDArray[np.int64] = np.argsort(flow_id)
    known = flow_id[order]
    if (known[1:] == known[:-1]).any():
        return None
    return order if first is None else first[order]
