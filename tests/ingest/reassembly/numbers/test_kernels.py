from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ingest.reassembly.numbers import Index, kernels

NUMBERS = st.integers(-1, 40) | st.integers(-(1 << 63), (1 << 63) - 1)


@given(st.lists(NUMBERS, unique=True, max_size=40), st.lists(NUMBERS, max_size=40))
def test_rows_are_found_by_their_numbers(numbers, asked):
    rows = {number: row for row, number in enumerate(numbers)}
    asked = [*asked, *numbers, *numbers[:3]]
    found = Index(np.array(numbers, np.int64)).of(np.array(asked, np.int64))
    assert found.tolist() == [rows.get(number, -1) for number in asked]


def test_numbers_of_the_same_slot_stand_behind_one_another():
    slots = np.full(16, -1, np.int32)
    multiply = 0x9E3779B97F4A7C15
    numbers = np.array([n for n in range(400) if (n * multiply % (1 << 64) >> 32) % 16 == 15][:4])
    kernels.enter(numbers, slots)
    assert [slots[15], *slots[:3]] == [0, 1, 2, 3]
    out = np.zeros(4, np.int64)
    kernels.find(numbers, slots, numbers[::-1].copy(), out)
    assert out.tolist() == [3, 2, 1, 0]


def test_columns_of_rows_can_be_asked():
    rows = np.zeros(3, [("a", "i1"), ("number", "i8")])
    rows["number"] = (7, 3, 9)
    assert Index(rows["number"]).of(rows["number"][::-1]).tolist() == [2, 1, 0]
