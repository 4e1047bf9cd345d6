"""A watermark never goes back, and late records are counted."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from citywall.watermarks import BEGINNING, END_OF_TIME, Watermark, join


@given(st.lists(st.integers(0, 1000)), st.integers(0, 50))
def test_never_back_and_late_counted(times: list[int], lateness: int):
    mark = Watermark(lateness)
    before = mark.time
    late = 0
    for t in times:
        late += t < before
        assert mark.see(t) == max(t, before)
        assert mark.time >= before
        before = mark.time
    assert mark.late == late


def test_close():
    mark = Watermark()
    assert mark.time == BEGINNING
    mark.close()
    assert mark.time == END_OF_TIME
    assert mark.see(5) == END_OF_TIME


def test_join_waits_for_the_slowest():
    assert join([5, 3, 9]) == 3
    assert join([]) == BEGINNING
