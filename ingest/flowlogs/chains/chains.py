"""Rows of certificates and of those who showed them, in whatever order they come."""

from __future__ import annotations

import msgspec
import numpy as np
from numpy.typing import NDArray

from citywall.batches import EVENT
from citywall.rows import take
from citywall.state import Parts, array_of, bytes_of
from ingest.flowlogs import said
from ingest.flowlogs.chains import kernels
from ingest.flowlogs.chains.layout import MARK, NAME
from ingest.flowlogs.said import Said

#: Certificates known at once, and names that wait for one: the newest. Memory is taken as they come.
ROOM = 1 << 16
_COUNTED = ("joined", "alone", "by_file", "again", "missing")


class Chains:
    """Joins them: one row for each certificate of each connection, when both are known.

    Which rows there are does not depend on what came first, as long as no more than `room` (a power of two)
    certificates, and names that wait for theirs, come in between.
    """

    def __init__(self, room: int = ROOM) -> None:
        self._names = np.zeros(room, NAME)
        self._marks = np.zeros(room, MARK)
        self._events = np.zeros(room, EVENT)
        self._lists = np.full((4, room), -1, np.int64)  # heads and tails of names, of marks
        self._state = np.zeros(2 + len(_COUNTED), np.int64)

    @property
    def notes(self) -> dict[str, int]:
        """Certificates with a connection; alone; by a log of files; told again; names without one."""
        counted = zip(_COUNTED, self._state[2:].tolist(), strict=True)
        return {f"certificates_{name}": n for name, n in counted if n}

    def add(self, told: Said) -> Said:
        """Take what lines say; gives it with certificates where they belong, those that wait left out."""
        name_heads, name_tails, mark_heads, mark_tails = self._lists
        out, lines = _room(len(told.names))
        n = kernels.name(
            told.names, self._names, name_heads, name_tails, self._marks, mark_heads, self._events,
            self._state, out, lines,
        )  # fmt: skip
        joined = [Said(out[:n], lines[:n])]
        if not len(told.keys):
            return said.together(Said(told.rows, told.lines), *joined)
        known = told.keys != 0
        out, lines = _room(2 * len(told.keys) + min(int(self._state[kernels.NAMES]), len(self._names)))
        n = kernels.show(
            told.keys[known], take(told.rows, known), told.lines[known], self._names, name_heads, name_tails,
            self._marks, mark_heads, mark_tails, self._events, self._state, out, lines,
        )  # fmt: skip
        self._state[kernels.ALONE] += np.count_nonzero(~known)
        return said.together(
            Said(take(told.rows, ~known), told.lines[~known]), *joined, Said(out[:n], lines[:n])
        )

    def finish(self) -> Said:
        """The end: certificates that nobody was named for."""
        out, lines = _room(min(int(self._state[kernels.SHOWN]), len(self._marks)))
        n = kernels.rest(
            self._names, self._lists[0], self._marks, self._events, self._state, out, lines
        )  # fmt: skip
        return Said(out[:n], lines[:n])

    def snapshot(self) -> Parts:
        """What waits, what is known, and the counts."""
        return {
            "chains": msgspec.msgpack.encode(self._state.tolist()),
            "chains.names": self._names[self._live(kernels.NAMES)],
            "chains.marks": self._marks[self._live(kernels.SHOWN)],
            "chains.events": self._events[self._live(kernels.SHOWN)],
        }

    def restore(self, parts: Parts) -> None:
        """Go on where `snapshot` was; raises ValueError on parts of another shape."""
        state = msgspec.msgpack.decode(bytes_of(parts, "chains"), type=list[int])
        if len(state) != len(self._state) or min(state) < 0:
            raise ValueError("counts of certificates are not as many as they should be")
        self._state[:] = state
        for ring, name, which in (
            (self._names, "names", kernels.NAMES), (self._marks, "marks", kernels.SHOWN),
            (self._events, "events", kernels.SHOWN),
        ):  # fmt: skip
            live, kept = self._live(which), array_of(parts, f"chains.{name}", ring.dtype)
            if len(kept) != len(live):
                raise ValueError(f"{name} of certificates that wait and their places do not fit")
            ring[live] = kept
        kernels.relist(
            self._names,
            self._lists[0],
            self._lists[1],
            self._marks,
            self._lists[2],
            self._lists[3],
            self._state,
        )

    def _live(self, which: int) -> NDArray[np.int64]:
        """Places in a ring, oldest first."""
        end, room = int(self._state[which]), len(self._names)
        return np.arange(max(end - room, 0), end) % room


def _room(rows: int) -> tuple[NDArray[np.void], NDArray[np.int64]]:
    return np.empty(rows, EVENT), np.empty(rows, np.int64)
