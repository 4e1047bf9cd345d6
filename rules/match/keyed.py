"""Rows known by a number that stay where they are: none is moved when others come or go."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from citywall import rows as structured

Numbers = NDArray[np.int64]
#: Rooms that are never given back, and how many rooms one row may take before some are.
_LEAST, _SPARSE = 4096, 4


class Keyed:
    """Rows of `dtype` by number, each in a room of `rows`; those that nobody has taken hold anything."""

    def __init__(self, dtype: np.dtype[Any]) -> None:
        self.rows: NDArray[np.void] = np.zeros(0, dtype)
        self.numbers = np.zeros(0, np.int64)  # in order
        self._at = np.zeros(0, np.int64)  # the rooms of these
        self._free = np.zeros(0, np.int64)

    def __len__(self) -> int:
        """Rows there are."""
        return len(self.numbers)

    def places(self, numbers: Numbers) -> Numbers:
        """The rooms of rows by their numbers (i8, in order, none twice); those that are new are blank.

        They are good until rows are let go.
        """
        found = np.searchsorted(self.numbers, numbers)
        there = found < len(self.numbers)
        there[there] = self.numbers[found[there]] == numbers[there]
        if not there.all():
            self._add(numbers[~there])
            found = np.searchsorted(self.numbers, numbers)
        return self._at[found]

    def let_go(self, at: Numbers) -> None:
        """Forget the rows in these rooms."""
        gone = np.zeros(len(self.rows), np.bool_)
        gone[at] = True
        stay = ~gone[self._at]
        self.numbers, self._at = self.numbers[stay], self._at[stay]
        self._free = np.concatenate([self._free, at])
        if len(self.rows) > max(_LEAST, _SPARSE * len(self.numbers)):
            self.rows, self._free = structured.take(self.rows, self._at), np.zeros(0, np.int64)
            self._at = np.arange(len(self.numbers))

    def _add(self, numbers: Numbers) -> None:
        if len(self._free) < len(numbers):
            self._grow(len(numbers) - len(self._free))
        at, self._free = self._free[: len(numbers)], self._free[len(numbers) :]
        structured.blank(self.rows, at)
        in_order = not len(self.numbers) or numbers[0] > self.numbers[-1]
        self.numbers = np.concatenate([self.numbers, numbers])
        self._at = np.concatenate([self._at, at])
        if not in_order:
            order = np.argsort(self.numbers, kind="stable")
            self.numbers, self._at = self.numbers[order], self._at[order]

    def _grow(self, wanted: int) -> None:
        held = len(self.rows)
        self.rows = structured.longer(self.rows, held + max(wanted, held >> 1, 64))
        self._free = np.concatenate([self._free, np.arange(held, len(self.rows))])
