from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alerts.flowread import Window, beyond, reading
from citywall.errors import StoreError

PLACES = st.lists(
    st.tuples(st.integers(-2, 3), st.sampled_from([0, 1, (1 << 64) - 1]), st.sampled_from(["a", "b"])),
    max_size=12,
)


def table(places: list[tuple[int, int, str]]) -> pa.Table:
    return pa.table(
        {
            "last": pa.array([p[0] for p in places], pa.int64()).cast(pa.timestamp("ns", tz="UTC")),
            "flow_id": pa.array([p[1] for p in places], pa.uint64()),
            "session": pa.array([p[2] for p in places], pa.string()),
        }
    )


def places_of(rows: pa.Table | None) -> list[tuple[int, int, str]]:
    if rows is None:
        return []
    return list(zip(rows["last"].cast(pa.int64()).to_pylist(), rows["flow_id"].to_pylist(),
                    rows["session"].to_pylist(), strict=True))  # fmt: skip


@settings(max_examples=80, deadline=None)
@given(st.lists(PLACES, max_size=4), st.integers(1, 6))
def test_the_window_keeps_the_newest(batches: list[list[tuple[int, int, str]]], size: int) -> None:
    window = Window(size)
    for batch in batches:
        window.add(table(batch))
    everything = sorted((p for batch in batches for p in batch), reverse=True)
    assert places_of(window.rows) == everything[:size]
    for newest in range(-3, 5):
        assert window.closed_to(newest) == (len(everything) >= size and newest < everything[size - 1][0])


@settings(max_examples=80, deadline=None)
@given(
    PLACES, st.tuples(st.integers(-2, 3), st.sampled_from([0, 1, (1 << 64) - 1]), st.sampled_from(["a", "b"]))
)
def test_beyond_is_the_order_of_places(
    places: list[tuple[int, int, str]], place: tuple[int, int, str]
) -> None:
    for session in ("a", "b"):
        mine = [p for p in places if p[2] == session]
        assert beyond(table(mine), place, session).tolist() == [p < place for p in mine]


def test_a_file_that_is_gone_is_nothing(tmp_path: Path) -> None:
    with reading(tmp_path / "gone.parquet") as file:
        assert file is None


def test_a_file_of_something_else_is_named(tmp_path: Path) -> None:
    path = tmp_path / "x.parquet"
    path.write_bytes(b"PAR1 but not really PAR1")
    with pytest.raises(StoreError, match=r"x\.parquet: cannot be read"), reading(path):
        pytest.fail("opened")
