"""Elements and integers, held to the reader in Python."""

from __future__ import annotations

import numpy as np
from hypothesis import example, given, settings
from hypothesis import strategies as st

from citywall.kernels import bare_kernel
from ingest.applications import der
from ingest.applications.compiled.der import kernels


@bare_kernel
def counted(data, most, out):
    out[0] = kernels.count(data, np.int64(1), np.int64(len(data) - 1), most)
    if out[0] > 0:
        _, out[1], out[2] = kernels.nth(data, np.int64(1), np.int64(len(data) - 1), out[0] - 1)


@bare_kernel
def integer(data, out):
    out[0], exact = kernels.integer(data, np.int64(1), np.int64(len(data) - 1))
    out[1] = exact


def framed(data):
    return np.frombuffer(b"\x30" + data + b"\x30", np.uint8).copy()


PARTS = st.sampled_from(
    (b"\x30\0", b"\2\1\7", b"\x04\x81\2ab", b"\x1f\0", b"\x30\x80", b"\x30\x85\0\0\0\0\0", b"\x30")
)


@settings(max_examples=100, deadline=None)
@given(st.lists(PARTS, max_size=6).map(b"".join), st.integers(1, 4))
def test_elements_are_those_that_python_finds(data, most):
    out = np.zeros(3, np.int64)
    counted(framed(data), most, out)
    try:
        found = der.items(data, most)
    except der.Broken:
        assert out[0] == -1
    else:
        assert out[0] == len(found)
        assert not found or data[out[1] - 1 : out[2] - 1] == found[-1].data


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=11))
@example(b"\0" + b"\xff" * 8)
@example(b"\xff" + b"\x7f" * 8)
def test_integers_are_held_to_64_bits(data):
    out = np.zeros(2, np.int64)
    integer(framed(data), out)
    value = der.integer(data)
    assert out[0] == max(min(value, (1 << 63) - 1), -(1 << 63))
    assert bool(out[1]) == (out[0] == value)
