"""Numba without linear algebra, which no kernel has: SciPy's would be imported for the first of them."""

from __future__ import annotations

import importlib
from functools import cache

from numba.np import linalg


@cache
def forgo_linear_algebra() -> None:
    """To be called before the first kernel runs: it then comes a fifth of a second earlier.

    Numba asks once whether there is a BLAS. SciPy, which would be imported for the answer, can be imported
    by whoever needs it, as ever.
    """
    asked = linalg.ensure_blas
    linalg.ensure_blas = _none
    try:
        importlib.import_module("numba.np.arraymath")
    finally:
        linalg.ensure_blas = asked


def _none() -> None:
    raise ImportError("no kernel multiplies matrices")
