"""Rows found by the numbers of their flows."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ingest.reassembly.numbers import kernels

Numbers = NDArray[np.int64]


class Index:
    """Where the row of each flow is, in rows of flows with these numbers, each of which is there once."""

    def __init__(self, numbers: Numbers) -> None:
        self.numbers = np.ascontiguousarray(numbers)
        self._slots = np.full(1 << (2 * len(numbers)).bit_length(), -1, np.int32)
        kernels.enter(self.numbers, self._slots)

    def of(self, numbers: Numbers) -> Numbers:
        """The rows of flows; -1 for those that have none."""
        found = np.empty(len(numbers), np.int64)
        kernels.find(self.numbers, self._slots, np.ascontiguousarray(numbers), found)
        return found
