"""Texts beside patterns with wildcards."""

from __future__ import annotations

import numpy as np

from citywall.kernels import bare_kernel

#: What stands in a pattern: a byte, any one byte, any bytes.
BYTE, ONE, MANY = 0, 1, 2


@bare_kernel
def like(text, rows, starts, sizes, pattern, what, out):
    """Which texts `text[rows[i], starts[i] : + sizes[i]]` are like a pattern, whole and without case.

    `pattern` holds bytes in lower case, `what` is BYTE, ONE or MANY for each. `out` (u1) gets 1 or 0.
    """
    m = np.int64(len(pattern))
    for i in range(len(rows)):
        row = rows[i]
        begin = np.int64(starts[i])
        n = np.int64(sizes[i])
        at = np.int64(0)
        p = np.int64(0)
        star = np.int64(-1)
        mark = np.int64(0)
        good = True
        while at < n:
            c = np.int64(text[row, begin + at])
            if 65 <= c <= 90:
                c += 32
            if p < m and what[p] == MANY:
                star = p
                mark = at
                p += 1
            elif p < m and (what[p] == ONE or (what[p] == BYTE and pattern[p] == c)):
                at += 1
                p += 1
            elif star >= 0:
                p = star + 1
                mark += 1
                at = mark
            else:
                good = False
                break
        if good:
            while p < m and what[p] == MANY:
                p += 1
            good = p == m
        out[i] = np.uint8(good)
