"""Which layout the templates of every exporter stand for, as kernels find it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ingest.collectors.placing import kernels
from ingest.collectors.templates import Template

#: Templates that there is room for at first.
_FEW = 16


class Known:
    """Templates by exporter's domain and id. What is withdrawn is forgotten when room runs out."""

    def __init__(self, five: int) -> None:
        self._five = five  # the layout of NetFlow v5
        self._count = 0
        self._rows = np.zeros(_FEW, kernels.TEMPLATE)
        self._slots = np.full(2 * _FEW, -1, np.int32)
        self._found = np.zeros(0, np.int64)

    def tell(self, source: int, number: int, template: Template | None) -> None:
        """Have id `number` of a source stand for a template from now on, or for none."""
        if self._count == len(self._rows):
            self._make_room()
        layout, telling = (template.layout, template.telling) if template is not None else (-1, False)
        pair = source << 20 | number
        self._count = kernels.tell(self._rows, self._slots, self._count, pair, layout, telling)

    def _make_room(self) -> None:
        kept = self._rows[self._rows["layout"] >= 0]
        self._rows = np.zeros(max(_FEW, 2 * len(kept)), kernels.TEMPLATE)
        size = 1 << (2 * len(self._rows) - 1).bit_length()
        self._slots = np.full(size, -1, np.int32)
        self._count = 0
        for pair, layout, telling in kept.tolist():
            self._count = kernels.tell(self._rows, self._slots, self._count, pair, layout, telling)

    def resolve(self, sets: NDArray[np.void], sources: NDArray[np.int32]) -> NDArray[np.int64]:
        """Put each data set of SET[n] to its layout; gives the sets that may change how others are read.

        `sources` (i4[n]) are theirs. What is given holds until the next call.
        """
        if len(self._found) < len(sets):
            self._found = np.empty(len(sets), np.int64)
        n = kernels.resolve(sets, sources, self._rows, self._slots, self._five, self._found)
        return self._found[:n]
