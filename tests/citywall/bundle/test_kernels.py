from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pytest
from numpy.typing import NDArray

from citywall.bundle.kernels import by_pointer
from citywall.kernels import JIT, bare_kernel, internal, shared

ROW = np.dtype([("a", "i8"), ("b", "u1")], align=True)


class Arrays(NamedTuple):
    rows: NDArray[np.void]
    grid: NDArray[np.int64]
    flags: NDArray[np.bool_]
    many: NDArray[np.int64]


@shared
def _put(arrays, at, value):
    row = arrays.rows[at]
    row["a"] += value
    row["b"] = 1
    arrays.flags[at] = True
    return len(arrays.many)


@internal
def _twice(arrays, at, value):
    return _put(arrays, at, value) + _put(arrays, at, value + 1)


@bare_kernel
def pointed(arrays, values):
    held = by_pointer(arrays)
    total = 0
    for i in range(len(values)):
        total += _twice(held, i % len(held.rows), values[i])
        held.grid[i % 2, 1] += held.rows[0]["a"]
        held.many[:] = i
    return total


@bare_kernel
def handed_over(arrays, values):
    total = 0
    for i in range(len(values)):
        total += _twice(arrays, i % len(arrays.rows), values[i])
        arrays.grid[i % 2, 1] += arrays.rows[0]["a"]
        arrays.many[:] = i
    return total


def fresh():
    return Arrays(np.zeros(3, ROW), np.zeros((2, 3), np.int64), np.zeros(3, np.bool_), np.arange(5))


def test_helpers_see_and_change_the_same_arrays():
    ours, theirs, values = fresh(), fresh(), np.arange(20) ** 2
    assert pointed(ours, values) == handed_over(theirs, values) == 20 * 2 * 5
    for one, other in zip(ours, theirs, strict=True):
        np.testing.assert_array_equal(one, other)
    assert ours.rows["a"].sum() == 2 * values.sum() + 20


@pytest.mark.skipif(not JIT, reason="nothing is compiled")
def test_a_field_that_is_not_there_is_said():
    from numba.core.errors import TypingError

    @bare_kernel
    def wrong(arrays):
        return by_pointer(arrays).nothing

    with pytest.raises(TypingError, match="nothing"):
        wrong(fresh())
