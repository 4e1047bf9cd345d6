"""Elements of DER and BER (X.690) in kernels, as `ingest.applications.der` reads them."""

from __future__ import annotations

import numpy as np

from citywall.kernels import shared
from ingest.applications.compiled.looks.kernels import element

_LEAST, _MOST = np.int64(-(1 << 63)), np.int64((1 << 63) - 1)


@shared
def count(data, at, end, most):
    """How many elements there are, at most `most`; -1 where one of them is broken."""
    n = 0
    while at < end and n < most:
        _, at = element(data, at, end)
        if at < 0:
            return -1
        n += 1
    return n


@shared
def nth(data, at, end, n):
    """Where the `n`th of sound elements stands, and where its contents begin and end."""
    start, after = element(data, at, end)
    for _ in range(n):
        at = after
        start, after = element(data, at, end)
    return at, start, after


@shared
def integer(data, at, end):
    """The value of an INTEGER, of which nine bytes count, as far as 64 bits hold it; whether they do."""
    n = min(end - at, np.int64(9))
    if n <= 0:
        return np.int64(0), True
    first = np.int64(data[at]) - (256 if data[at] >= 128 else 0)
    value = first
    for i in range(1, n):
        if i == 8 and first != 0 and first != -1:
            return _MOST if first > 0 else _LEAST, False
        value = value << 8 | np.int64(data[at + i])
    if n == 9 and (value < 0) != (first < 0):
        return _MOST if first == 0 else _LEAST, False
    return value, True
