"""The shared intrinsics agree with Python, compiled and not."""

from __future__ import annotations

import os
import struct
import subprocess
import sys

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from citywall import kernels

LOADS = {
    "load_le16": "<H", "load_be16": ">H", "load_le32": "<I", "load_be32": ">I",
    "load_le64": "<Q", "load_be64": ">Q",
}  # fmt: skip


@kernels.kernel
def all_loads(buffer, offset, out):
    out[0] = kernels.load_le16(buffer, offset)
    out[1] = kernels.load_be16(buffer, offset)
    out[2] = kernels.load_le32(buffer, offset)
    out[3] = kernels.load_be32(buffer, offset)
    out[4] = kernels.load_le64(buffer, offset)
    out[5] = kernels.load_be64(buffer, offset)
    kernels.prefetch(buffer, offset)


@kernels.kernel
def bits(words, out):
    for i in range(words.size):
        out[i] = kernels.popcount64(words[i])


@given(st.binary(min_size=8, max_size=32), st.data())
def test_loads_equal_struct(raw: bytes, data: st.DataObject):
    offset = data.draw(st.integers(0, len(raw) - 8))
    out = np.zeros(6, np.uint64)
    all_loads(np.frombuffer(raw, np.uint8), offset, out)
    assert out.tolist() == [struct.unpack_from(f, raw, offset)[0] for f in LOADS.values()]


@kernels.bare_kernel
def copy(out, at, source, start, n):
    kernels.copy_bytes(out, at, source, start, n)


@given(st.binary(max_size=64), st.data())
def test_copies_equal_slices(raw: bytes, data: st.DataObject):
    start = data.draw(st.integers(0, len(raw)))
    n = data.draw(st.integers(0, len(raw) - start))
    at = data.draw(st.integers(0, 9))
    out = np.full(at + n + 5, 7, np.uint8)
    copy(out, at, np.frombuffer(raw, np.uint8), start, n)
    assert out.tobytes() == b"\7" * at + raw[start : start + n] + b"\7" * 5


@given(st.lists(st.integers(0, 2**64 - 1), max_size=20))
def test_popcount(words: list[int]):
    out = np.zeros(len(words), np.int64)
    bits(np.array(words, np.uint64), out)
    assert out.tolist() == [w.bit_count() for w in words]


@kernels.kernel
def stored(out, at, words, zeros):
    for i in range(words.size):
        kernels.store_le64(out, at, words[i])
        zeros[i] = kernels.leading_zeros64(words[i])


@given(st.lists(st.integers(0, 2**64 - 1), min_size=1, max_size=5), st.integers(0, 9))
def test_a_store_is_eight_bytes_and_zeros_are_counted(words: list[int], at: int):
    out, zeros = np.full(17, 0xEE, np.uint8), np.zeros(len(words), np.int64)
    stored(out, at, np.array(words, np.uint64), zeros)
    assert out[at : at + 8].tobytes() == words[-1].to_bytes(8, "little")
    assert set(out[:at].tolist()) | set(out[at + 8 :].tolist()) <= {0xEE}
    assert zeros.tolist() == [64 - word.bit_length() for word in words]


def test_twins_check_bounds_without_the_compiler():
    code = (
        "import numpy as np; from citywall import kernels as k\n"
        "b = np.arange(16, dtype=np.uint8)\n"
        "assert not k.JIT and k.load_be32(b, 3) == 0x03040506 and k.load_le16(b, 0) == 0x0100\n"
        "assert k.popcount64(np.uint64(2**64 - 1)) == 64\n"
        "o = np.zeros(4, np.uint8); k.copy_bytes(o, 1, b, 5, 3); assert o.tolist() == [0, 5, 6, 7]\n"
        "try: k.copy_bytes(o, 2, b, 5, 3)\n"
        "except IndexError: pass\n"
        "else: raise SystemExit('a copy out of bounds passed')\n"
        "k.store_le64(b, 8, np.uint64(2**63)); assert b[8:].tolist() == [0] * 7 + [128]\n"
        "assert k.leading_zeros64(np.uint64(1)) == 63 and k.leading_zeros64(np.uint64(0)) == 64\n"
        "try: k.store_le64(b, 9, np.uint64(1))\n"
        "except IndexError: pass\n"
        "else: raise SystemExit('a store out of bounds passed')\n"
        "try: k.load_be64(b, 9)\n"
        "except IndexError: print('refused')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], env=os.environ | {"NUMBA_DISABLE_JIT": "1"},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout == "refused\n"
