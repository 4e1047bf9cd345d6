from __future__ import annotations

from fnmatch import fnmatchcase

import numpy as np
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from rules.sigma import kernels


@hypothesis_settings(max_examples=150)
@given(st.lists(st.text("abAB", max_size=8), min_size=1, max_size=4), st.text("ab*?", max_size=7))
def test_like(texts: list[str], pattern: str):
    raw = np.zeros((len(texts), 12), np.uint8)
    for i, text in enumerate(texts):
        raw[i, 2 : 2 + len(text)] = np.frombuffer(text.encode(), np.uint8)
    what = bytes({"*": kernels.MANY, "?": kernels.ONE}.get(c, kernels.BYTE) for c in pattern)
    out = np.zeros(len(texts), np.uint8)
    kernels.like(
        raw, np.arange(len(texts)), np.full(len(texts), 2), np.array([len(t) for t in texts]),
        np.frombuffer(pattern.encode(), np.uint8), np.frombuffer(what, np.uint8), out,
    )  # fmt: skip
    assert out.tolist() == [fnmatchcase(text.lower(), pattern) for text in texts]
