"""The ends of streams that are to be looked at again, one behind the other in memory that is used again."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from citywall.scratch import Scratch
from rules.match.columns import kernels

Numbers = NDArray[np.int64]
Bytes = NDArray[np.uint8]
Rows = NDArray[np.void]
#: Room for bytes: at least, and at most beyond what is kept.
_LEAST, _SPARE = 1 << 16, 16 << 20


class Tails:
    """Bytes of ends of streams. Where each lies is in the rows of live flows (`carry.FLOW`, TAIL numbers).

    A new end of a stream is put behind all others; what nobody speaks of any more goes when room runs out.
    So the one that lies furthest in front has waited for the longest.
    """

    def __init__(self, most: int) -> None:
        self.most = most  # bytes that are kept
        self.held = 0  # bytes that flows speak of
        self.forgotten = 0  # ends dropped for want of room
        self.room: Bytes = np.zeros(0, np.uint8)
        self._used = 0
        self._scratch = Scratch(np.uint8)

    def keep(self, flows: Rows, at: Numbers, sides: Numbers, spans: Numbers, data: Bytes) -> None:
        """Keep ends of streams: `sides`, twice the flow and the direction, of flows whose rows are at `at`.

        `spans` (i8[sides, 4]): start and end in `data`, bytes looked at, and the offset; one that is empty
        drops what was kept.
        """
        size = int((spans[:, 1] - spans[:, 0]).sum())
        if self._used + size > len(self.room):
            self._move(flows, size)
        self._used, grown = kernels.keep_tails(flows, at, sides, spans, data, self.room, self._used)
        self.held += grown
        if self.held > self.most:
            self._forget(flows)

    def let_go(self, flows: Rows, at: Numbers) -> None:
        """Drop what is kept of flows."""
        places = of_flows(flows, at)
        self.held -= int(places[:, kernels.TAIL_SIZE].sum())
        flows["tail"][at] = 0

    def _in_order(self, flows: Rows) -> tuple[Numbers, Numbers]:
        """Which rows' directions have an end that is kept, as it lies in memory, and their numbers."""
        every = flows["tail"].reshape(-1, kernels.TAIL)
        which = np.flatnonzero(every[:, kernels.TAIL_SIZE])
        which = which[np.argsort(every[which, kernels.TAIL_AT], kind="stable")]
        return which, every[which]

    def _move(self, flows: Rows, wanted: int) -> None:
        """Put what is spoken of together, with room for more behind it."""
        which, told = self._in_order(flows)
        sizes = np.ascontiguousarray(told[:, kernels.TAIL_SIZE])
        kernels.together(self.room, np.ascontiguousarray(told[:, kernels.TAIL_AT]), sizes)
        flows["tail"][which >> 1, (which & 1) * kernels.TAIL + kernels.TAIL_AT] = np.cumsum(sizes) - sizes
        self._used = int(sizes.sum())
        needed = self._used + wanted
        self.room = self._scratch.take(needed + max(_LEAST, min(needed, _SPARE)), self._used)

    def _forget(self, flows: Rows) -> None:
        """Drop those that have waited for the longest until there is room."""
        which, told = self._in_order(flows)
        left = self.held - np.cumsum(told[:, kernels.TAIL_SIZE])
        gone = which[: int(np.searchsorted(-left, -self.most)) + 1]
        for number in range(kernels.TAIL):
            flows["tail"][gone >> 1, (gone & 1) * kernels.TAIL + number] = 0
        self.held = int(left[len(gone) - 1])
        self.forgotten += len(gone)


def of_flows(flows: Rows, at: Numbers) -> Numbers:
    """What is kept of each direction of flows whose rows are at `at`: i8[twice as many, TAIL]."""
    found: Numbers = flows["tail"][at].reshape(-1, kernels.TAIL)
    return found
