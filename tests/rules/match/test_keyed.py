from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from rules.match.keyed import _LEAST, Keyed

ROW = np.dtype([("number", "i8"), ("seen", "u1"), ("bytes", "u1", (37,))])


def _as_kept(numbers: set[int]) -> np.ndarray:
    return np.array(sorted(numbers), np.int64)


@given(st.lists(st.tuples(st.sets(st.integers(0, 60)), st.sets(st.integers(0, 60)))))
def test_rows_stay_what_they_are_whoever_comes_and_goes(steps):
    keyed, known = Keyed(ROW), {}
    for wanted, over in steps:
        numbers = _as_kept(wanted)
        at = keyed.places(numbers)
        for number, place in zip(numbers.tolist(), at.tolist(), strict=True):
            row = keyed.rows[place]
            assert row["number"] == known.get(number, 0)
            assert row["seen"] == (number in known)
            assert not (row["bytes"] != (number if number in known else 0)).any()
            known[number] = number
        keyed.rows["number"][at] = numbers
        keyed.rows["seen"][at] = 1
        keyed.rows["bytes"][at] = numbers[:, None]
        gone = _as_kept(over & known.keys())
        keyed.let_go(keyed.places(gone))
        for number in gone.tolist():
            del known[number]
        assert keyed.numbers.tolist() == sorted(known)
        assert len(keyed) == len(known)
        assert len(set(keyed.places(_as_kept(known.keys())).tolist())) == len(known)


def test_room_is_given_back():
    keyed = Keyed(ROW)
    many = np.arange(5 * _LEAST)
    at = keyed.places(many)
    keyed.rows["number"][at] = many
    keyed.let_go(keyed.places(many[7:]))
    assert len(keyed.rows) == 7
    assert keyed.rows["number"][keyed.places(many[:7])].tolist() == list(range(7))
    keyed.let_go(keyed.places(many[:7]))
    assert len(keyed) == 0
    assert len(keyed.places(many[:3])) == 3
