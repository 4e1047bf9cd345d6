from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from console.display.bars import bars, buckets


def test_the_greatest_fills_the_height_and_the_least_is_seen():
    assert bars([0, 1, 50, 100], 2) == ["   █", " ▁██"]
    assert bars([], 3) == ["", "", ""]
    assert bars([0, 0], 1) == ["  "]


@given(st.lists(st.integers(0, 10**6), min_size=1, max_size=40), st.integers(1, 6))
def test_higher_counts_have_higher_bars(values: list[int], height: int):
    lines = bars(values, height)
    filled = [sum(" ▁▂▃▄▅▆▇█".index(line[at]) for line in lines) for at in range(len(values))]
    assert all((f > 0) == (v > 0) for f, v in zip(filled, values, strict=True))
    order = sorted(range(len(values)), key=lambda at: values[at])
    assert [filled[at] for at in order] == sorted(filled)


@given(st.lists(st.tuples(st.integers(-5, 105), st.integers(0, 9)), max_size=30), st.integers(1, 30))
def test_nothing_in_the_span_is_lost(counts: list[tuple[int, int]], number: int):
    assert sum(buckets(counts, 0, 100, number)) == sum(n for t, n in counts if 0 <= t < 100)
