from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from console.app.paging import Ask, Window


def fetch(store: list[int], ask: Ask, size: int = 3) -> tuple[list[int], str | None]:
    """A page of `store`, greatest first, as a store with keyset cursors gives it."""
    left = sorted((n for n in store if ask.cursor is None or n < int(ask.cursor)), reverse=True)
    return left[:size], str(left[size - 1]) if len(left) > size else None


def give(window: Window[int], ask: Ask | None, store: list[int]) -> None:
    if ask is not None:
        assert window.take(ask, *fetch(store, ask))


def test_down_to_the_end_and_back():
    store = list(range(20))
    window: Window[int] = Window(kept=2)
    give(window, window.restart(), store)
    assert (window.rows, window.first, window.complete) == ([19, 18, 17], 0, False)
    while ask := window.below():
        give(window, ask, store)
    assert (window.rows, window.first, window.stop, window.complete) == ([4, 3, 2, 1, 0], 15, 20, True)
    assert window.row(16) == 3
    assert window.row(0) is None
    while ask := window.above():
        give(window, ask, store)
    assert (window.rows, window.first, window.complete) == ([19, 18, 17, 16, 15, 14], 0, False)
    assert window.above() is None


def test_nothing_there():
    window: Window[int] = Window()
    give(window, window.restart(), [])
    assert (window.rows, window.complete, window.below(), window.above()) == ([], True, None, None)


def test_answers_to_an_earlier_reading_are_not_taken():
    window: Window[int] = Window()
    old = window.restart()
    new = window.restart()
    assert not window.take(old, [9], None)
    assert window.take(new, [1], None)
    assert not window.take(new, [1], None)  # twice
    assert window.rows == [1]


def test_a_page_that_moved_is_read_on_from_where_it_now_ends():
    store = list(range(0, 40, 2))
    window: Window[int] = Window(kept=2)
    give(window, window.restart(), store)
    for _ in range(3):
        give(window, window.below(), store)
    store.append(39)  # a newer one comes, the first page now ends earlier
    while ask := window.above():
        give(window, ask, store)
    assert window.rows[:3] == [39, 38, 36]
    give(window, window.below(), store)
    assert window.rows == [39, 38, 36, 34, 32, 30]


MOVES = st.lists(st.one_of(st.sampled_from(["down", "up"]), st.integers(0, 60)), max_size=40)


@given(st.sets(st.integers(0, 60), max_size=40), MOVES)
def test_whatever_comes_meanwhile_no_row_is_missed_or_doubled(begin: set[int], moves: list[Any]):
    store = sorted(begin)
    there = set(begin)  # since before the rows were read
    window: Window[int] = Window(kept=3)
    give(window, window.restart(), store)
    for move in moves:
        if isinstance(move, int):
            if move not in store:
                store.append(move)
            continue
        give(window, window.below() if move == "down" else window.above(), store)
        rows = window.rows
        assert rows == sorted(set(rows), reverse=True)
        assert len(rows) <= 9
        if rows:
            assert {n for n in there if rows[-1] <= n <= rows[0]} <= set(rows)
        assert window.stop - window.first == len(rows)
    while ask := window.below():
        give(window, ask, store)
    assert window.complete
    assert not begin or window.rows[-1] <= min(begin)  # what came at the end later is seen by reading anew
