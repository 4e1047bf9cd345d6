"""Memory that is used again: what was touched once is dear to ask for anew."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


class Scratch:
    """Room for rows of one kind. What it gave is overwritten by what is asked of it next."""

    def __init__(self, dtype: np.dtype[Any] | type[Any]) -> None:
        self._rows: NDArray[Any] = np.empty(0, dtype)

    def take(self, size: int, keep: int = 0) -> NDArray[Any]:
        """Room for `size` rows, of which the first `keep` are what they were, the others anything."""
        if len(self._rows) < size:
            more = np.empty(max(size, len(self._rows) + (len(self._rows) >> 1)), self._rows.dtype)
            more[:keep] = self._rows[:keep]
            self._rows = more
        return self._rows[:size]
