from __future__ import annotations

from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from citywall.errors import StreamError
from stream import packing


def body_of(words: np.ndarray) -> bytes:
    return b"".join(packing.pack(words))


def counts(n: int, width: int) -> np.ndarray:
    return np.random.default_rng(n).geometric(0.01, (n, width)).astype(np.uint64)


@given(st.integers(0, 60), st.integers(1, 40))
@settings(max_examples=40, deadline=None)
def test_round_trip_and_what_follows(n: int, width: int):
    words = counts(n, width)
    found, rest = packing.unpack(memoryview(body_of(words) + b"next"), n, width)
    assert (found == words).all()
    assert found.shape == (n, width)
    assert bytes(rest) == b"next"


def test_small_numbers_and_steady_ones_take_little_room():
    words = counts(1000, 25)
    words[:, 0] = np.arange(1000, dtype=np.uint64) * np.uint64(1_000_000) + np.uint64(1_767_225_600 * 10**9)
    assert len(body_of(words)) * 3 < words.nbytes


def test_noise_costs_a_sixteenth_more():
    words = np.random.default_rng(1).integers(0, 1 << 64, (1000, 25), np.uint64)
    assert len(body_of(words)) <= words.nbytes * 17 // 16 + 100


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_what_is_cut_short_or_changed_is_refused_or_read_within_bounds(data: st.DataObject):
    body = bytearray(body_of(counts(9, 5)))
    if data.draw(st.booleans()):
        with pytest.raises(StreamError, match="packed rows that cannot be read"):
            packing.unpack(memoryview(body)[: data.draw(st.integers(0, len(body) - 1))], 9, 5)
        return
    body[data.draw(st.integers(0, len(body) - 1))] ^= data.draw(st.integers(1, 255))
    with suppress(StreamError):
        words, _ = packing.unpack(memoryview(body), 9, 5)
        assert words.shape == (9, 5)


def test_more_rows_than_there_are_bytes_for_are_refused_before_room_is_made():
    with pytest.raises(StreamError, match="cannot be read"):
        packing.unpack(memoryview(bytes(64)), 1 << 31, 25)
