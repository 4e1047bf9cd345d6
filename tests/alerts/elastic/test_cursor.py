from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.elastic import cursor
from alerts.elastic.cursor import Cursor
from citywall.errors import StoreError


@given(st.text(), st.integers(-(1 << 63), (1 << 63) - 1), st.text())
def test_a_cursor_is_read_as_it_was_written(pit: str, time: int, name: str) -> None:
    told = Cursor(pit, time, name)
    assert cursor.read(told.written()) == told


@given(st.text(max_size=40))
def test_any_other_text_is_refused(text: str) -> None:
    with pytest.raises(StoreError, match="does not come from an earlier page"):
        cursor.read("q" + text)


@pytest.mark.parametrize("text", ["p", "p!", "pAAAA", Cursor("a", 1, "b").written()[:-3], "1_a"])
def test_a_damaged_one_is_refused(text: str) -> None:
    with pytest.raises(StoreError, match="earlier page"):
        cursor.read(text)
