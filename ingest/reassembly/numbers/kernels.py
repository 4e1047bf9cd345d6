"""A table of slots that finds rows by the numbers of their flows."""

from __future__ import annotations

import numpy as np

from citywall.kernels import MIX1, U8, bare_kernel, internal


@internal
def _slot(number, slots):
    """Where a number is looked for first."""
    return np.int64(U8(number) * MIX1 >> U8(32)) & (len(slots) - 1)


@bare_kernel
def enter(numbers, slots):
    """Enter rows by their numbers (i8) into `slots`: i4, all -1, a power of two, more than there are rows."""
    for row in range(len(numbers)):
        at = _slot(numbers[row], slots)
        while slots[at] >= 0:
            at = (at + 1) & (len(slots) - 1)
        slots[at] = row


@bare_kernel
def find(numbers, slots, asked, out):
    """The rows of the numbers `asked` (i8) into `out` (i8): -1 for one that is not there."""
    for i in range(len(asked)):
        if i > 0 and asked[i] == asked[i - 1]:
            out[i] = out[i - 1]
            continue
        at = _slot(asked[i], slots)
        while slots[at] >= 0 and numbers[slots[at]] != asked[i]:
            at = (at + 1) & (len(slots) - 1)
        out[i] = slots[at]
