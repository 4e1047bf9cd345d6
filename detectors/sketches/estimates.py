"""What sketches say: estimates for every row of them, and the errors that theory gives."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def distinct(registers: NDArray[np.uint8]) -> NDArray[np.float64]:
    """HyperLogLog's estimate for each row of registers (Flajolet et al. 2007): f8[rows]."""
    m = registers.shape[1]
    alpha = {16: 0.673, 32: 0.697, 64: 0.709}.get(m, 0.7213 / (1 + 1.079 / m))
    raw = alpha * m * m / np.exp2(-registers.astype(np.float64)).sum(axis=1)
    empty = (registers == 0).sum(axis=1)
    small = m * np.log(m / np.maximum(empty, 1))
    return np.asarray(np.where((raw <= 2.5 * m) & (empty > 0), small, raw), np.float64)


def distinct_error(m: int) -> float:
    """Standard error of HyperLogLog with `m` registers, as a share."""
    return float(1.04 / np.sqrt(m))


def counted(bits: NDArray[np.uint64]) -> NDArray[np.float64]:
    """Linear counting's estimate for each row of bits (Whang et al. 1990): f8[rows]."""
    m = 64 * bits.shape[1]
    clear = m - np.bitwise_count(bits).sum(axis=1).astype(np.float64)
    return np.asarray(m * np.log(m / np.maximum(clear, 0.5)), np.float64)


def counted_error(m: int, n: int) -> float:
    """Standard error of linear counting of `n` things with `m` bits, as a share."""
    load = n / m
    return float(np.sqrt(m * (np.exp(load) - load - 1)) / n)


def heaviest(names: NDArray[np.uint64], counts: NDArray[np.int64]) -> tuple[NDArray[Any], NDArray[Any]]:
    """The name with the highest count of each row of a Space-Saving summary, and that count."""
    at = counts.argmax(axis=1)[:, None]
    return np.take_along_axis(names, at, 1)[:, 0], np.take_along_axis(counts, at, 1)[:, 0]
