from __future__ import annotations

import itertools
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alerts.kernels import LONGEST, address_texts
from citywall.addresses import to_text, to_words

GROUPS = st.lists(st.sampled_from([0, 0, 0, 1, 0xF, 0x10, 0xABC, 0xFFFF]), min_size=8, max_size=8)
ADDRESSES = st.one_of(
    GROUPS.map(lambda g: sum(v << 16 * (7 - i) for i, v in enumerate(g))),
    st.integers(0, (1 << 128) - 1),
    st.integers(0, (1 << 32) - 1).map(lambda v: 0xFFFF_0000_0000 | v),
)


def texts(words: list[tuple[int, int]]) -> list[str]:
    hi = np.array([w[0] for w in words], np.uint64)
    lo = np.array([w[1] for w in words], np.uint64)
    out = np.full(len(words) * LONGEST + 16, 0x21, np.uint8)
    offsets = np.zeros(len(words) + 1, np.int32)
    address_texts(hi, lo, out, offsets)
    assert (out[offsets[-1] :] == 0x21).all()
    return [bytes(out[a:b]).decode() for a, b in itertools.pairwise(offsets)]


@settings(max_examples=200, deadline=None)
@given(st.lists(ADDRESSES, max_size=20))
def test_texts_are_those_of_the_vocabulary(values: list[int]) -> None:
    words = [(v >> 64, v & (1 << 64) - 1) for v in values]
    assert texts(words) == [to_text(*w) for w in words]


@pytest.mark.parametrize(
    "text",
    ["0.0.0.0", "255.255.255.255", "10.0.100.9", "::", "::1", "1::", "1:2:3:4:5:6:7:8", "1::3:4:5:6:7:8",
     "2001:db8:0:1:1:1:1:1", "2001:0:0:1::1", "2001:db8::1:0:0:1", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
     "0:1::", "1:0:1:0:1:0:1:0", "fe80::abc:10:f"],
)  # fmt: skip
def test_rfc_5952(text: str) -> None:
    words = to_words(text)
    assert texts([words]) == [to_text(*words)]


def test_without_the_compiler() -> None:
    """The same kernel as plain Python, where reading outside an array would raise."""
    environment = {**os.environ, "NUMBA_DISABLE_JIT": "1"}
    arguments = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        __file__,
        "-k",
        "rfc or vocabulary",
    ]
    root = Path(__file__).resolve().parents[2]
    done = subprocess.run(arguments, cwd=root, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
