from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from citywall import rows
from citywall.batches import CLOSED, EVENT, FLOW


def some(dtype: np.dtype, n: int, seed: int = 0) -> np.ndarray:
    found = np.zeros(n, dtype)
    for name in dtype.names:
        found[name] = np.random.default_rng(seed).integers(0, 100, found[name].shape)
    return found


@given(st.sampled_from([FLOW, CLOSED, EVENT]), st.lists(st.integers(0, 9), max_size=5))
def test_join_is_concatenate(dtype, sizes):
    pieces = [some(dtype, n, i) for i, n in enumerate(sizes)]
    found = rows.join(pieces, dtype)
    assert found.dtype == dtype
    assert (found == np.concatenate([np.empty(0, dtype), *pieces])).all()
    assert len(found) == sum(sizes)


@given(st.integers(0, 20), st.data())
def test_take_is_indexing(n, data):
    given_rows = some(FLOW, n)
    index = np.array(data.draw(st.lists(st.integers(0, n - 1), max_size=9) if n else st.just([])), np.int64)
    mask = np.array(data.draw(st.lists(st.booleans(), min_size=n, max_size=n)), bool)
    for chosen in (index, mask):
        found = rows.take(given_rows, chosen)
        assert found.dtype == FLOW
        assert (found == given_rows[chosen]).all()


def test_copy_is_apart_and_contiguous():
    given_rows = some(EVENT, 12)
    found = rows.copy(given_rows[::3])
    assert (found == given_rows[::3]).all()
    assert found.flags.c_contiguous
    found["time"] = -1
    assert (given_rows["time"] >= 0).all()


def test_rows_of_different_kinds_are_refused():
    with pytest.raises(ValueError, match="different kinds"):
        rows.join([some(FLOW, 1), some(EVENT, 1)], FLOW)


@given(st.integers(0, 70), st.integers(1, 20))
def test_blank_rows_begin_at_a_cache_line(n, words):
    dtype = np.dtype([("a", "u8", (words,))])
    found = rows.zeros(n, dtype)
    assert (len(found), found.dtype) == (n, dtype)
    assert not n or found.ctypes.data % 64 == 0
    assert not found["a"].any()
    assert found.flags.writeable


@given(st.lists(st.integers(0, 9), max_size=5), st.integers(0, 20))
def test_a_room_is_filled_and_the_rest_is_left(sizes, n):
    pieces = [some(FLOW, size, i) for i, size in enumerate(sizes)]
    whole = rows.join(pieces, FLOW)
    there, left = rows.fill(np.zeros(n, FLOW), pieces)
    assert (there == whole[:n]).all()
    assert (rows.join(left, FLOW) == whole[n:]).all()
    assert len(there) + sum(map(len, left)) == len(whole)


@pytest.mark.parametrize("size", [0, 3, 5, 9])
def test_rows_in_longer_room(size):
    for before in (some(FLOW, 5), np.arange(1, 6, dtype=np.uint8)):
        after = rows.longer(before, size)
        assert len(after) == size
        np.testing.assert_array_equal(after[:5], before[:size])
        assert not after[5:].view(np.uint8).any()


def test_a_room_of_another_kind_is_not_filled():
    with pytest.raises(ValueError, match="different kinds"):
        rows.fill(np.zeros(2, FLOW), [some(EVENT, 1)])


def test_a_room_is_given_again_when_nobody_looks_into_it():
    rooms = rows.Rooms(4, FLOW, keep=2)
    room = rooms.take()
    room["flow_id"] = 7
    part = room[1:2].view(np.uint8)
    del room
    other = rooms.take()
    other["flow_id"] = 8
    assert part.view(FLOW)["flow_id"][0] == 7
    del part
    assert rooms.take()["flow_id"].tolist() == [7] * 4
    assert other["flow_id"].tolist() == [8] * 4


def test_rows_are_filled_over_others_and_blanked():
    room, more = np.zeros(5, FLOW), some(FLOW, 3)
    rows.fill(room[1:4], [more])
    assert room.tolist() == [*np.zeros(1, FLOW).tolist(), *more.tolist(), *np.zeros(1, FLOW).tolist()]
    rows.blank(room, np.array([2, 3]))
    assert room[1] == more[0]
    assert (room[2:] == np.zeros(3, FLOW)).all()
    with pytest.raises(ValueError, match="different kinds"):
        rows.fill(room[:3], [some(EVENT, 3)])


def test_read_only_is_a_view_and_leaves_the_array_alone():
    array = np.zeros(3)
    view = rows.read_only(array)
    array[0] = 1
    assert view[0] == 1
    with pytest.raises(ValueError, match="read-only"):
        view[0] = 2
