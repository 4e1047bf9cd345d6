from __future__ import annotations

import pytest

from console import units


@pytest.mark.parametrize(
    ("value", "expected"),
    [(0, "0"), (7, "7"), (0.5, "0.5"), (999, "999"), (999.9, "1.00 k"), (1000, "1.00 k"), (12_345, "12.3 k"),
     (123_456, "123 k"), (999_999, "1.00 M"), (1_234_567, "1.23 M"), (2.5e9, "2.50 G"), (7e15, "7000 T")],
)  # fmt: skip
def test_short(value: float, expected: str):
    assert units.short(value) == expected


def test_sizes_and_counts():
    assert units.size(0) == "0 B"
    assert units.size(12_300_000) == "12.3 MB"
    assert units.count(1_234_567) == "1,234,567"


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [(0.0, "0.00 s"), (9.99, "9.99 s"), (9.999, "10.0 s"), (59.9, "59.9 s"), (59.99, "1:00"), (245, "4:05"),
     (3723, "1:02:03")],
)  # fmt: skip
def test_duration(seconds: float, expected: str):
    assert units.duration(seconds) == expected


def test_clock():
    assert units.clock(4) == "0:04"
    assert units.clock(90_061) == "25:01:01"


def test_moment():
    assert units.moment(1_714_564_801_234_567_890) == "2024-05-01T12:00:01.234Z"
    assert units.moment(-1) == "1969-12-31T23:59:59.999Z"
    assert units.moment(1 << 62) == "2116-02-20T23:53:38.427Z"
    assert units.moment(10**30) == str(10**30)
