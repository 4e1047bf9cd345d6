from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from citywall.errors import UsageError
from reports.day import day_of, last_whole

HOUR = 3_600_000_000_000


def test_a_day_in_its_zone_and_from_its_hour():
    day = day_of("2024-05-01", "Asia/Shanghai", 8)
    assert day.since == 1_714_521_600 * 1_000_000_000  # 2024-05-01T00:00:00Z
    assert (day.hours, day.hour(day.since), day.hour(day.until - 1)) == (24, 0, 23)
    assert day.local(day.since) == "2024-05-01 08:00:00"


def test_days_on_which_clocks_change():
    assert day_of("2024-03-31", "Europe/Berlin", 0).hours == 23
    assert day_of("2024-10-27", "Europe/Berlin", 0).hours == 25


@pytest.mark.parametrize("text", ["", "yesterday", "2024-02-30", "9999-12-31"])
def test_what_is_no_date(text: str):
    with pytest.raises(UsageError):
        day_of(text, "Asia/Shanghai", 0)


@given(
    st.integers(1_000_000_000, 4_000_000_000),
    st.sampled_from(["UTC", "Asia/Shanghai", "Europe/Berlin", "Pacific/Apia"]),
    st.integers(0, 23),
)
def test_the_last_whole_day_is_over_and_the_next_is_not(second: int, zone: str, begins: int):
    now = second * 1_000_000_000
    day = last_whole(now, zone, begins)
    assert day.until <= now < day.until + 26 * HOUR
    assert day == day_of(day.date, zone, begins)
