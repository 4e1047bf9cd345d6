"""Records into flows of both directions."""

from __future__ import annotations

import msgspec
import numpy as np
from numpy.typing import NDArray

from citywall.state import Parts, array_of, bytes_of
from ingest.collectors.kernels import HALF
from ingest.collectors.pairing import kernels
from ingest.flowlogs.rows import COLUMN_TYPES, Logged

#: How long (ns of the exporters' clocks) a record waits for its other direction.
WAIT = 5_000_000_000
#: How far apart (ns) two directions of one flow may lie.
SLACK = 2_000_000_000
#: Records that wait at once, as many as a slot can number.
ROOM = 1 << 15


class _Saved(msgspec.Struct):
    state: list[int]


class Pairing:
    """Joins halves, whatever the batches they come in. `room`: a power of two, ROOM at most (ValueError)."""

    def __init__(self, wait: int = WAIT, slack: int = SLACK, room: int = ROOM) -> None:
        if room > ROOM:
            raise ValueError(f"no slot can number {room} records that wait")
        self._wait, self._slack = wait, slack
        self._waiting = np.zeros(room, HALF)
        self._slots = np.full(room * 2, -1, kernels.SLOT)
        self._state = np.zeros(3, np.int64)
        self._out = np.empty(0, HALF)

    def add(self, rows: NDArray[np.void], clocks: NDArray[np.int64]) -> NDArray[np.void]:
        """Take records with the clock (ns) of each; gives flows that are whole or waited long enough.

        What is given holds until the next call.
        """
        return self._add(rows, clocks, by_datagram=False)

    def add_of(self, rows: NDArray[np.void], clocks: NDArray[np.int64]) -> NDArray[np.void]:
        """`add` with the clock of each datagram, which `rows["arrived"]` names."""
        return self._add(rows, clocks, by_datagram=True)

    def _add(self, rows: NDArray[np.void], clocks: NDArray[np.int64], by_datagram: bool) -> NDArray[np.void]:
        out = self.out(len(rows))
        return out[: kernels.pair(rows, len(rows), clocks, by_datagram, *self.work(), out)]

    @property
    def waiting(self) -> int:
        """How many records wait, at the most."""
        return int(self._state[1] - self._state[0])

    def work(self) -> tuple[int, int, NDArray[np.int16], NDArray[np.void], NDArray[np.int64]]:
        """What `kernels.pair` works on: wait, slack, slots, waiting, state."""
        return self._wait, self._slack, self._slots, self._waiting, self._state

    def out(self, rows: int) -> NDArray[np.void]:
        """Room for what may come of so many records."""
        room = rows + len(self._waiting)
        if len(self._out) < room:
            self._out = np.empty(room + room // 4, HALF)
        return self._out

    def finish(self) -> NDArray[np.void]:
        """The end: all that waits."""
        out = np.empty(len(self._waiting), HALF)
        return out[: kernels.drain(self._slots, self._waiting, self._state, out)]

    def snapshot(self) -> Parts:
        """What waits, oldest first, and the clock."""
        oldest, end = int(self._state[0]), int(self._state[1])
        ring = self._waiting[np.arange(oldest, end) % len(self._waiting)]
        return {"waiting": ring, "clock": msgspec.msgpack.encode(_Saved(self._state.tolist()))}

    def restore(self, parts: Parts) -> None:
        """Go on where `snapshot` was; raises ValueError on parts of another shape."""
        self._state = np.array(msgspec.msgpack.decode(bytes_of(parts, "clock"), type=_Saved).state, np.int64)
        ring = array_of(parts, "waiting", HALF)
        oldest, end = int(self._state[0]), int(self._state[1])
        if len(ring) != end - oldest or len(ring) > len(self._waiting):
            raise ValueError("halves that wait and their places do not fit")
        self._waiting[np.arange(oldest, end) % len(self._waiting)] = ring
        self._slots[:] = -1
        mask = len(self._slots) - 1
        for place in range(oldest, end):
            slot = place % len(self._waiting)
            if self._waiting[slot]["done"]:
                continue
            at = int(self._waiting[slot]["hash"]) & mask
            while self._slots[at] >= 0:
                at = (at + 1) & mask
            self._slots[at] = slot


def logged(flows: NDArray[np.void]) -> Logged:
    """Flows as the columns that every flow log gives."""
    n = len(flows)
    told = Logged(
        flows["number"].copy(),
        **{name: np.empty(n, kind) for name, kind in COLUMN_TYPES.items() if name != "line"},
    )
    kernels.columns(flows, n, 0, *(getattr(told, name) for name in COLUMN_TYPES if name != "line"))
    return told
