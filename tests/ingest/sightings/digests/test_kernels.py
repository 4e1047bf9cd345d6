"""Digests against Python's own, with the JIT and without."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.sightings.digests import kernels


def digest(data: bytes, *, long: bool, at: int = 3) -> str:
    buffer = np.frombuffer(b"\xff" * at + data, np.uint8)
    out = np.zeros(8, np.int64)
    kernels.digest(buffer, at, len(data), long, np.zeros(64, np.int64), out)
    return "".join(f"{word:08x}" for word in out[: 8 if long else 4].tolist())


@pytest.mark.parametrize("n", [0, 1, 55, 56, 57, 63, 64, 65, 119, 120, 128, 300])
def test_known_sizes(n):
    data = bytes(i * 7 & 255 for i in range(n))
    assert digest(data, long=False) == hashlib.md5(data, usedforsecurity=False).hexdigest()
    assert digest(data, long=True) == hashlib.sha256(data).hexdigest()


@given(st.binary(max_size=400))
@settings(max_examples=20, deadline=None)
def test_any_bytes(data):
    assert digest(data, long=True) == hashlib.sha256(data).hexdigest()
