"""Packed words against a slow oracle: Python integers, one word after another."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from stream import kernels

MOST = (1 << 64) - 1
words_of = st.tuples(st.integers(0, 70), st.integers(1, 5)).flatmap(
    lambda shape: arrays.arrays(
        np.uint64, shape, elements=st.one_of(st.integers(0, MOST), st.integers(0, 300), st.just(MOST))
    )
)


def zigzag(word: int, before: int) -> int:
    d = (word - before) & MOST
    return (d << 1) & MOST if d < 1 << 63 else (~(d << 1)) & MOST


def packed(words: np.ndarray, steps: list[int]) -> tuple[list[int], bytes]:
    """Length of every word, and the bytes."""
    lengths, out = [], b""
    for i, row in enumerate(words.tolist()):
        for j, plain in enumerate(row):
            word = zigzag(plain, int(words[i - 1, j]) if i else 0) if steps[j] else plain
            n = -(-word.bit_length() // 8)
            lengths.append(n)
            out += word.to_bytes(8, "little")[:n]
    return lengths, out


@given(words_of)
@example(np.zeros((0, 3), np.uint64))
@example(np.array([[MOST], [0], [MOST], [1 << 63]], np.uint64))
@settings(max_examples=150, deadline=None)
def test_as_the_oracle(words: np.ndarray):
    n, width = words.shape
    chosen = np.empty(width, np.uint8)
    kernels.choose(words, chosen)
    for steps in (chosen, np.zeros(width, np.uint8), np.ones(width, np.uint8)):
        lengths = np.full((n * width + 1) // 2, 0xEE, np.uint8)
        out = np.full(words.nbytes + kernels.SLACK, 0xEE, np.uint8)
        size = kernels.pack(words, steps, lengths, out)
        wanted, data = packed(words, steps.tolist())
        assert out[:size].tobytes() == data
        halves = [half for byte in lengths.tolist() for half in (byte & 15, byte >> 4)]
        assert halves[: n * width] == wanted
        found = np.empty_like(words)
        assert kernels.unpack(lengths, out[: size + kernels.SLACK], steps, found)
        assert (found == words).all()
    sample = words[: kernels.SAMPLE]
    for j in range(width):
        plain, stepped = (sum(packed(sample[:, j : j + 1], [way])[0]) for way in (0, 1))
        assert chosen[j] == (stepped < plain)


@given(st.binary(max_size=40), st.binary(min_size=8, max_size=60), st.integers(0, 1))
@settings(max_examples=150, deadline=None)
def test_hostile_bytes_are_refused_or_read_within_bounds(lengths: bytes, data: bytes, step: int):
    words = np.empty((len(lengths), 2), np.uint64)
    halves = [half for byte in lengths for half in (byte & 15, byte >> 4)]
    fits = all(n <= 8 for n in halves) and sum(halves) == len(data) - kernels.SLACK
    steps = np.full(2, step, np.uint8)
    raw = (np.frombuffer(lengths, np.uint8), np.frombuffer(data, np.uint8))
    assert kernels.unpack(*raw, steps, words) == fits


@given(words_of, st.integers(0, 80), st.integers(0, 9), st.randoms(use_true_random=False))
@settings(max_examples=60, deadline=None)
def test_columns_are_picked_and_rows_placed(words: np.ndarray, least: int, room: int, random):
    n, width = words.shape
    times, ids = np.empty(n, np.int64), np.empty(n, np.uint64)
    rises = kernels.pick(words, 0, width - 1, times, ids)
    signed = words[:, 0].astype(np.int64).tolist()
    assert (times.tolist(), ids.tolist()) == (signed, words[:, -1].tolist())
    assert rises == (signed == sorted(signed))
    places = list(range(n))
    random.shuffle(places)
    out = np.full((room, width), 7, np.uint64)
    kernels.place(words, np.array(places, np.int64), least, out)
    wanted = np.full_like(out, 7)
    for row, place in zip(words, places, strict=True):
        if least <= place < least + room:
            wanted[place - least] = row
    assert (out == wanted).all()


def test_without_the_jit():
    """Bounds are checked there: the slack is enough."""
    code = (
        "import numpy as np; from stream import kernels as k\n"
        "words = np.array([[2**64 - 1, 5], [0, 2**64 - 1], [7, 7]], np.uint64)\n"
        "steps, lengths = np.empty(2, np.uint8), np.empty(3, np.uint8)\n"
        "out, found = np.empty(words.nbytes + k.SLACK, np.uint8), np.empty_like(words)\n"
        "k.choose(words, steps); steps[:] = [0, 1]\n"
        "size = k.pack(words, steps, lengths, out)\n"
        "assert k.unpack(lengths, out[:size + k.SLACK], steps, found) and (found == words).all()\n"
        "assert not k.unpack(lengths, out[:size + k.SLACK - 1], steps, found)\n"
        "times, ids = np.empty(3, np.int64), np.empty(3, np.uint64)\n"
        "assert k.pick(words, 0, 1, times, ids) and times.tolist() == [-1, 0, 7]\n"
        "k.place(words, np.array([2, 0, 1]), 1, found[:1])\n"
        "assert (found[0] == words[2]).all()\n"
    )
    environment = os.environ | {"NUMBA_DISABLE_JIT": "1"}
    subprocess.run([sys.executable, "-W", "ignore", "-c", code], env=environment, check=True)
