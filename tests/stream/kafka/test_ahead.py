from __future__ import annotations

from typing import NamedTuple

from hypothesis import given, settings
from hypothesis import strategies as st

from stream.kafka.ahead import Ahead


class Record(NamedTuple):
    number: int
    value: bytes | None


def test_a_partition_is_hungry_until_it_holds_enough():
    ahead = Ahead(10)
    assert ahead.hungry("ab") == ["a", "b"]
    ahead.add({"a": [Record(0, bytes(6))]}, 1)
    assert ahead.hungry("ab") == ["a", "b"]
    ahead.add({"a": [Record(1, bytes(6)), Record(2, None)]}, 1)
    assert ahead.hungry("ab") == ["b"]
    assert ahead.take({"a": 1}) == {"a": [(1, Record(0, bytes(6)))]}
    assert ahead.hungry("ab") == ["a", "b"]


def test_what_goes_on_elsewhere_is_forgotten():
    ahead = Ahead(1)
    ahead.add({"a": [Record(0, b"x")], "b": [Record(0, b"x")]}, 1)
    ahead.drop(["a", "never seen"])
    assert ahead.hungry("ab") == ["a"]
    ahead.clear()
    assert ahead.hungry("ab") == ["a", "b"]
    assert ahead.take({"a": 5, "b": 5}) == {}


@settings(max_examples=30)
@given(
    st.lists(
        st.tuples(st.sampled_from("ab"), st.lists(st.integers(0, 5), max_size=5), st.integers(0, 4)),
        max_size=20,
    )
)
def test_records_come_out_once_and_in_order(steps):
    """Beside the obvious: a list of everything put in, and how much of it came out."""
    ahead = Ahead(8)
    put = {place: [] for place in "ab"}
    got = {place: [] for place in "ab"}
    for generation, (place, sizes, free) in enumerate(steps):
        records = [Record(len(put[place]) + i, bytes(size)) for i, size in enumerate(sizes)]
        put[place] += [(generation, record) for record in records]
        ahead.add({place: records}, generation)
        for where, taken in ahead.take({"a": free, "b": 1}).items():
            assert len(taken) <= (free if where == "a" else 1)
            got[where] += taken
        for where in "ab":
            assert got[where] == put[where][: len(got[where])]
            held = sum(len(record.value) for _, record in put[where][len(got[where]) :])
            assert (where in ahead.hungry("ab")) == (held < 8)
