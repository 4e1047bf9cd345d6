from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts import times


@given(st.integers(-(1 << 63), (1 << 63) - 1))
def test_iso_round_trip(time: int) -> None:
    text = times.to_iso(time)
    assert times.from_iso(text) == time
    assert datetime.fromisoformat(text[:26] + "Z").astimezone(UTC).year == int(text[:4])


@pytest.mark.parametrize(
    ("text", "start", "length"),
    [
        ("1970-01-02", times.DAY, times.DAY),
        ("1970-01-01T01:00", times.HOUR, times.MINUTE),
        ("1970-01-01 00:00:01", times.SECOND, times.SECOND),
        ("1970-01-01T00:00:00.5Z", times.SECOND // 2, times.SECOND // 10),
        ("1970-01-01T08:00:00+08:00", 0, times.SECOND),
        ("1969-12-31T23:30:00-0030", 0, times.SECOND),
    ],
)
def test_interval_is_as_long_as_it_is_written(text: str, start: int, length: int) -> None:
    assert times.interval(text) == (start, start + length)


@pytest.mark.parametrize(
    "text", ["", "yesterday", "2024-13-01", "2024-02-30", "2024-05-01T25:00", "2024-05-01T"]
)
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        times.interval(text)


@pytest.mark.parametrize(
    "text",
    [
        "2024-05-01T12:00:60.000000000Z", "2024-05-01T12:00:+1.000000000Z",
        "2024-05-01T12:00:01.0000000_1Z", "2024-05-01T12:00:01.00000000\u00b2Z",
        "2024-05-01T12:60:01.000000000Z", "2024-05-01x12:00:01.000000000Z",
    ],
)  # fmt: skip
def test_what_only_looks_like_a_time_as_we_write_it_is_refused(text: str) -> None:
    assert len(text) == 30
    with pytest.raises(ValueError, match=r"time|second|minute"):
        times.from_iso(text)


def test_a_time_nearly_as_we_write_it_is_read_alike() -> None:
    for text in (
        "2024-05-01 12:00:01.000000007Z",
        "2024-05-01T12:00:01,000000007Z",
        "2024-05-01T12:00:01.00007+0000",
    ):
        assert len(text) == 30
        assert times.from_iso(text) == times.interval(text)[0]


def test_day_and_bounds() -> None:
    assert times.day_of(times.DAY - 1) == "1970-01-01"
    assert times.bounded(1 << 70) == (1 << 63) - 1
    assert times.bounded(-(1 << 70)) == -(1 << 63)
